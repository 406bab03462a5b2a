"""A lane on a worker, as its run sees it: ended, alive, silent, or never begun."""

from uuid import uuid4

import pytest
from celery import Celery
from celery.result import AsyncResult

from claims_pipeline.orchestration.celery.executor import RemoteLane


class Watched:
    """A lane, the backend it is seen through, and a clock that is turned by hand."""

    def __init__(self) -> None:
        self.app = Celery(broker="memory://", backend="cache+memory://")
        self.task_id = str(uuid4())
        self.now = 0.0
        self.done_here = 0
        self.let_go = 0
        self.kept = 0
        self.lane = RemoteLane(
            AsyncResult(self.task_id, app=self.app),
            carry_out_here=self._carry_out_here,
            let_go=self._let_go,
            keep=self._keep,
            silent_after_s=15.0,
            clock=lambda: self.now,
        )

    def sign(self, number: int) -> None:
        self.store({"signs": number}, "ASKING")

    def store(self, result: object, state: str) -> None:
        self.app.backend.store_result(self.task_id, result, state)

    def _carry_out_here(self) -> list[str]:
        self.done_here += 1
        return ["here"]

    def _let_go(self) -> None:
        self.let_go += 1

    def _keep(self) -> None:
        self.kept += 1


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_lane_that_ends_hands_over_its_events(watched: Watched) -> None:
    assert not watched.lane.ready()
    watched.store(["there"], "SUCCESS")
    assert watched.lane.ready()
    assert watched.lane.get() == ["there"]
    assert watched.done_here == 0


def test_the_attempt_is_kept_until_a_lane_begins_to_keep_it(watched: Watched) -> None:
    watched.lane.ready()
    assert watched.kept == 1
    watched.sign(1)
    watched.lane.ready()
    assert watched.kept == 1


def test_a_lane_that_no_worker_begins_is_carried_out_here(watched: Watched) -> None:
    watched.now = 9.0
    assert not watched.lane.ready()
    watched.now = 11.0
    assert watched.lane.ready()
    assert watched.lane.get() == ["here"]


def test_a_lane_whose_worker_gives_signs_of_life_is_waited_for(watched: Watched) -> None:
    for number in range(100):
        watched.now += 14.0
        watched.sign(number)
        assert not watched.lane.ready()


def test_a_lane_whose_worker_falls_silent_is_carried_out_here(watched: Watched) -> None:
    watched.sign(1)
    assert not watched.lane.ready()
    watched.now = 14.0
    assert not watched.lane.ready()
    watched.now = 16.0
    assert watched.lane.ready()
    assert watched.lane.get() == ["here"]


def test_a_lane_that_took_its_process_with_it_is_carried_out_here(watched: Watched) -> None:
    watched.store(RuntimeError("worker lost"), "FAILURE")
    assert watched.lane.ready()
    assert watched.lane.get() == ["here"]


def test_a_lane_of_a_run_that_is_to_end_is_let_go_and_not_carried_out_here(
    watched: Watched,
) -> None:
    watched.lane.revoke()
    assert watched.let_go == 1
    assert watched.lane.ready()
    assert watched.lane.get() == []
    assert watched.done_here == 0


def test_a_lane_that_has_begun_is_waited_for_when_its_run_is_to_end(watched: Watched) -> None:
    watched.sign(1)
    assert not watched.lane.ready()
    watched.lane.revoke()
    assert not watched.lane.ready()
    watched.store([], "SUCCESS")
    assert watched.lane.ready()
    assert watched.lane.get() == []
