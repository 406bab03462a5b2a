"""What the reconciliation decides, as a table of facts and actions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from claims_pipeline.model import RetryScope
from claims_pipeline.orchestration.sensors.remedies import (
    Remedy,
    RunFacts,
    RunState,
    remedy_for,
)
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.attempts.lifecycle import AttemptState

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def make_attempt(state: AttemptState, **changes: Any) -> Attempt:
    values: dict[str, Any] = dict.fromkeys(
        (
            "status",
            "holder_run_id",
            "heartbeat_at",
            "files_written_at",
            "followed_at",
            "launch_ticket",
            "launched_at",
            "cancel_requested_at",
            "correlation_id",
            "waiting_reason",
            "next_try_at",
            "payer_down_since",
            "error_code",
            "error_message",
            "started_at",
            "finished_at",
        )
    )
    values |= dict.fromkeys(
        (
            "search_calls",
            "detail_calls",
            "payment_calls",
            "look_calls",
            "one_per_row_calls",
            "unrelated_claims",
            "answered_before",
        ),
        0,
    )
    values |= {
        "id": "a",
        "organization_id": "demo",
        "upload_id": "u",
        "number": 1,
        "scope": RetryScope.ALL,
        "state": state,
        "step_is_held": False,
        "rows_stored": False,
        "created_at": NOW - timedelta(hours=1),
    }
    return Attempt(**(values | changes))


def decided(attempt: Attempt, run: RunFacts, *, runs_so_far: int = 1) -> Remedy:
    return remedy_for(
        attempt,
        run,
        runs_so_far=runs_so_far,
        max_runs=3,
        dead_after_s=30,
        dead_between_steps_s=600,
        now=NOW,
    )


def held(silent_for_s: float, *, step_is_held: bool = True) -> Attempt:
    return make_attempt(
        AttemptState.RUNNING,
        holder_run_id="r",
        step_is_held=step_is_held,
        heartbeat_at=NOW - timedelta(seconds=silent_for_s),
    )


def launched(seconds_ago: float) -> Attempt:
    return make_attempt(
        AttemptState.PENDING,
        launch_ticket="t",
        launched_at=NOW - timedelta(seconds=seconds_ago),
    )


def failed(*, crashed: bool, retry_is_coming: bool = False, ended_s_ago: float = 5) -> RunFacts:
    return RunFacts(
        state=RunState.FAILED,
        run_id="r",
        crashed=crashed,
        retry_is_coming=retry_is_coming,
        ended_at=NOW - timedelta(seconds=ended_s_ago),
    )


def started(seconds_ago: float) -> RunFacts:
    return RunFacts(
        state=RunState.ALIVE, run_id="s", started_at=NOW - timedelta(seconds=seconds_ago)
    )


ALIVE = RunFacts(state=RunState.ALIVE, run_id="r", holds=True)
QUEUED = RunFacts(state=RunState.ALIVE, run_id="s")
CANCELED = RunFacts(state=RunState.CANCELED, run_id="r", ended_at=NOW)
SUCCEEDED = RunFacts(state=RunState.SUCCEEDED, run_id="r", ended_at=NOW)
MISSING = RunFacts(state=RunState.MISSING)


@pytest.mark.parametrize(
    ("attempt", "run", "action"),
    [
        (held(10), ALIVE, Remedy.NOTHING),
        (held(31), ALIVE, Remedy.REPORT_RUN_FAILED),
        (held(31, step_is_held=False), ALIVE, Remedy.NOTHING),
        (held(601, step_is_held=False), ALIVE, Remedy.REPORT_RUN_FAILED),
        (held(2), CANCELED, Remedy.ASK_TO_STOP),
        (held(31), CANCELED, Remedy.CANCEL),
        (held(2, step_is_held=False), CANCELED, Remedy.CANCEL),
        (held(2), failed(crashed=True, retry_is_coming=True), Remedy.NOTHING),
        (held(2), failed(crashed=True, retry_is_coming=True, ended_s_ago=61), Remedy.RELAUNCH),
        (held(2), failed(crashed=True), Remedy.RELAUNCH),
        (held(2), failed(crashed=False), Remedy.RELAUNCH),
        (held(99), QUEUED, Remedy.NOTHING),
        (held(99), started(59), Remedy.NOTHING),
        (held(99), started(61), Remedy.REPORT_RUN_FAILED),
        (held(2), SUCCEEDED, Remedy.RELAUNCH),
        (held(2), MISSING, Remedy.RELAUNCH),
        (launched(10), MISSING, Remedy.NOTHING),
        (launched(61), MISSING, Remedy.RELAUNCH),
        (launched(61), QUEUED, Remedy.NOTHING),
        (launched(99), started(59), Remedy.NOTHING),
        (launched(99), started(61), Remedy.REPORT_RUN_FAILED),
        (launched(10), CANCELED, Remedy.CANCEL),
        (launched(10), failed(crashed=True), Remedy.RELAUNCH),
        (launched(10), failed(crashed=True, retry_is_coming=True), Remedy.NOTHING),
        (make_attempt(AttemptState.PENDING), MISSING, Remedy.NOTHING),
        (make_attempt(AttemptState.WAITING), MISSING, Remedy.NOTHING),
    ],
)
def test_an_attempt_and_its_run_decide_what_is_done(
    attempt: Attempt, run: RunFacts, action: Remedy
) -> None:
    assert decided(attempt, run) is action


@pytest.mark.parametrize("run", [SUCCEEDED, MISSING, failed(crashed=True)])
def test_an_attempt_that_lost_three_runs_is_not_launched_again(run: RunFacts) -> None:
    assert decided(held(2), run, runs_so_far=3) is Remedy.POISON


def test_a_third_run_that_failed_with_an_error_is_told_from_one_that_died() -> None:
    assert decided(held(2), failed(crashed=False), runs_so_far=3) is Remedy.FAIL


@pytest.mark.parametrize(
    "run", [SUCCEEDED, MISSING, failed(crashed=True, retry_is_coming=True), failed(crashed=False)]
)
def test_what_is_to_be_cancelled_is_not_launched_again(run: RunFacts) -> None:
    cancelling = replace(held(2), cancel_requested_at=NOW)

    assert decided(cancelling, run) is Remedy.CANCEL
