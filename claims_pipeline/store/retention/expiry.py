"""What stands in the database beside uploads and is kept for a time only."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Engine, Table, and_, delete, func, or_, select, tuple_

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing

_ROWS_AT_ONCE = 5000
_LEFT_ALONE_FOR = timedelta(days=365)


class Kind(StrEnum):
    """What expires: by its own table's name."""

    IDEMPOTENCY_KEYS = "idempotency_keys"
    SESSIONS = "sessions"
    CLAIM_DENSITIES = "claim_densities"
    TRACKED_CLAIMS = "tracked_claims"
    QUOTA_USES = "quota_uses"


def count_expired(engine: Engine, kind: Kind, before: datetime) -> int:
    """How many rows `remove_expired` would remove."""
    table, condition = _expired(kind, before)
    with reading(engine) as connection:
        query = select(func.count()).select_from(table).where(condition)
        count: int = connection.execute(query).scalar_one()
    return count


def remove_expired(engine: Engine, kind: Kind, before: datetime) -> int:
    """Remove what is older, in portions, so that nobody waits long; how many rows."""
    table, condition = _expired(kind, before)
    key = tuple(table.primary_key.columns)
    portion = select(*key).where(condition).limit(_ROWS_AT_ONCE)
    removed = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(table).where(tuple_(*key).in_(portion))).rowcount
        removed += gone
        if gone < _ROWS_AT_ONCE:
            return removed


def _expired(kind: Kind, before: datetime) -> tuple[Table, ColumnElement[bool]]:
    match kind:
        case Kind.IDEMPOTENCY_KEYS:
            return tables.idempotency_keys, tables.idempotency_keys.c.created_at < before
        case Kind.SESSIONS:
            return tables.sessions, tables.sessions.c.expires_at < before
        case Kind.CLAIM_DENSITIES:
            return tables.claim_densities, tables.claim_densities.c.observed_at < before
        case Kind.QUOTA_USES:
            return tables.quota_uses, tables.quota_uses.c.at < before
        case Kind.TRACKED_CLAIMS:
            return tables.tracked_claims, _is_followed_no_more(before)


def _is_followed_no_more(before: datetime) -> ColumnElement[bool]:
    """Final since then; or left alone for a year more, neither checked again nor worked."""
    columns = tables.tracked_claims.c
    last_touched = func.coalesce(columns.last_checked, columns.first_seen)
    is_left_alone = and_(columns.next_check_on.is_(None), last_touched < before - _LEFT_ALONE_FOR)
    return or_(columns.final_at < before, is_left_alone)
