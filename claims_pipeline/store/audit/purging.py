"""Removing what was kept long enough, from the beginnings of the chains only."""

from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.audit.heads import head_of, keep_head, without_beginning
from claims_pipeline.store.audit.log import append, lock_chain
from claims_pipeline.store.database import reading, writing

_ENTRIES_AT_ONCE = 5000
_ACTOR, _ACTION = "retention", "purge"


def count_old(engine: Engine, before: datetime) -> int:
    """How many entries `remove_old` would remove."""
    with reading(engine) as connection:
        query = select(func.count()).select_from(tables.audit_log).where(_is_old(before))
        counted: int = connection.execute(query).scalar_one()
    return counted


def remove_old(engine: Engine, before: datetime, *, now: datetime) -> int:
    """Remove older entries, in portions, so that nobody waits long; how many.

    The head of each chain remembers how many are gone, and the log keeps that they were removed.
    """
    log = tables.audit_log.c
    with reading(engine) as connection:
        query = select(log.organization_id).where(_is_old(before)).distinct()
        organizations = list(connection.execute(query).scalars())
    return sum(_remove(engine, one, before, now=now) for one in organizations)


def _remove(engine: Engine, organization_id: str, before: datetime, *, now: datetime) -> int:
    log = tables.audit_log.c
    is_mine = log.organization_id == organization_id
    removed = 0
    while True:
        with writing(engine) as connection:
            lock_chain(connection, organization_id)
            head = head_of(connection, organization_id)
            portion = list(
                connection.execute(
                    select(log.id)
                    .where(is_mine, _is_old(before))
                    .order_by(log.id)
                    .limit(_ENTRIES_AT_ONCE)
                ).scalars()
            )
            if head is None or not portion:
                return removed
            connection.execute(delete(tables.audit_log).where(is_mine, log.id <= portion[-1]))
            first = select(log.previous_hash).where(is_mine).order_by(log.id).limit(1)
            anchor = connection.execute(first).scalar_one_or_none()
            keep_head(connection, without_beginning(head, removed=len(portion), anchor=anchor))
            removed += len(portion)
            if len(portion) < _ENTRIES_AT_ONCE:
                append(
                    connection,
                    organization_id=organization_id,
                    actor=_ACTOR,
                    action=_ACTION,
                    upload_id=None,
                    outcome="ok",
                    now=now,
                )
                return removed


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Only the beginning of a chain may go. Clocks differ, so entries may be out of order."""
    kept = tables.audit_log.alias("kept")
    first_kept = (
        select(func.min(kept.c.id))
        .where(kept.c.organization_id == tables.audit_log.c.organization_id, kept.c.at >= before)
        .scalar_subquery()
    )
    columns = tables.audit_log.c
    return and_(columns.at < before, (columns.id < first_kept) | first_kept.is_(None))
