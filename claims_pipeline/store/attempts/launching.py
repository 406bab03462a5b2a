"""Which attempts are to be launched or watched, and the tickets that launches hand to runs."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Engine, RowMapping, and_, func, or_, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline.store.attempts.records import Attempt, WatchedAttempt, attempt_of
from claims_pipeline.store.database import reading, writing


def issue_ticket(engine: Engine, attempt_id: str, *, ticket: str, now: datetime) -> bool:
    """Note that a run is about to be launched with `ticket`; False when it must not be.

    Of several launchers one wins: the attempt has to be to be launched still (see
    `pending_attempts`), and no other ticket of it alive.
    """
    with writing(engine) as connection:
        issued = connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == attempt_id, _to_be_launched(now))
            .values(launch_ticket=ticket, launched_at=now)
        )
        if issued.rowcount == 0:
            return False
        attempt = connection.execute(
            select(tables.attempts.c.organization_id, tables.attempts.c.upload_id).where(
                tables.attempts.c.id == attempt_id
            )
        ).one()
        connection.execute(
            tables.attempt_runs.insert().values(
                id=str(uuid4()),
                organization_id=attempt.organization_id,
                upload_id=attempt.upload_id,
                attempt_id=attempt_id,
                ticket=ticket,
                launched_at=now,
            )
        )
    return True


def void_ticket(engine: Engine, attempt_id: str, *, ticket: str) -> bool:
    """A launch came to nothing: the attempt may be launched again. False when it was acquired.

    Should the run appear after all, it acquires the attempt if that is still free. It does not
    count as a run that died.
    """
    with writing(engine) as connection:
        voided = connection.execute(
            update(tables.attempts)
            .where(
                tables.attempts.c.id == attempt_id,
                tables.attempts.c.launch_ticket == ticket,
                tables.attempts.c.state.in_((AttemptState.PENDING, AttemptState.WAITING)),
            )
            .values(launch_ticket=None, launched_at=None)
        )
        if voided.rowcount:
            connection.execute(
                update(tables.attempt_runs)
                .where(
                    tables.attempt_runs.c.attempt_id == attempt_id,
                    tables.attempt_runs.c.ticket == ticket,
                )
                .values(let_go_at=tables.attempt_runs.c.launched_at)
            )
    return voided.rowcount == 1


def relaunch(
    engine: Engine,
    attempt_id: str,
    *,
    reason: str,
    now: datetime,
    holder_run_id: str | None = None,
) -> bool:
    """The run of the attempt is lost: let the attempt be launched again, at once.

    What a run had acquired keeps its status PROCESSING and waits with `reason`. With
    `holder_run_id` only that run's attempt is let go. False when the attempt has ended or gone on
    meanwhile, or is to be cancelled.
    """
    is_lost = and_(
        tables.attempts.c.id == attempt_id,
        tables.attempts.c.state == AttemptState.RUNNING,
        tables.attempts.c.cancel_requested_at.is_(None),
    )
    if holder_run_id is not None:
        is_lost = and_(is_lost, tables.attempts.c.holder_run_id == holder_run_id)
    with writing(engine) as connection:
        freed = connection.execute(
            update(tables.attempts)
            .where(is_lost)
            .values(
                state=AttemptState.WAITING,
                step_is_held=False,
                waiting_reason=reason,
                next_try_at=now,
                launch_ticket=None,
                launched_at=None,
            )
        )
        if freed.rowcount and holder_run_id is not None:
            # It ended in good order, as on a machine that goes down: no run that died.
            connection.execute(
                update(tables.attempt_runs)
                .where(tables.attempt_runs.c.run_id == holder_run_id)
                .values(let_go_at=now)
            )
        if freed.rowcount or holder_run_id is not None:
            return bool(freed.rowcount)
        freed = connection.execute(
            update(tables.attempts)
            .where(
                tables.attempts.c.id == attempt_id,
                tables.attempts.c.state.in_((AttemptState.PENDING, AttemptState.WAITING)),
            )
            .values(launch_ticket=None, launched_at=None)
        )
    return freed.rowcount == 1


def pending_attempts(engine: Engine, now: datetime, limit: int) -> list[Attempt]:
    """Attempts to be launched, oldest first: pending, or waiting and due, without a live ticket."""
    query = (
        select(tables.attempts)
        .where(_to_be_launched(now))
        .order_by(tables.attempts.c.created_at, tables.attempts.c.id)
        .limit(limit)
    )
    with reading(engine) as connection:
        return [attempt_of(row) for row in connection.execute(query).mappings()]


def watched_attempts(
    engine: Engine, most_finished: int, *, upload_id: str | None = None
) -> list[WatchedAttempt]:
    """Attempts that the reconciliation looks at, in one query, oldest first.

    Those that a run should be working on (launched or running), and at most `most_finished` of
    those that have ended without their files. One that waits for its payer without a run is in
    nobody's hands: nothing can have happened to it.
    """
    launched = and_(
        tables.attempts.c.state.in_((AttemptState.PENDING, AttemptState.WAITING)),
        tables.attempts.c.launch_ticket.is_not(None),
    )
    without_files = (
        select(tables.attempts.c.id)
        .where(
            tables.attempts.c.state == AttemptState.FINISHED,
            tables.attempts.c.files_written_at.is_(None),
            select(tables.uploads.c.id)
            .where(
                tables.uploads.c.id == tables.attempts.c.upload_id,
                tables.uploads.c.attempt == tables.attempts.c.number,
            )
            .exists(),
        )
        .order_by(tables.attempts.c.created_at)
        .limit(most_finished)
    )
    runs_that_died = (
        select(func.count())
        .where(
            tables.attempt_runs.c.attempt_id == tables.attempts.c.id,
            tables.attempt_runs.c.let_go_at.is_(None),
        )
        .scalar_subquery()
    )
    query = (
        select(tables.attempts, runs_that_died.label("runs_that_died"))
        .where(
            or_(
                launched,
                tables.attempts.c.state == AttemptState.RUNNING,
                tables.attempts.c.id.in_(without_files),
            )
        )
        .order_by(tables.attempts.c.created_at, tables.attempts.c.id)
    )
    if upload_id is not None:
        query = query.where(tables.attempts.c.upload_id == upload_id)
    with reading(engine) as connection:
        return [_watched(row) for row in connection.execute(query).mappings()]


def _watched(row: RowMapping) -> WatchedAttempt:
    values = dict(row)
    runs_that_died = values.pop("runs_that_died")
    return WatchedAttempt(attempt=attempt_of(values), runs_that_died=runs_that_died)


def mark_files_written(engine: Engine, attempt_id: str, now: datetime) -> bool:
    """The attempt's results files are in their place; False when the upload has been deleted.

    Waits for a deletion that is under way. After False the files are to be removed again.
    """
    with writing(engine) as connection:
        marked = connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == attempt_id)
            .values(files_written_at=now)
        )
    return marked.rowcount == 1


def _to_be_launched(now: datetime) -> ColumnElement[bool]:
    columns = tables.attempts.c
    is_due = and_(columns.state == AttemptState.WAITING, columns.next_try_at <= now)
    return and_(or_(columns.state == AttemptState.PENDING, is_due), columns.launch_ticket.is_(None))
