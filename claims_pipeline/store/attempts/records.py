"""Attempts and the runs that served them, as they stand in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, and_, select

from claims_pipeline.errors import InputError
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline.store.database import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at an upload. `status` is set once it is finished.

    `launch_ticket` is what the latest launch handed its run, until a run has acquired the attempt.
    `rows_stored`: intake is complete. `answered_before` is how many rows had their answer when the
    attempt began. `correlation_id` is that of the HTTP request that asked. `followed_at`: tracked
    claims have been told what it answered.
    """

    id: str
    organization_id: str
    upload_id: str
    number: int
    scope: RetryScope
    state: AttemptState
    status: UploadStatus | None
    holder_run_id: str | None
    heartbeat_at: datetime | None
    step_is_held: bool
    rows_stored: bool
    files_written_at: datetime | None
    followed_at: datetime | None
    launch_ticket: str | None
    launched_at: datetime | None
    cancel_requested_at: datetime | None
    correlation_id: str | None
    waiting_reason: str | None
    next_try_at: datetime | None
    payer_down_since: datetime | None
    answered_before: int
    search_calls: int
    detail_calls: int
    payment_calls: int
    look_calls: int
    one_per_row_calls: int
    unrelated_claims: int
    error_code: str | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A run's claim on an attempt; good as long as the database agrees."""

    upload_id: str
    attempt_id: str
    attempt_number: int
    organization_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRun:
    """A launch, and the run that acquired the attempt with or without one.

    `let_go_at` is set when the run ended well without ending the attempt, as when the payer was
    down, or never came to be: it does not count as one that died.
    """

    id: str
    attempt_id: str
    ticket: str | None
    run_id: str | None
    launched_at: datetime | None
    acquired_at: datetime | None
    let_go_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAttempt:
    """An attempt that the reconciliation looks at, and how many of its runs died so far."""

    attempt: Attempt
    runs_that_died: int


def latest_attempt(engine: Engine, upload_id: str) -> Attempt | None:
    """The upload's latest attempt; None when there is no such upload."""
    with reading(engine) as connection:
        return _latest(connection, upload_id)


def get_attempt(engine: Engine, attempt_id: str) -> Attempt | None:
    """The attempt of this id, if there is one."""
    with reading(engine) as connection:
        query = select(tables.attempts).where(tables.attempts.c.id == attempt_id)
        row = connection.execute(query).mappings().first()
    return None if row is None else attempt_of(row)


def attempts_of(engine: Engine, upload_id: str) -> list[Attempt]:
    """The upload's attempts, latest first."""
    query = (
        select(tables.attempts)
        .where(tables.attempts.c.upload_id == upload_id)
        .order_by(tables.attempts.c.number.desc())
    )
    with reading(engine) as connection:
        return [attempt_of(row) for row in connection.execute(query).mappings()]


def attempt_runs_of(engine: Engine, attempt_id: str) -> list[AttemptRun]:
    """The attempt's launches and runs, oldest first."""
    query = (
        select(
            tables.attempt_runs.c.id,
            tables.attempt_runs.c.attempt_id,
            tables.attempt_runs.c.ticket,
            tables.attempt_runs.c.run_id,
            tables.attempt_runs.c.launched_at,
            tables.attempt_runs.c.acquired_at,
            tables.attempt_runs.c.let_go_at,
        )
        .where(tables.attempt_runs.c.attempt_id == attempt_id)
        .order_by(
            tables.attempt_runs.c.launched_at,
            tables.attempt_runs.c.acquired_at,
            tables.attempt_runs.c.id,
        )
    )
    with reading(engine) as connection:
        return [AttemptRun(**row) for row in connection.execute(query).mappings()]


def locked_latest_attempt(connection: Connection, upload_id: str) -> tuple[Attempt, UploadStatus]:
    """The latest attempt and its upload's status, with the upload locked until the commit.

    Every change of an upload's or attempt's standing, and every checkpoint, begins here, so they
    happen one after the other.

    Raises:
        InputError: `upload_unknown`.

    """
    status = _lock(connection, upload_id)
    attempt = None if status is None else _latest(connection, upload_id)
    if status is None or attempt is None:
        raise InputError("upload_unknown", "There is no upload of this id.")
    return attempt, UploadStatus(status)


def attempt_of(row: RowMapping | Mapping[str, Any]) -> Attempt:
    """A row of `attempts` as a value."""
    values = {each.name: row[each.name] for each in fields(Attempt)}
    values["scope"] = RetryScope(values["scope"])
    values["state"] = AttemptState(values["state"])
    values["status"] = values["status"] and UploadStatus(values["status"])
    return Attempt(**values)


def _lock(connection: Connection, upload_id: str) -> str | None:
    # On its own, not in a join: PostgreSQL, having waited for the lock, would read the joined
    # attempt as it stood before.
    query = (
        select(tables.uploads.c.status).where(tables.uploads.c.id == upload_id).with_for_update()
    )
    status: str | None = connection.execute(query).scalar_one_or_none()
    return status


def _latest(connection: Connection, upload_id: str) -> Attempt | None:
    latest = and_(
        tables.attempts.c.upload_id == tables.uploads.c.id,
        tables.attempts.c.number == tables.uploads.c.attempt,
    )
    query = (
        select(tables.attempts)
        .join_from(tables.attempts, tables.uploads, latest)
        .where(tables.uploads.c.id == upload_id)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else attempt_of(row)
