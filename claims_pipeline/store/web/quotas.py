"""What an organization has handed in lately."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedQuota:
    """Uploads and rows since an instant, and when the first of them came."""

    uploads: int
    rows: int
    oldest_at: datetime | None


def used_quota(engine: Engine, organization_id: str, *, since: datetime) -> UsedQuota:
    """Count an organization's uploads since then, wherever they came from."""
    query = select(
        func.count(), func.sum(tables.uploads.c.total_rows), func.min(tables.uploads.c.created_at)
    ).where(
        tables.uploads.c.organization_id == organization_id, tables.uploads.c.created_at >= since
    )
    with reading(engine) as connection:
        count, rows, oldest_at = connection.execute(query).one()
    return UsedQuota(uploads=count, rows=int(rows or 0), oldest_at=oldest_at)
