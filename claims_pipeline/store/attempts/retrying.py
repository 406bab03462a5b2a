"""Trying an ended upload again: a new attempt, with the rows of its scope open once more."""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from claims_pipeline.errors import InputError
from claims_pipeline.model import ClaimStatus, Outcome, RetryScope, UploadStatus
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import AttemptState, check_move
from claims_pipeline.store.attempts.records import Attempt, attempt_of, locked_latest_attempt
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.quotas import keep_use

# A claim in one of these may look different tomorrow.
_NOT_FINAL = (
    ClaimStatus.ACKNOWLEDGED,
    ClaimStatus.PENDING,
    ClaimStatus.ACTION_REQUIRED,
    ClaimStatus.APPROVED,
    ClaimStatus.MULTIPLE,
    ClaimStatus.UNKNOWN,
)
_UNANSWERED = (Outcome.FAILED, Outcome.UNPROCESSED)
_COUNTED = {
    Outcome.FOUND: tables.uploads.c.found_count,
    Outcome.NOT_FOUND: tables.uploads.c.not_found_count,
    Outcome.AMBIGUOUS: tables.uploads.c.ambiguous_count,
    Outcome.FAILED: tables.uploads.c.failed_count,
    Outcome.UNPROCESSED: tables.uploads.c.unprocessed_count,
}

_ANSWERED = sum(_COUNTED.values(), start=tables.uploads.c.rejected_count)


def request_retry(engine: Engine, upload_id: str, scope: RetryScope, now: datetime) -> Attempt:
    """Begin a new attempt, pending, for the rows of `scope`; their answers become history.

    `FAILED` takes the failed and unprocessed rows, `NOT_FOUND` those not found, `OPEN` all of
    these and the rows with a claim that is not final, `ALL` every accepted row. An upload whose
    rows were never stored begins anew with any scope.

    Raises:
        InputError: `upload_unknown`, `still_running` or `nothing_to_retry`.

    """
    with writing(engine) as connection:
        return ask_to_retry(connection, upload_id, scope, now)


def ask_to_retry(
    connection: Connection,
    upload_id: str,
    scope: RetryScope,
    now: datetime,
    *,
    correlation_id: str | None = None,
) -> Attempt:
    """As `request_retry`, within a transaction."""
    latest, status = locked_latest_attempt(connection, upload_id)
    return reopen(connection, latest, status, scope, now, correlation_id=correlation_id)


def reopen(
    connection: Connection,
    latest: Attempt,
    status: UploadStatus,
    scope: RetryScope,
    now: datetime,
    *,
    correlation_id: str | None = None,
) -> Attempt:
    """As `request_retry`, inside a transaction that has locked the upload."""
    if not status.is_terminal:
        raise InputError("still_running", "The upload has not ended yet; cancel it or wait.")
    check_move((status, latest.state), (UploadStatus.PENDING, AttemptState.PENDING))
    if latest.rows_stored:
        reopened = _reopen_rows(connection, latest.upload_id, scope)
        if not reopened:
            raise InputError("nothing_to_retry", "No row of this upload is in that scope.")
    else:
        reopened = {}
    counts = {
        column.name: column - reopened.get(outcome, 0) if latest.rows_stored else literal(0)
        for outcome, column in _COUNTED.items()
    }
    # They are asked again, which counts like rows that are handed in.
    keep_use(
        connection,
        latest.organization_id,
        at=now,
        uploads=0,
        rows=sum(reopened.values()),
    )
    answered = connection.execute(
        update(tables.uploads)
        .where(tables.uploads.c.id == latest.upload_id)
        .values(
            status=UploadStatus.PENDING,
            attempt=latest.number + 1,
            error_code=None,
            error_message=None,
            updated_at=now,
            processing_completed_at=None,
            **counts,
        )
        .returning(_ANSWERED)
    ).scalar_one()
    attempt_id = str(uuid4())
    connection.execute(
        tables.attempts.insert().values(
            id=attempt_id,
            organization_id=latest.organization_id,
            upload_id=latest.upload_id,
            number=latest.number + 1,
            scope=scope,
            state=AttemptState.PENDING,
            rows_stored=latest.rows_stored,
            answered_before=answered,
            correlation_id=correlation_id,
            created_at=now,
        )
    )
    query = select(tables.attempts).where(tables.attempts.c.id == attempt_id)
    return attempt_of(connection.execute(query).mappings().one())


def rows_in_scope(engine: Engine, upload_id: str) -> dict[RetryScope, int]:
    """How many rows a retry of each scope would ask again, as they stand now."""
    with reading(engine) as connection:
        return {
            scope: connection.execute(
                select(func.count()).select_from(tables.results).where(_in_scope(upload_id, scope))
            ).scalar_one()
            for scope in RetryScope
        }


def _reopen_rows(connection: Connection, upload_id: str, scope: RetryScope) -> dict[Outcome, int]:
    """Open the scope's rows; returns how many had which outcome.

    Rows that ask the same have the same answer, so they are in a scope together.
    """
    in_scope = _in_scope(upload_id, scope)
    by_outcome = (
        select(tables.results.c.outcome, func.count())
        .where(in_scope)
        .group_by(tables.results.c.outcome)
    )
    reopened = {Outcome(outcome): rows for outcome, rows in connection.execute(by_outcome)}
    connection.execute(
        update(tables.requests)
        .where(
            tables.requests.c.upload_id == upload_id,
            tables.requests.c.row_number.in_(select(tables.results.c.row_number).where(in_scope)),
        )
        .values(is_open=True, covered=None, swept=None, single_only=False)
    )
    connection.execute(update(tables.results).where(in_scope).values(is_current=False))
    return reopened


def _in_scope(upload_id: str, scope: RetryScope) -> ColumnElement[bool]:
    return and_(
        tables.results.c.upload_id == upload_id,
        tables.results.c.is_current.is_(True),
        _scope_condition(scope),
    )


def _scope_condition(scope: RetryScope) -> ColumnElement[bool]:
    unanswered = tables.results.c.outcome.in_(_UNANSWERED)
    not_found = tables.results.c.outcome == Outcome.NOT_FOUND
    match scope:
        case RetryScope.FAILED:
            return unanswered
        case RetryScope.NOT_FOUND:
            return not_found
        case RetryScope.OPEN:
            not_final = exists().where(
                tables.claims.c.upload_id == tables.results.c.upload_id,
                tables.claims.c.row_number == tables.results.c.row_number,
                tables.claims.c.attempt == tables.results.c.attempt,
                tables.claims.c.claim_status.in_(_NOT_FINAL),
            )
            return or_(unanswered, not_found, not_final)
        case RetryScope.ALL:
            return tables.results.c.outcome.in_(list(_COUNTED))
