"""What an organization has handed in and asked again lately, deleted or not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from claims_pipeline.store import tables

QUOTA_WINDOW = timedelta(days=1)
# Any fixed number: with the organization it makes PostgreSQL's writers count one by one.
_QUOTA_LOCK = 4_711_203


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedQuota:
    """Uploads and rows since an instant, and when the first of them came."""

    uploads: int
    rows: int
    oldest_at: datetime | None


def lock_quota(connection: Connection, organization_id: str) -> None:
    """Let nobody else of the organization count until the transaction ends.

    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(_QUOTA_LOCK, func.hashtext(organization_id))
        connection.execute(select(lock))


def used_quota(connection: Connection, organization_id: str, *, since: datetime) -> UsedQuota:
    """Count what an organization has used since then, wherever it came from."""
    uploads, uses = tables.uploads.c, tables.quota_uses.c
    there = connection.execute(
        select(func.count(), func.sum(uploads.total_rows), func.min(uploads.created_at)).where(
            uploads.organization_id == organization_id, uploads.created_at >= since
        )
    ).one()
    besides = connection.execute(
        select(func.sum(uses.uploads), func.sum(uses.rows), func.min(uses.at)).where(
            uses.organization_id == organization_id, uses.at >= since
        )
    ).one()
    return UsedQuota(
        uploads=int(there[0] or 0) + int(besides[0] or 0),
        rows=int(there[1] or 0) + int(besides[1] or 0),
        oldest_at=min((at for at in (there[2], besides[2]) if at is not None), default=None),
    )


def keep_use(
    connection: Connection, organization_id: str, *, at: datetime, uploads: int, rows: int
) -> None:
    """Count what does not stand among the uploads: one that was deleted, rows asked again."""
    connection.execute(
        tables.quota_uses.insert().values(
            organization_id=organization_id, at=at, uploads=uploads, rows=rows
        )
    )
