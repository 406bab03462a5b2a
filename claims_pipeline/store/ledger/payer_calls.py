"""What came of an attempt's calls to its payer."""

from math import ceil

from sqlalchemy import Engine, func, or_, select

from claims_pipeline.payers.base import NOT_CONNECTED, CallKind
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading

_LATEST_CALLS = 500
_OK = 200


def error_codes(
    engine: Engine, attempt_id: str, kind: CallKind, *, channel: str
) -> frozenset[str | None]:
    """The error codes that the attempt's calls of this kind met; None stands for an answer."""
    columns = tables.payer_calls.c
    query = (
        select(columns.error_code)
        .where(columns.attempt_id == attempt_id, columns.kind == kind, columns.payer == channel)
        .distinct()
    )
    with reading(engine) as connection:
        return frozenset(connection.execute(query).scalars())


def calls_by_channel(engine: Engine, attempt_id: str) -> dict[str, int]:
    """Calls of an attempt that payers may have seen, tries included and tokens excluded."""
    columns = tables.payer_calls.c
    was_sent = or_(columns.error_code.is_(None), columns.error_code != NOT_CONNECTED)
    query = (
        select(columns.payer, func.count())
        .where(columns.attempt_id == attempt_id, columns.kind != CallKind.TOKEN, was_sent)
        .group_by(columns.payer)
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).tuples().all())


def answered_searches_by_channel(engine: Engine, attempt_id: str) -> dict[str, int]:
    """Searches of an attempt that were answered, which some channels bill."""
    columns = tables.payer_calls.c
    query = (
        select(columns.payer, func.count())
        .where(
            columns.attempt_id == attempt_id,
            columns.kind == CallKind.SEARCH,
            columns.http_status == _OK,
        )
        .group_by(columns.payer)
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).tuples().all())


def usual_latency_s(engine: Engine, organization_id: str, channel: str) -> float | None:
    """Seconds that the organization's latest calls took on average; None when it made none."""
    columns = tables.payer_calls.c
    latest = (
        select(columns.duration_s)
        .where(
            columns.organization_id == organization_id,
            columns.payer == channel,
            columns.error_code.is_(None),
        )
        .order_by(columns.id.desc())
        .limit(_LATEST_CALLS)
        .subquery()
    )
    with reading(engine) as connection:
        mean: float | None = connection.execute(
            select(func.avg(latest.c.duration_s))
        ).scalar_one_or_none()
    return mean


def latency_p95_s(engine: Engine, attempt_id: str) -> float | None:
    """Seconds that 95 of 100 calls of the attempt took at most; None when it made none."""
    columns = tables.payer_calls.c
    of_attempt = columns.attempt_id == attempt_id
    with reading(engine) as connection:
        calls = connection.execute(
            select(func.count()).select_from(tables.payer_calls).where(of_attempt)
        ).scalar_one()
        slowest = select(columns.duration_s).where(of_attempt).order_by(columns.duration_s)
        p95: float | None = connection.execute(
            slowest.offset(max(0, ceil(0.95 * calls) - 1)).limit(1)
        ).scalar_one_or_none()
    return p95
