"""What an organization's people decided about columns that no rule reads for certain.

A decision holds for every file with the same set of column names, however it is handed in.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, select, update

from claims_pipeline.store.database import insert_or_ignore, reading
from claims_pipeline.store.tables import column_decisions


def list_decisions(engine: Engine, organization_id: str) -> dict[str, dict[str, str]]:
    """For each digest of a header: its column names, and the column (or `ignore`) of each."""
    query = select(column_decisions.c.header_digest, column_decisions.c.column_map).where(
        column_decisions.c.organization_id == organization_id
    )
    with reading(engine) as connection:
        return {row.header_digest: row.column_map for row in connection.execute(query)}


def remember_decision(
    connection: Connection,
    *,
    organization_id: str,
    header_digest: str,
    column_map: Mapping[str, str],
    now: datetime,
) -> None:
    """Keep a decision; it takes the place of an earlier one about the same header."""
    values = {"column_map": dict(column_map), "decided_at": now}
    key = {"organization_id": organization_id, "header_digest": header_digest}
    connection.execute(insert_or_ignore(connection, column_decisions).values(**key, **values))
    connection.execute(
        update(column_decisions)
        .where(
            column_decisions.c.organization_id == organization_id,
            column_decisions.c.header_digest == header_digest,
        )
        .values(**values)
    )
