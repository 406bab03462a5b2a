"""What to do about an attempt whose run is not what it should be. Pure decisions.

Runs die without a word: a lost machine leaves a run STARTED for ever, a cancelled run's worker may
live on, a re-execution may end in success without having done anything. The attempt's row and the
run's state, put side by side, say what is true.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from claims_pipeline.store.attempts import Attempt

# Launching takes the daemon a few seconds; a ticket without a run after this long is lost.
_LAUNCH_LOST_AFTER = timedelta(seconds=60)
# A worker takes seconds to import and then acquires the attempt first of all.
_START_LOST_AFTER = timedelta(seconds=60)
# Dagster's retry of a crashed run is launched within seconds of its failure, or, when the code
# server was away just then, never.
_RETRY_LOST_AFTER = timedelta(seconds=60)


class RunState(StrEnum):
    """A Dagster run, as far as an attempt cares."""

    ALIVE = "alive"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run that holds the attempt, or was launched for it, or Dagster's latest retry of it.

    `holds`: it has acquired the attempt. `retry_is_coming`: Dagster says that it will retry the
    failed run, and has not yet. `started_at`: since when there should be a worker; None in the
    queue.
    """

    state: RunState
    run_id: str | None = None
    ended_at: datetime | None = None
    retry_is_coming: bool = False
    crashed: bool = False
    started_at: datetime | None = None
    holds: bool = False


class Remedy(StrEnum):
    """What the sensor does about an attempt."""

    NOTHING = "nothing"
    CANCEL = "cancel"  # the attempt ends CANCELLED
    ASK_TO_STOP = "ask_to_stop"  # the worker of a cancelled run lives on
    FAIL = "fail"  # the attempt ends FAILED
    POISON = "poison"  # the attempt ends FAILED: every run of it has died
    RELAUNCH = "relaunch"  # back to pending, for the pending sensor
    REPORT_RUN_FAILED = "report_run_failed"  # Dagster's run retries take it from there


def remedy_for(
    attempt: Attempt,
    run: RunFacts,
    *,
    runs_so_far: int,
    max_runs: int,
    dead_after_s: float,
    dead_between_steps_s: float,
    now: datetime,
) -> Remedy:
    """Compare an open attempt with its run."""
    if attempt.state == "running":
        return _about_running(
            attempt,
            run,
            may_relaunch=runs_so_far < max_runs,
            is_silent=_is_silent(attempt, dead_after_s, dead_between_steps_s, now),
            now=now,
        )
    if attempt.state in {"pending", "waiting"} and attempt.launch_ticket is not None:
        return _about_launched(attempt, run, may_relaunch=runs_so_far < max_runs, now=now)
    return Remedy.NOTHING


def _about_running(
    attempt: Attempt, run: RunFacts, *, may_relaunch: bool, is_silent: bool, now: datetime
) -> Remedy:
    if run.state is RunState.ALIVE:
        is_lost = is_silent if run.holds else _never_took(run, now)
        return Remedy.REPORT_RUN_FAILED if is_lost else Remedy.NOTHING
    if run.state is RunState.CANCELED:
        worker_lives = attempt.step_is_held and not is_silent
        return Remedy.ASK_TO_STOP if worker_lives else Remedy.CANCEL
    if attempt.cancel_requested_at is not None:
        return Remedy.CANCEL
    return _about_lost(run, may_relaunch=may_relaunch, now=now)


def _about_launched(
    attempt: Attempt, run: RunFacts, *, may_relaunch: bool, now: datetime
) -> Remedy:
    match run.state:
        case RunState.ALIVE:
            return Remedy.REPORT_RUN_FAILED if _never_took(run, now) else Remedy.NOTHING
        case RunState.CANCELED:
            return Remedy.CANCEL
        case RunState.MISSING:
            is_lost = _is_older(attempt.launched_at, _LAUNCH_LOST_AFTER, now)
            return Remedy.RELAUNCH if is_lost else Remedy.NOTHING
        case RunState.FAILED | RunState.SUCCEEDED:
            return _about_lost(run, may_relaunch=may_relaunch, now=now)


def _about_lost(run: RunFacts, *, may_relaunch: bool, now: datetime) -> Remedy:
    """What to do when no run is at work on an attempt that has not ended.

    Errors of ours end the attempt. One that did not could not be written down: the database may
    have been away.
    """
    may_be_retried = run.state is RunState.FAILED and run.retry_is_coming
    if may_be_retried and not _is_older(run.ended_at, _RETRY_LOST_AFTER, now):
        return Remedy.NOTHING
    if may_relaunch:
        return Remedy.RELAUNCH
    return Remedy.FAIL if run.state is RunState.FAILED and not run.crashed else Remedy.POISON


def _never_took(run: RunFacts, now: datetime) -> bool:
    """Whether a run that should have acquired the attempt by now has not."""
    return run.started_at is not None and _is_older(run.started_at, _START_LOST_AFTER, now)


def _is_silent(
    attempt: Attempt, dead_after_s: float, dead_between_steps_s: float, now: datetime
) -> bool:
    limit_s = dead_after_s if attempt.step_is_held else dead_between_steps_s
    return _is_older(attempt.heartbeat_at, timedelta(seconds=limit_s), now)


def _is_older(instant: datetime | None, age: timedelta, now: datetime) -> bool:
    return instant is None or now - instant > age
