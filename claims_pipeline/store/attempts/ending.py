"""Ending an attempt, cancelling it, or letting it wait for a payer that is down."""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    case,
    delete,
    exists,
    insert,
    literal,
    select,
    true,
    update,
)

from claims_pipeline.errors import CancelRequestedError
from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.alerts import AlertKind, raise_alert
from claims_pipeline.store.attempts.holding import verify_hold, verify_holder
from claims_pipeline.store.attempts.lifecycle import AttemptState, check_move, final_status
from claims_pipeline.store.attempts.records import Attempt, Hold, locked_latest_attempt
from claims_pipeline.store.database import writing
from claims_pipeline.store.types import UtcInstant

_UNANSWERED_CODE = "not_asked"
_UNANSWERED_MESSAGE = "The upload ended before this row was answered; retry the failed rows."


def finish(
    engine: Engine,
    upload_id: str,
    status: UploadStatus,
    *,
    attempt_id: str,
    now: datetime,
    error_code: str | None = None,
    error_message: str | None = None,
    hold: Hold | None = None,
) -> bool:
    """End the attempt and its upload in one transaction; every open row gets a result.

    Open rows become `unprocessed` when the upload is cancelled, else `failed` with the error. When
    cancellation was asked for the upload ends CANCELLED, whatever `status` says. Returns False,
    and changes nothing, when the attempt had ended already.

    Raises:
        InputError: `upload_unknown`.
        HoldLostError: a `hold` is given that does not hold.
        CancelRequestedError: a hold wants to complete what was to be cancelled.
        InvariantError: `move_not_allowed`, such as completing what no run has acquired.

    """
    with writing(engine) as connection:
        attempt, before = locked_latest_attempt(connection, upload_id)
        if attempt.id != attempt_id or attempt.state is AttemptState.FINISHED:
            return False
        if hold is not None:
            verify_holder(connection, hold)
            if status is UploadStatus.COMPLETED and attempt.cancel_requested_at is not None:
                raise CancelRequestedError
        final = final_status(status, cancel_requested=attempt.cancel_requested_at is not None)
        _end(
            connection,
            attempt,
            before,
            final,
            now=now,
            error_code=None if final is UploadStatus.CANCELLED else error_code,
            error_message=None if final is UploadStatus.CANCELLED else error_message,
        )
    return True


def request_cancel(engine: Engine, upload_id: str, now: datetime) -> UploadStatus:
    """Ask that the upload be cancelled; returns the status it has now.

    One that no run works on is CANCELLED at once, a launch under way finds it ended. Asking again
    changes nothing, nor does asking for one that has ended.

    Raises:
        InputError: `upload_unknown`.

    """
    with writing(engine) as connection:
        return ask_to_cancel(connection, upload_id, now)


def ask_to_cancel(connection: Connection, upload_id: str, now: datetime) -> UploadStatus:
    """As `request_cancel`, within a transaction."""
    attempt, status = locked_latest_attempt(connection, upload_id)
    if status.is_terminal or status is UploadStatus.CANCELLING:
        return status
    connection.execute(
        update(tables.attempts)
        .where(tables.attempts.c.id == attempt.id)
        .values(cancel_requested_at=now)
    )
    if attempt.state is not AttemptState.RUNNING:
        _end(connection, attempt, status, UploadStatus.CANCELLED, now=now)
        return UploadStatus.CANCELLED
    check_move((status, attempt.state), (UploadStatus.CANCELLING, attempt.state))
    connection.execute(
        update(tables.uploads)
        .where(tables.uploads.c.id == upload_id)
        .values(status=UploadStatus.CANCELLING, updated_at=now)
    )
    return UploadStatus.CANCELLING


def wait_for_payer(
    engine: Engine,
    hold: Hold,
    *,
    reason: str,
    next_try_at: datetime,
    now: datetime,
    is_down: bool = True,
) -> None:
    """Let go of the attempt until `next_try_at`: the payer is down, and there are hours left.

    Where it is not down, its answers are yet to come, which nobody is alerted to.

    Raises:
        HoldLostError, CancelRequestedError: as `verify_hold`.

    """
    with writing(engine) as connection:
        attempt = verify_hold(connection, hold)
        connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == attempt.id)
            .values(
                state=AttemptState.WAITING,
                step_is_held=False,
                waiting_reason=reason,
                next_try_at=next_try_at,
                payer_down_since=(attempt.payer_down_since or now) if is_down else None,
                launch_ticket=None,
                launched_at=None,
            )
        )
        connection.execute(
            update(tables.attempt_runs)
            .where(tables.attempt_runs.c.run_id == hold.run_id)
            .values(let_go_at=now)
        )
        connection.execute(
            update(tables.uploads)
            .where(tables.uploads.c.id == hold.upload_id)
            .values(updated_at=now)
        )
        if is_down and attempt.payer_down_since is None:
            raise_alert(connection, attempt, AlertKind.WAITING, error_code=reason, now=now)


def payer_is_back(connection: Connection, hold: Hold) -> None:
    """The payer has answered: should it go down again, it is waited for as long as at first."""
    connection.execute(
        update(tables.attempts)
        .where(tables.attempts.c.id == hold.attempt_id)
        .values(payer_down_since=None)
    )


def _end(
    connection: Connection,
    attempt: Attempt,
    before: UploadStatus,
    status: UploadStatus,
    *,
    now: datetime,
    error_code: str | None = None,
    error_message: str | None = None,
) -> None:
    check_move((before, attempt.state), (status, AttemptState.FINISHED))
    is_cancelled = status is UploadStatus.CANCELLED
    if attempt.rows_stored:
        unanswered = _answer_open_rows(
            connection,
            attempt,
            outcome=Outcome.UNPROCESSED if is_cancelled else Outcome.FAILED,
            error_code=None if is_cancelled else error_code or _UNANSWERED_CODE,
            error_message=None if is_cancelled else error_message or _UNANSWERED_MESSAGE,
            now=now,
        )
        counter = (
            tables.uploads.c.unprocessed_count if is_cancelled else tables.uploads.c.failed_count
        )
        counts = {counter.name: counter + unanswered}
    else:
        _drop_partial_rows(connection, attempt.upload_id)
        # What the first look at the file counted is all that is known.
        counts = {
            "unprocessed_count": tables.uploads.c.total_rows if is_cancelled else literal(0),
            "failed_count": literal(0) if is_cancelled else tables.uploads.c.total_rows,
        }
    connection.execute(
        update(tables.queries)
        .where(
            tables.queries.c.attempt_id == attempt.id,
            tables.queries.c.state.in_(("planned", "leased", "submitted")),
        )
        .values(state="failed", error_code="attempt_ended", lease_token=None, settled_at=now)
    )
    connection.execute(
        update(tables.attempts)
        .where(tables.attempts.c.id == attempt.id)
        .values(
            state=AttemptState.FINISHED,
            status=status,
            step_is_held=False,
            launch_ticket=None,
            waiting_reason=None,
            next_try_at=None,
            error_code=error_code,
            error_message=error_message,
            finished_at=now,
            # A file of which nothing was read, and no outbox that is to say so.
            files_written_at=case((_has_nothing_to_write(attempt.upload_id), now), else_=None),
        )
    )
    connection.execute(
        update(tables.uploads)
        .where(tables.uploads.c.id == attempt.upload_id)
        .values(
            status=status,
            error_code=error_code,
            error_message=error_message,
            updated_at=now,
            processing_completed_at=now,
            **counts,
        )
    )
    if status is UploadStatus.FAILED:
        raise_alert(connection, attempt, AlertKind.FAILED, error_code=error_code, now=now)


def _has_nothing_to_write(upload_id: str) -> ColumnElement[bool]:
    return exists().where(
        tables.uploads.c.id == upload_id,
        tables.uploads.c.header.is_(None),
        tables.uploads.c.outbox_name.is_(None),
    )


def _answer_open_rows(
    connection: Connection,
    attempt: Attempt,
    *,
    outcome: Outcome,
    error_code: str | None,
    error_message: str | None,
    now: datetime,
) -> int:
    """Give every open row, those that ask the same included, one and the same result."""
    values = {
        tables.results.c.upload_id: tables.requests.c.upload_id,
        tables.results.c.row_number: tables.requests.c.row_number,
        tables.results.c.attempt: literal(attempt.number),
        tables.results.c.organization_id: tables.requests.c.organization_id,
        tables.results.c.is_current: true(),
        tables.results.c.outcome: literal(outcome.value),
        tables.results.c.error_code: literal(error_code, tables.results.c.error_code.type),
        tables.results.c.error_message: literal(error_message, tables.results.c.error_message.type),
        tables.results.c.checked_at: literal(now, UtcInstant),
    }
    is_open = (tables.requests.c.upload_id == attempt.upload_id) & tables.requests.c.is_open.is_(
        True
    )
    open_rows = select(*values.values()).where(is_open)
    connection.execute(insert(tables.results).from_select(list(values), open_rows))
    # Claims of queries that answered only a part of a row's window.
    connection.execute(
        delete(tables.claims).where(
            tables.claims.c.upload_id == attempt.upload_id,
            tables.claims.c.attempt == attempt.number,
            tables.claims.c.match_number == 0,
        )
    )
    answered = connection.execute(update(tables.requests).where(is_open).values(is_open=False))
    return answered.rowcount


def _drop_partial_rows(connection: Connection, upload_id: str) -> None:
    for table in (tables.requests, tables.rejected_rows):
        connection.execute(delete(table).where(table.c.upload_id == upload_id))
