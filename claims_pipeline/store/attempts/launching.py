"""Which attempts are to be launched or watched, and the tickets that launches hand to runs."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import ColumnElement, Engine, and_, or_, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline.store.attempts.records import Attempt, attempt_of
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
    return _attempts(engine, _to_be_launched(now), limit)


def open_attempts(engine: Engine) -> list[Attempt]:
    """Attempts to be watched: launched but not acquired, running, or waiting for a payer."""
    launched = and_(
        tables.attempts.c.state == AttemptState.PENDING,
        tables.attempts.c.launch_ticket.is_not(None),
    )
    at_work = tables.attempts.c.state.in_((AttemptState.RUNNING, AttemptState.WAITING))
    return _attempts(engine, or_(launched, at_work), None)


def finished_without_files(engine: Engine, limit: int) -> list[Attempt]:
    """Uploads' latest attempts that have ended but whose results files are not written."""
    without_files = and_(
        tables.attempts.c.state == AttemptState.FINISHED,
        tables.attempts.c.files_written_at.is_(None),
        select(tables.uploads.c.id)
        .where(
            tables.uploads.c.id == tables.attempts.c.upload_id,
            tables.uploads.c.attempt == tables.attempts.c.number,
        )
        .exists(),
    )
    return _attempts(engine, without_files, limit)


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
    is_due = and_(
        tables.attempts.c.state == AttemptState.WAITING, tables.attempts.c.next_try_at <= now
    )
    return and_(
        or_(tables.attempts.c.state == AttemptState.PENDING, is_due),
        tables.attempts.c.launch_ticket.is_(None),
    )


def _attempts(engine: Engine, condition: ColumnElement[bool], limit: int | None) -> list[Attempt]:
    query = (
        select(tables.attempts)
        .where(condition)
        .order_by(tables.attempts.c.created_at, tables.attempts.c.id)
    )
    with reading(engine) as connection:
        return [attempt_of(row) for row in connection.execute(query.limit(limit)).mappings()]
