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
# Dagster's retry of a crashed run is launched within seconds of its failure.
_RETRY_LOST_AFTER = timedelta(seconds=120)


class RunState(StrEnum):
    """A Dagster run, as far as an attempt cares."""

    ALIVE = "alive"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The run that holds the attempt, or was launched for it.

    `retry_is_coming`: Dagster says that it will retry the failed run, and the retry is not over.
    """

    state: RunState
    run_id: str | None = None
    ended_at: datetime | None = None
    retry_is_coming: bool = False
    crashed: bool = False


class Action(StrEnum):
    """What the sensor does about an attempt."""

    NOTHING = "nothing"
    CANCEL = "cancel"  # the attempt ends CANCELLED
    ASK_TO_STOP = "ask_to_stop"  # the worker of a cancelled run lives on
    FAIL = "fail"  # the attempt ends FAILED
    POISON = "poison"  # the attempt ends FAILED: every run of it has died
    RELAUNCH = "relaunch"  # back to pending, for the pending sensor
    REPORT_RUN_FAILED = "report_run_failed"  # Dagster's run retries take it from there


def decide(
    attempt: Attempt,
    run: RunFacts,
    *,
    runs_so_far: int,
    max_runs: int,
    dead_after_s: float,
    dead_between_steps_s: float,
    now: datetime,
) -> Action:
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
    return Action.NOTHING


def _about_running(
    attempt: Attempt, run: RunFacts, *, may_relaunch: bool, is_silent: bool, now: datetime
) -> Action:
    match run.state:
        case RunState.ALIVE:
            return Action.REPORT_RUN_FAILED if is_silent else Action.NOTHING
        case RunState.CANCELED:
            worker_lives = attempt.step_is_held and not is_silent
            return Action.ASK_TO_STOP if worker_lives else Action.CANCEL
        case RunState.FAILED:
            if run.retry_is_coming and not _is_older(run.ended_at, _RETRY_LOST_AFTER, now):
                return Action.NOTHING
            return Action.POISON if run.crashed else Action.FAIL
        case RunState.SUCCEEDED | RunState.MISSING:
            return Action.RELAUNCH if may_relaunch else Action.POISON


def _about_launched(
    attempt: Attempt, run: RunFacts, *, may_relaunch: bool, now: datetime
) -> Action:
    match run.state:
        case RunState.ALIVE:
            return Action.NOTHING
        case RunState.CANCELED:
            return Action.CANCEL
        case RunState.MISSING:
            is_lost = _is_older(attempt.launched_at, _LAUNCH_LOST_AFTER, now)
            return Action.RELAUNCH if is_lost else Action.NOTHING
        case RunState.FAILED | RunState.SUCCEEDED:
            if run.retry_is_coming and not _is_older(run.ended_at, _RETRY_LOST_AFTER, now):
                return Action.NOTHING
            return Action.RELAUNCH if may_relaunch else Action.POISON


def _is_silent(
    attempt: Attempt, dead_after_s: float, dead_between_steps_s: float, now: datetime
) -> bool:
    limit_s = dead_after_s if attempt.step_is_held else dead_between_steps_s
    return _is_older(attempt.heartbeat_at, timedelta(seconds=limit_s), now)


def _is_older(instant: datetime | None, age: timedelta, now: datetime) -> bool:
    return instant is None or now - instant > age
