"""Which run may serve an attempt: every combination of the facts, against the rules in words."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from claims_pipeline.errors import InvariantError
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.store.attempts.lifecycle import (
    MOVES,
    Acquire,
    AcquiringRun,
    AttemptState,
    LatestAttempt,
    NewAttempt,
    Patience,
    Stale,
    StillHeld,
    TakeOver,
    Ticket,
    check_move,
    decide_acquisition,
    final_status,
    holder_is_dead,
)

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PATIENCE = Patience(dead_after=timedelta(seconds=30), dead_between_steps=timedelta(seconds=600))
FREE = {AttemptState.PENDING, AttemptState.WAITING}
TICKETS = {
    "none": (False, None),
    "unknown": (True, None),
    "unclaimed": (True, Ticket(attempt_id="latest", claimed_by=None)),
    "of an older attempt": (True, Ticket(attempt_id="older", claimed_by=None)),
    "another run's": (True, Ticket(attempt_id="latest", claimed_by="other")),
}


def _latest(
    state: AttemptState, *, holder: str | None = "other", dead: bool = False
) -> LatestAttempt:
    return LatestAttempt(
        attempt_id="latest",
        state=state,
        holder_run_id=holder,
        holder_has_ended=dead,
        heartbeat_at=NOW,
        step_is_held=True,
    )


def _run(
    ticket: str = "none",
    *,
    has_served: bool = False,
    has_parent: bool = False,
    is_automatic_retry: bool = False,
) -> AcquiringRun:
    brings, known = TICKETS[ticket]
    return AcquiringRun(
        run_id="mine",
        has_served=has_served,
        brings_ticket=brings,
        ticket=known,
        has_parent=has_parent,
        is_automatic_retry=is_automatic_retry,
    )


def _decide(run: AcquiringRun, latest: LatestAttempt) -> object:
    return decide_acquisition(run, latest, patience=PATIENCE, now=NOW)


@pytest.mark.parametrize("ticket", TICKETS)
@pytest.mark.parametrize("has_served", [False, True])
def test_a_run_that_holds_the_running_attempt_still_holds_it(ticket: str, has_served: bool) -> None:
    latest = _latest(AttemptState.RUNNING, holder="mine")
    assert _decide(_run(ticket, has_served=has_served), latest) == StillHeld()


@pytest.mark.parametrize("state", list(AttemptState))
@pytest.mark.parametrize("ticket", TICKETS)
@pytest.mark.parametrize("dead", [False, True])
def test_a_run_that_served_before_and_holds_no_longer_is_stale(
    state: AttemptState, ticket: str, dead: bool
) -> None:
    run = _run(ticket, has_served=True, has_parent=True)
    assert isinstance(_decide(run, _latest(state, dead=dead)), Stale)


@pytest.mark.parametrize("state", list(AttemptState))
@pytest.mark.parametrize("has_parent", [False, True])
@pytest.mark.parametrize("dead", [False, True])
def test_an_unclaimed_ticket_is_good_for_the_latest_attempt_until_it_ends(
    state: AttemptState, has_parent: bool, dead: bool
) -> None:
    decision = _decide(_run("unclaimed", has_parent=has_parent), _latest(state, dead=dead))
    if state in FREE:
        assert decision == Acquire()
    elif state is AttemptState.RUNNING and dead:
        assert decision == TakeOver()
    else:
        assert isinstance(decision, Stale)


@pytest.mark.parametrize("state", list(AttemptState))
@pytest.mark.parametrize("has_parent", [False, True])
def test_a_ticket_of_an_older_attempt_is_stale(state: AttemptState, has_parent: bool) -> None:
    older = _run("of an older attempt", has_parent=has_parent)
    assert isinstance(_decide(older, _latest(state)), Stale)


@pytest.mark.parametrize("state", list(AttemptState))
@pytest.mark.parametrize("ticket", ["another run's", "unknown"])
def test_a_doubled_launch_is_stale(state: AttemptState, ticket: str) -> None:
    assert isinstance(_decide(_run(ticket), _latest(state, dead=True)), Stale)


@pytest.mark.parametrize(
    ("ticket", "has_parent"),
    [("none", False), ("none", True), ("another run's", True), ("unknown", True)],
)
def test_a_launch_by_hand_or_a_re_execution_goes_by_the_attempt(
    ticket: str, has_parent: bool
) -> None:
    run = _run(ticket, has_parent=has_parent)
    assert _decide(run, _latest(AttemptState.PENDING)) == Acquire()
    assert _decide(run, _latest(AttemptState.WAITING)) == Acquire()
    assert _decide(run, _latest(AttemptState.RUNNING, dead=True)) == TakeOver()
    assert isinstance(_decide(run, _latest(AttemptState.RUNNING)), Stale)
    assert _decide(run, _latest(AttemptState.FINISHED)) == NewAttempt(RetryScope.FAILED)


def test_an_automatic_retry_never_begins_a_new_attempt() -> None:
    run = _run("another run's", has_parent=True, is_automatic_retry=True)
    assert isinstance(_decide(run, _latest(AttemptState.FINISHED)), Stale)
    assert _decide(run, _latest(AttemptState.RUNNING, dead=True)) == TakeOver()


def test_only_a_run_without_a_good_ticket_ever_begins_a_new_attempt() -> None:
    for ticket, served, parent, automatic, state, dead in product(
        TICKETS, (False, True), (False, True), (False, True), AttemptState, (False, True)
    ):
        run = _run(ticket, has_served=served, has_parent=parent, is_automatic_retry=automatic)
        if isinstance(_decide(run, _latest(state, dead=dead)), NewAttempt):
            assert state is AttemptState.FINISHED
            assert not served
            assert not automatic
            assert ticket == "none" or (parent and ticket in {"another run's", "unknown"})


@pytest.mark.parametrize(
    ("step_is_held", "silent_s", "is_dead"),
    [(True, 30, False), (True, 31, True), (False, 600, False), (False, 601, True)],
)
def test_a_silent_holder_is_dead_sooner_while_a_step_works(
    step_is_held: bool, silent_s: int, is_dead: bool
) -> None:
    latest = LatestAttempt(
        attempt_id="latest",
        state=AttemptState.RUNNING,
        holder_run_id="other",
        heartbeat_at=NOW - timedelta(seconds=silent_s),
        step_is_held=step_is_held,
    )
    assert holder_is_dead(latest, patience=PATIENCE, now=NOW) is is_dead


def test_only_a_running_attempt_has_a_dead_holder() -> None:
    for state in FREE | {AttemptState.FINISHED}:
        assert not holder_is_dead(_latest(state, dead=True), patience=PATIENCE, now=NOW)


def test_a_terminal_status_is_left_by_a_retry_only() -> None:
    for before, after in MOVES.items():
        if before[0].is_terminal:
            assert after == {(UploadStatus.PENDING, AttemptState.PENDING)}


def test_every_standing_leads_to_a_terminal_one() -> None:
    for before in MOVES:
        reached, frontier = {before}, {before}
        while frontier:
            frontier = {after for standing in frontier for after in MOVES[standing]} - reached
            reached |= frontier
        assert any(status.is_terminal for status, _ in reached)


def test_a_move_that_is_not_in_the_table_is_refused() -> None:
    for before, after in product(product(UploadStatus, AttemptState), repeat=2):
        if after in MOVES.get(before, frozenset()):
            check_move(before, after)
        else:
            with pytest.raises(InvariantError):
                check_move(before, after)


def test_what_was_to_be_cancelled_ends_cancelled() -> None:
    assert final_status(UploadStatus.FAILED, cancel_requested=True) is UploadStatus.CANCELLED
    assert final_status(UploadStatus.FAILED, cancel_requested=False) is UploadStatus.FAILED
