"""Acquiring an attempt and keeping it: a run holds an attempt by compare-and-set and heartbeats."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Engine, literal, or_, select, update

from claims_pipeline.errors import CancelRequestedError, HoldLostError, InputError
from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import (
    AcquiringRun,
    AttemptState,
    LatestAttempt,
    NewAttempt,
    NoBusiness,
    Patience,
    Stale,
    StillHeld,
    Ticket,
    check_move,
    decide_acquisition,
)
from claims_pipeline.store.attempts.records import (
    Attempt,
    Hold,
    latest_attempt,
    locked_latest_attempt,
)
from claims_pipeline.store.attempts.retrying import reopen
from claims_pipeline.store.database import writing

_BETWEEN_MARKS = timedelta(seconds=30)


def acquire(
    engine: Engine,
    upload_id: str,
    run_id: str,
    *,
    ticket: str | None,
    has_parent: bool,
    run_has_ended: Callable[[str], bool],
    dead_after_s: float,
    dead_between_steps_s: float,
    now: datetime,
    is_automatic_retry: bool = False,
) -> Hold | NoBusiness:
    """Let the run hold the upload's attempt, by the rules of `lifecycle.decide_acquisition`.

    Idempotent: each step of a run calls it. Without a hold the run has to end at once,
    successfully, and to show nothing as done. `run_has_ended` asks Dagster about the present
    holder's run. `is_automatic_retry` is for Dagster's own retries: they never begin a new attempt.

    Raises:
        InputError: `upload_unknown`.
        CancelRequestedError: the attempt would be the run's, but cancellation was asked for.

    """
    patience = Patience(
        dead_after=timedelta(seconds=dead_after_s),
        dead_between_steps=timedelta(seconds=dead_between_steps_s),
    )
    while True:
        # Dagster is asked outside the transaction; what was read is compared inside it.
        seen = latest_attempt(engine, upload_id)
        if seen is None:
            raise InputError("upload_unknown", "There is no upload of this id.")
        holder = _other_holder(seen, run_id)
        has_ended = holder is not None and run_has_ended(holder)
        with writing(engine) as connection:
            latest, status = locked_latest_attempt(connection, upload_id)
            if _other_holder(latest, run_id) != holder:
                continue
            run = _asking_run(connection, upload_id, run_id, ticket)
            run = replace(run, has_parent=has_parent, is_automatic_retry=is_automatic_retry)
            decision = decide_acquisition(
                run, _facts(latest, holder_has_ended=has_ended), patience=patience, now=now
            )
            _claim_ticket(connection, run, ticket, now)
            if isinstance(decision, Stale):
                return decision.why
            if isinstance(decision, NewAttempt):
                try:
                    latest = reopen(connection, latest, status, decision.scope, now)
                except InputError:
                    return NoBusiness.NOTHING_TO_ASK
                status = UploadStatus.PENDING
            if latest.cancel_requested_at is None:
                if not isinstance(decision, StillHeld):
                    _hold(connection, latest, status, run_id, now)
                return _hold_of(latest, run_id)
        raise CancelRequestedError


def held_by(engine: Engine, upload_id: str, run_id: str) -> Hold | None:
    """The run's hold on the upload's latest attempt; None when it has none."""
    attempt = latest_attempt(engine, upload_id)
    if attempt is None or attempt.state is not AttemptState.RUNNING:
        return None
    return _hold_of(attempt, run_id) if attempt.holder_run_id == run_id else None


def heartbeat(engine: Engine, hold: Hold, now: datetime) -> None:
    """The step at work is alive.

    Raises:
        HoldLostError, CancelRequestedError: the step must stop before the next call.

    """
    with writing(engine) as connection:
        # Several lanes may hold at once: a beat says that at least this one is at work, though
        # another may have released its step meanwhile.
        _beat(connection, hold, now, step_is_held=True)
        _mark(connection, hold, now)
        cancel_requested_at = connection.execute(
            select(tables.attempts.c.cancel_requested_at).where(
                tables.attempts.c.id == hold.attempt_id,
                tables.attempts.c.holder_run_id == hold.run_id,
                tables.attempts.c.state == AttemptState.RUNNING,
            )
        ).one_or_none()
    if cancel_requested_at is None:
        raise HoldLostError
    if cancel_requested_at[0] is not None:
        raise CancelRequestedError


def release_step(engine: Engine, hold: Hold, now: datetime) -> None:
    """A step has ended; the run keeps the attempt for its next one. Never fails for a lost hold."""
    with writing(engine) as connection:
        _beat(connection, hold, now, step_is_held=False)


def verify_hold(connection: Connection, hold: Hold) -> Attempt:
    """Make sure, inside a checkpoint's transaction and before its first write, of the hold.

    Locks the upload until the commit, so that checkpoints, cancellations and endings of one upload
    happen one after the other.

    Raises:
        HoldLostError: another run holds the attempt, or it has ended.
        CancelRequestedError: someone asked to cancel.

    """
    attempt = verify_holder(connection, hold)
    if attempt.cancel_requested_at is not None:
        raise CancelRequestedError
    return attempt


def verify_holder(connection: Connection, hold: Hold) -> Attempt:
    """As `verify_hold`, but a request to cancel does not matter: for ending the attempt."""
    try:
        attempt, _ = locked_latest_attempt(connection, hold.upload_id)
    except InputError:
        raise HoldLostError from None
    is_holder = attempt.id == hold.attempt_id and attempt.holder_run_id == hold.run_id
    if not is_holder or attempt.state is not AttemptState.RUNNING:
        raise HoldLostError
    return attempt


def _other_holder(attempt: Attempt, run_id: str) -> str | None:
    is_running = attempt.state is AttemptState.RUNNING
    return attempt.holder_run_id if is_running and attempt.holder_run_id != run_id else None


def _asking_run(
    connection: Connection, upload_id: str, run_id: str, ticket: str | None
) -> AcquiringRun:
    of_upload = tables.attempt_runs.c.upload_id == upload_id
    served = connection.execute(
        select(tables.attempt_runs.c.id).where(of_upload, tables.attempt_runs.c.run_id == run_id)
    ).first()
    known = None
    if ticket is not None:
        known = connection.execute(
            select(tables.attempt_runs.c.attempt_id, tables.attempt_runs.c.run_id).where(
                of_upload, tables.attempt_runs.c.ticket == ticket
            )
        ).first()
    return AcquiringRun(
        run_id=run_id,
        has_served=served is not None,
        brings_ticket=ticket is not None,
        ticket=None if known is None else Ticket(attempt_id=known[0], claimed_by=known[1]),
        has_parent=False,
    )


def _facts(attempt: Attempt, *, holder_has_ended: bool) -> LatestAttempt:
    return LatestAttempt(
        attempt_id=attempt.id,
        state=attempt.state,
        holder_run_id=attempt.holder_run_id,
        holder_has_ended=holder_has_ended,
        heartbeat_at=attempt.heartbeat_at,
        step_is_held=attempt.step_is_held,
    )


def _claim_ticket(
    connection: Connection, run: AcquiringRun, ticket: str | None, now: datetime
) -> None:
    """A ticket is good for one run, whatever becomes of that run."""
    if run.ticket is not None and run.ticket.claimed_by is None and not run.has_served:
        connection.execute(
            update(tables.attempt_runs)
            .where(tables.attempt_runs.c.ticket == ticket)
            .values(run_id=run.run_id, acquired_at=now)
        )


def _hold(
    connection: Connection, attempt: Attempt, status: UploadStatus, run_id: str, now: datetime
) -> None:
    check_move((status, attempt.state), (UploadStatus.PROCESSING, AttemptState.RUNNING))
    connection.execute(
        update(tables.attempts)
        .where(tables.attempts.c.id == attempt.id)
        .values(
            state=AttemptState.RUNNING,
            holder_run_id=run_id,
            heartbeat_at=now,
            step_is_held=False,
            launch_ticket=None,
            waiting_reason=None,
            next_try_at=None,
            mark_at=None,
            mark_rows=None,
            earlier_mark_at=None,
            earlier_mark_rows=None,
            started_at=attempt.started_at or now,
        )
    )
    connection.execute(
        update(tables.uploads)
        .where(tables.uploads.c.id == attempt.upload_id)
        .values(
            status=UploadStatus.PROCESSING,
            updated_at=now,
            processing_started_at=attempt.started_at or now,
        )
    )
    claimed = select(tables.attempt_runs.c.id).where(tables.attempt_runs.c.run_id == run_id)
    if connection.execute(claimed).first() is None:
        connection.execute(
            tables.attempt_runs.insert().values(
                id=str(uuid4()),
                organization_id=attempt.organization_id,
                upload_id=attempt.upload_id,
                attempt_id=attempt.id,
                run_id=run_id,
                acquired_at=now,
            )
        )


def _hold_of(attempt: Attempt, run_id: str) -> Hold:
    return Hold(
        upload_id=attempt.upload_id,
        attempt_id=attempt.id,
        attempt_number=attempt.number,
        organization_id=attempt.organization_id,
        run_id=run_id,
    )


def _beat(connection: Connection, hold: Hold, now: datetime, *, step_is_held: bool) -> None:
    connection.execute(
        update(tables.attempts)
        .where(
            tables.attempts.c.id == hold.attempt_id,
            tables.attempts.c.holder_run_id == hold.run_id,
            tables.attempts.c.state == AttemptState.RUNNING,
        )
        .values(heartbeat_at=now, step_is_held=step_is_held)
    )


def _mark(connection: Connection, hold: Hold, now: datetime) -> None:
    """Note how many rows are answered, every half a minute."""
    attempts, uploads = tables.attempts.c, tables.uploads.c
    answered = (
        select(sum((uploads[f"{outcome}_count"] for outcome in Outcome), start=literal(0)))
        .where(uploads.id == hold.upload_id)
        .scalar_subquery()
    )
    connection.execute(
        update(tables.attempts)
        .where(
            attempts.id == hold.attempt_id,
            attempts.holder_run_id == hold.run_id,
            or_(attempts.mark_at.is_(None), attempts.mark_at <= now - _BETWEEN_MARKS),
        )
        .values(
            earlier_mark_at=attempts.mark_at,
            earlier_mark_rows=attempts.mark_rows,
            mark_at=now,
            mark_rows=answered,
        )
    )
