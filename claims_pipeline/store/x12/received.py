"""Files that came in, as counts."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading


def record(
    connection: Connection,
    *,
    organization_id: str,
    partner: str,
    sha256: str,
    size: int,
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """Keep that a file was read, and what it came to; none of its content."""
    connection.execute(
        insert(tables.x12_received).values(
            id=str(uuid4()),
            organization_id=organization_id,
            partner=partner,
            sha256=sha256,
            bytes=size,
            counts={name: count for name, count in counts.items() if count},
            received_at=now,
        )
    )


def received_since(engine: Engine, since: datetime) -> dict[tuple[str, str], Counter[str]]:
    """By organization and partner: files and what they came to, since then."""
    columns = tables.x12_received.c
    query = select(columns.organization_id, columns.partner, columns.counts).where(
        columns.received_at >= since
    )
    found: dict[tuple[str, str], Counter[str]] = {}
    with reading(engine) as connection:
        for organization_id, partner, counts in connection.execute(query):
            total = found.setdefault((organization_id, partner), Counter())
            total["files"] += 1
            total.update(counts)
    return found
