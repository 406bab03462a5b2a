"""The life of an upload and its attempts: which run may serve it, and which moves there are.

Pure: facts in, a decision out. The database, never a tag, says which attempt a run serves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from claims_pipeline.errors import InvariantError
from claims_pipeline.model import RetryScope, UploadStatus


class AttemptState(StrEnum):
    """`PENDING`: no run has acquired it. `WAITING`: the payer is down, no run is on it."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestAttempt:
    """What is known of an upload's latest attempt.

    `holder_has_ended` is Dagster's word on the holder's run; it counts only while the attempt is
    running.
    """

    attempt_id: str
    state: AttemptState
    holder_run_id: str | None = None
    holder_has_ended: bool = False
    heartbeat_at: datetime | None = None
    step_is_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a launch handed to its run, as the database knows it."""

    attempt_id: str
    claimed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquiringRun:
    """The run that wants to work on an upload.

    `has_served`: it has acquired an attempt of this upload before. `brings_ticket`: its launch gave
    it one; `ticket` is None when the database does not know it. `is_automatic_retry`: Dagster
    launched it again after a crash, nobody asked for it.
    """

    run_id: str
    has_served: bool
    brings_ticket: bool
    ticket: Ticket | None
    has_parent: bool
    is_automatic_retry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a holder may be silent, while a step works and between steps."""

    dead_after: timedelta
    dead_between_steps: timedelta


class NoBusiness(StrEnum):
    """Why a run has nothing to do with an upload, in words for the run's log."""

    LET_GO = "this run has let the upload go, and another will go on"
    LAUNCH_UNKNOWN = "this launch is not one that the upload waits for, or was made twice"
    ANOTHER_RUN = "another run serves this upload"
    ATTEMPT_OVER = "the attempt that this run was launched for is over"
    NOTHING_TO_ASK = "nothing to ask"


@dataclass(frozen=True, slots=True)
class Acquire:
    """The attempt is free: the run acquires it."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The holder is dead: the run goes on with the same attempt."""


@dataclass(frozen=True, slots=True)
class StillHeld:
    """The run holds the attempt already."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The run is late or a duplicate: it ends at once, touching nothing."""

    why: NoBusiness


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """The upload has ended and someone wants it tried again."""

    scope: RetryScope


Decision = Acquire | TakeOver | StillHeld | Stale | NewAttempt


def decide_acquisition(
    run: AcquiringRun, latest: LatestAttempt, *, patience: Patience, now: datetime
) -> Decision:
    """What the run may do with the upload."""
    if latest.state is AttemptState.RUNNING and latest.holder_run_id == run.run_id:
        return StillHeld()
    ticket_is_good = run.ticket is not None and run.ticket.claimed_by is None
    if run.has_served:
        return Stale(NoBusiness.LET_GO)
    if _was_launched_for_another(run, latest, ticket_is_good=ticket_is_good):
        return Stale(NoBusiness.LAUNCH_UNKNOWN)
    if latest.state is not AttemptState.FINISHED:
        return _acquire_if_free(latest, patience=patience, now=now)
    if ticket_is_good or run.is_automatic_retry:
        return Stale(NoBusiness.ATTEMPT_OVER)
    return NewAttempt(RetryScope.FAILED)


def holder_is_dead(latest: LatestAttempt, *, patience: Patience, now: datetime) -> bool:
    """Whether the run that holds a running attempt has ended or gone silent."""
    if latest.state is not AttemptState.RUNNING:
        return False
    if latest.holder_has_ended or latest.heartbeat_at is None:
        return True
    silence = patience.dead_after if latest.step_is_held else patience.dead_between_steps
    return now - latest.heartbeat_at > silence


def _was_launched_for_another(
    run: AcquiringRun, latest: LatestAttempt, *, ticket_is_good: bool
) -> bool:
    if ticket_is_good:
        return run.ticket is not None and run.ticket.attempt_id != latest.attempt_id
    # Its ticket is another run's, or none of ours: the launch was doubled. A run with a parent
    # carries its parent's ticket.
    return run.brings_ticket and not run.has_parent


def _acquire_if_free(
    latest: LatestAttempt, *, patience: Patience, now: datetime
) -> Acquire | TakeOver | Stale:
    if latest.state in {AttemptState.PENDING, AttemptState.WAITING}:
        return Acquire()
    if holder_is_dead(latest, patience=patience, now=now):
        return TakeOver()
    return Stale(NoBusiness.ANOTHER_RUN)


_PENDING = (UploadStatus.PENDING, AttemptState.PENDING)
_RUNNING = (UploadStatus.PROCESSING, AttemptState.RUNNING)
_WAITING = (UploadStatus.PROCESSING, AttemptState.WAITING)
_CANCELLING = (UploadStatus.CANCELLING, AttemptState.RUNNING)
_CANCELLED = (UploadStatus.CANCELLED, AttemptState.FINISHED)
_COMPLETED = (UploadStatus.COMPLETED, AttemptState.FINISHED)
_FAILED = (UploadStatus.FAILED, AttemptState.FINISHED)

_State = tuple[UploadStatus, AttemptState]

# Every standing an upload can have, and where it may go from there.
MOVES: dict[_State, frozenset[_State]] = {
    _PENDING: frozenset({_RUNNING, _CANCELLED, _FAILED}),
    _RUNNING: frozenset({_RUNNING, _WAITING, _CANCELLING, _CANCELLED, _COMPLETED, _FAILED}),
    _WAITING: frozenset({_RUNNING, _CANCELLED, _COMPLETED, _FAILED}),
    _CANCELLING: frozenset({_CANCELLED}),
    _CANCELLED: frozenset({_PENDING}),
    _COMPLETED: frozenset({_PENDING}),
    _FAILED: frozenset({_PENDING}),
}


def check_move(before: _State, after: _State) -> None:
    """Refuse a move that is not one of `MOVES`.

    Raises:
        InvariantError: `move_not_allowed`.

    """
    if after not in MOVES.get(before, frozenset()):
        raise InvariantError(
            "move_not_allowed",
            f"An upload that is {before[0]}, {before[1]} cannot become {after[0]}, {after[1]}.",
        )


def final_status(asked: UploadStatus, *, cancel_requested: bool) -> UploadStatus:
    """How an attempt ends: once cancellation was asked for, it ends cancelled."""
    return UploadStatus.CANCELLED if cancel_requested else asked
