"""The caps of one process: slots, pauses, breaker."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from claims_pipeline.errors import CancelRequestedError, ErrorClass, PayerError
from claims_pipeline.payers.limiter import LocalLimiter


class Clock:
    """Stands still until somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return stop.is_set()


def enter(limiter: LocalLimiter, stop: threading.Event | None = None) -> None:
    with limiter.slot(stop or threading.Event()):
        pass


def test_no_more_than_its_slots_are_held_at_once() -> None:
    limiter = LocalLimiter(max_concurrency=3)
    lock = threading.Lock()
    full = threading.Barrier(3, timeout=20)
    inside: list[int] = [0, 0]

    def work(_number: int) -> None:
        with limiter.slot(threading.Event()):
            with lock:
                inside[0] += 1
                inside[1] = max(inside)
            full.wait()
            with lock:
                inside[0] -= 1

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(work, range(9)))
    assert inside == [0, 3]


def test_everybody_waits_out_a_pause() -> None:
    clock = Clock()
    limiter = LocalLimiter(max_concurrency=2, monotonic=clock, wait=clock.wait)
    limiter.pause(30)
    limiter.pause(5)
    enter(limiter)
    assert clock.now == 130.0


def test_a_stop_ends_the_wait_for_a_pause_and_for_a_slot() -> None:
    limiter = LocalLimiter(max_concurrency=1)
    stop = threading.Event()
    stop.set()
    limiter.pause(1000)
    with pytest.raises(CancelRequestedError):
        enter(limiter, stop)

    limiter = LocalLimiter(max_concurrency=1)
    waiting = threading.Event()
    with limiter.slot(threading.Event()), ThreadPoolExecutor(1) as pool:
        waiting_for_slot = pool.submit(enter, limiter, waiting)
        waiting.set()
        with pytest.raises(CancelRequestedError):
            waiting_for_slot.result(timeout=20)


def test_a_payer_that_keeps_failing_is_left_alone_and_then_probed() -> None:
    clock = Clock()
    limiter = LocalLimiter(max_concurrency=2, max_failures=3, rest_s=10.0, monotonic=clock)
    for _ in range(3):
        enter(limiter)
        limiter.failed()

    with pytest.raises(PayerError) as caught:
        enter(limiter)
    assert (caught.value.error_class, caught.value.code) == (
        ErrorClass.TRANSIENT,
        "payer_unavailable",
    )

    clock.now += 10
    enter(limiter)
    # One probe at a time.
    with pytest.raises(PayerError):
        enter(limiter)
    limiter.succeeded()
    enter(limiter)
