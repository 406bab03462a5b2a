"""Counts over all organizations for operators' metrics."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, or_, select

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline.store.x12.partners import Awaited, awaited

DURATION_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMetrics:
    """How many of what there are now; ages are 0 when there is nothing to wait for."""

    uploads_by_status: dict[str, int]
    rows_by_outcome: dict[str, int]
    breakers_open: dict[str, int]
    awaited_of_partners: tuple[Awaited, ...]
    oldest_pending_age_s: float
    oldest_heartbeat_age_s: float


@dataclass(slots=True, kw_only=True)
class Spread:
    """Durations of calls: how many lasted at most each bound, how many in all, their sum."""

    up_to: dict[float, int] = field(default_factory=lambda: dict.fromkeys(DURATION_BOUNDS_S, 0))
    count: int = 0
    total_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class CallCounts:
    """Calls to payers, counted as they come, so that deleting uploads takes nothing away.

    `by_status` is by payer, kind and HTTP status, `durations` by payer and kind.
    """

    by_status: dict[tuple[str, str, str], int] = field(default_factory=dict)
    durations: dict[tuple[str, str], Spread] = field(default_factory=dict)
    counted_to: int = 0
    newest_seen: int | None = None

    def count_new(self, connection: Connection) -> None:
        """Add the calls that were there at the look before; at the first look, all.

        What is newer waits for the next look: of two transactions the later may end first, and
        the calls of the other would be passed over.
        """
        newest = connection.execute(select(func.max(tables.payer_calls.c.id))).scalar_one() or 0
        until = newest if self.newest_seen is None else min(self.newest_seen, newest)
        # SQLite gives the ids of deleted calls again.
        self.counted_to = min(self.counted_to, newest)
        self.newest_seen = newest
        if until > self.counted_to:
            self._add(connection, after=self.counted_to, until=until)
            self.counted_to = until

    def _add(self, connection: Connection, *, after: int, until: int) -> None:
        within = [
            func.sum(case((tables.payer_calls.c.duration_s <= bound, 1), else_=0))
            for bound in DURATION_BOUNDS_S
        ]
        group = (
            tables.payer_calls.c.payer,
            tables.payer_calls.c.kind,
            tables.payer_calls.c.http_status,
        )
        query = (
            select(*group, func.count(), func.sum(tables.payer_calls.c.duration_s), *within)
            .where(tables.payer_calls.c.id > after, tables.payer_calls.c.id <= until)
            .group_by(*group)
        )
        for payer, kind, status, count, total_s, *up_to in connection.execute(query):
            key = (payer, kind, "none" if status is None else str(status))
            self.by_status[key] = self.by_status.get(key, 0) + count
            spread = self.durations.setdefault((payer, kind), Spread())
            spread.count += count
            spread.total_s += total_s
            for bound, number in zip(DURATION_BOUNDS_S, up_to, strict=True):
                spread.up_to[bound] += number


def store_metrics(connection: Connection, now: datetime) -> StoreMetrics:
    """Count; every status and outcome is there, with 0 when there is none of it."""
    by_status = select(tables.uploads.c.status, func.count()).group_by(tables.uploads.c.status)
    rows = select(*(func.sum(tables.uploads.c[f"{outcome.value}_count"]) for outcome in Outcome))
    is_open = tables.payer_limits.c.breaker_open_until > now
    breakers = (
        select(tables.payer_limits.c.payer, func.sum(case((is_open, 1), else_=0)))
        .group_by(tables.payer_limits.c.payer)
        .order_by(tables.payer_limits.c.payer)
    )
    is_due = and_(
        tables.attempts.c.state == AttemptState.WAITING, tables.attempts.c.next_try_at <= now
    )
    waits = or_(tables.attempts.c.state == AttemptState.PENDING, is_due)
    since = case((is_due, tables.attempts.c.next_try_at), else_=tables.attempts.c.created_at)
    pending_since = select(since).where(waits).order_by(since).limit(1)
    at_work = and_(
        tables.attempts.c.state == AttemptState.RUNNING, tables.attempts.c.heartbeat_at.is_not(None)
    )
    heartbeat = (
        select(tables.attempts.c.heartbeat_at)
        .where(at_work)
        .order_by(tables.attempts.c.heartbeat_at)
        .limit(1)
    )
    counts = connection.execute(rows).one()
    return StoreMetrics(
        uploads_by_status={
            **dict.fromkeys((status.value for status in UploadStatus), 0),
            **dict(connection.execute(by_status).tuples().all()),
        },
        rows_by_outcome={
            outcome.value: int(count or 0) for outcome, count in zip(Outcome, counts, strict=True)
        },
        breakers_open={payer: int(n) for payer, n in connection.execute(breakers).tuples()},
        awaited_of_partners=tuple(awaited(connection, now)),
        oldest_pending_age_s=_age_s(connection.execute(pending_since).scalar_one_or_none(), now),
        oldest_heartbeat_age_s=_age_s(connection.execute(heartbeat).scalar_one_or_none(), now),
    )


def _age_s(instant: datetime | None, now: datetime) -> float:
    return 0.0 if instant is None else max(0.0, (now - instant).total_seconds())
