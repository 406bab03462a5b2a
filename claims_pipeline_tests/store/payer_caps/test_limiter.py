"""A payer's caps hold over threads and processes, and a process that dies gives its slots back."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from claims_pipeline.errors import CancelRequestedError, PayerError
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.payer_caps.shares import BreakerSettings, Pace, fair_share
from claims_pipeline.store.tables import payer_limits, payer_slots
from claims_pipeline_tests.store.builders import NOW

_CALL_UNTIL_TOLD = """
import json, sys, threading, time
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
limiter = DatabaseLimiter(
    open_engine(sys.argv[1]), organization_id="demo", payer="uhc", max_concurrency=4,
    calls_per_second=1000,
)
stop, calls = threading.Event(), []
def call():
    while not stop.is_set():
        with limiter.slot(threading.Event()):
            began = time.time()
            time.sleep(0.02)
            calls.append((began, time.time()))
            if len(calls) == 1:
                print("called", flush=True)
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads:
    thread.start()
sys.stdin.readline()
stop.set()
for thread in threads:
    thread.join()
limiter.close()
print(json.dumps(calls))
"""


class ShiftedClock:
    """The present, moved by `shift`: time goes on and tests can skip some."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


def _limiter(
    engine: Engine, *, clock: ShiftedClock | None = None, breaker: BreakerSettings | None = None
) -> DatabaseLimiter:
    return DatabaseLimiter(
        engine,
        organization_id="demo",
        payer="uhc",
        max_concurrency=4,
        calls_per_second=10_000,
        clock=clock or ShiftedClock(),
        breaker=breaker,
    )


def _refuses(limiter: DatabaseLimiter) -> None:
    with pytest.raises(PayerError) as caught:
        _call(limiter)
    assert caught.value.code == "payer_unavailable"


@pytest.fixture
def limiter(engine: Engine) -> Iterator[DatabaseLimiter]:
    made = _limiter(engine)
    yield made
    made.close()


def _call(limiter: DatabaseLimiter) -> None:
    with limiter.slot(threading.Event()):
        pass


def test_no_more_threads_call_at_once_than_there_are_slots(limiter: DatabaseLimiter) -> None:
    lock = threading.Lock()
    at_once: list[int] = []
    inside = 0

    def call() -> None:
        nonlocal inside
        with limiter.slot(threading.Event()):
            with lock:
                inside += 1
                at_once.append(inside)
            time.sleep(0.005)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=call) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(at_once) == 40
    assert max(at_once) == 4


def test_processes_share_the_slots_and_a_late_one_gets_its_part(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    processes = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", _CALL_UNTIL_TOLD, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        # The second begins while the first holds every slot, and still gets to call.
        assert process.stdout.readline() == "called\n"
        processes.append(process)
    calls = [json.loads(process.communicate("stop\n")[0]) for process in processes]
    changes = sorted(
        change for began, ended in calls[0] + calls[1] for change in ((began, 1), (ended, -1))
    )
    inside = most = 0
    for _, change in changes:
        inside += change
        most = max(most, inside)
    assert most <= 4
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(payer_slots)).scalar() == 0


def test_slots_of_a_process_that_died_come_back_when_its_lease_ends(engine: Engine) -> None:
    clock = ShiftedClock()
    with writing(engine) as connection:
        connection.execute(
            insert(payer_slots),
            {
                "organization_id": "demo",
                "payer": "uhc",
                "holder": "dead",
                "slots": 4,
                "expires_at": clock() + timedelta(hours=1),
            },
        )
    limiter = _limiter(engine, clock=clock)
    called = threading.Event()

    def call() -> None:
        with limiter.slot(threading.Event()):
            called.set()

    thread = threading.Thread(target=call)
    thread.start()
    assert not called.wait(0.2)
    clock.shift += timedelta(hours=1)
    assert called.wait(30)
    thread.join()
    limiter.close()


def test_calls_write_nothing_but_the_lease(engine: Engine, limiter: DatabaseLimiter) -> None:
    _call(limiter)
    with writing(engine) as connection:
        # Whoever writes waits for this transaction to end; two hundred calls do not.
        connection.execute(select(payer_limits).with_for_update())
        for _ in range(200):
            _call(limiter)
            limiter.succeeded()
            limiter.failed()
            limiter.succeeded()


def test_a_waiting_thread_stops_when_it_is_told_to(limiter: DatabaseLimiter) -> None:
    stop = threading.Event()
    limiter.pause(3600)
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    with pytest.raises(CancelRequestedError), limiter.slot(stop):
        pass
    timer.join()


def test_a_pause_reaches_the_other_processes(engine: Engine, limiter: DatabaseLimiter) -> None:
    limiter.pause(3600)
    limiter.pause(1)
    other = _limiter(engine)
    stop = threading.Event()
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with pytest.raises(CancelRequestedError), other.slot(stop):
        pass
    timer.join()
    other.close()
    with reading(engine) as connection:
        until = connection.execute(select(payer_limits.c.pause_until)).scalar_one()
    assert until > NOW


def test_a_payer_that_keeps_failing_is_left_alone_and_then_tried_by_one(engine: Engine) -> None:
    clock = ShiftedClock()
    breaker = BreakerSettings(failures=3, open_s=1000, probe_s=9000)
    first = _limiter(engine, clock=clock, breaker=breaker)
    second = _limiter(engine, clock=clock, breaker=breaker)
    for _ in range(3):
        _call(first)
        first.failed()
    # A call that was out meanwhile fails late; that is no news.
    first.failed()
    _refuses(first)
    _refuses(second)

    clock.shift += timedelta(seconds=1100)
    _call(first)
    _refuses(first)
    _refuses(second)
    first.failed()

    # The probe failed: open again, for as long as at first.
    clock.shift += timedelta(seconds=900)
    _refuses(first)
    clock.shift += timedelta(seconds=200)
    _call(first)
    first.succeeded()
    _call(first)
    with reading(engine) as connection:
        limits = connection.execute(select(payer_limits)).one()
    assert limits.breaker_open_until is None
    first.close()
    second.close()


def test_failures_between_successes_do_not_open_the_breaker(engine: Engine) -> None:
    limiter = _limiter(engine, breaker=BreakerSettings(failures=2))
    for _ in range(5):
        limiter.failed()
        limiter.succeeded()
    _call(limiter)
    limiter.close()


def test_a_database_that_fails_does_not_turn_an_answer_into_an_error(
    empty_engine: Engine,
) -> None:
    limiter = _limiter(empty_engine, breaker=BreakerSettings(failures=1))
    limiter.pause(1)
    limiter.failed()
    limiter.succeeded()
    limiter.close()


def test_a_closed_limiter_gives_its_slots_back(engine: Engine) -> None:
    limiter = _limiter(engine)
    _call(limiter)
    with reading(engine) as connection:
        assert connection.execute(select(payer_slots.c.slots)).scalar_one() == 4
    limiter.close()
    with reading(engine) as connection:
        assert connection.execute(select(payer_slots.c.slots)).first() is None


@pytest.mark.parametrize("max_slots", [1, 2, 7, 16])
@pytest.mark.parametrize("holders", [1, 2, 3, 9])
def test_shares_settle_evenly_and_never_exceed_the_cap(max_slots: int, holders: int) -> None:
    shares: dict[str, int] = {}
    for _ in range(4):
        for number in range(holders):
            name = f"holder-{number}"
            others = {key: value for key, value in shares.items() if key != name}
            shares[name] = fair_share(name, others, max_slots)
            assert sum(shares.values()) <= max_slots
    assert sum(shares.values()) == max_slots
    assert max(shares.values()) - min(shares.values()) <= 1


def test_the_pace_lets_as_many_calls_out_as_allowed() -> None:
    pace = Pace(NOW)
    let_out = sum(
        pace.delay_s(NOW + timedelta(milliseconds=tick), calls_per_second=20) == 0
        for tick in range(10_000)
    )
    assert 200 <= let_out <= 203


def test_the_pace_tells_how_long_to_wait() -> None:
    pace = Pace(NOW)
    assert pace.delay_s(NOW, calls_per_second=4) == 0
    assert pace.delay_s(NOW, calls_per_second=4) == pytest.approx(0.25)
    assert pace.delay_s(NOW - timedelta(hours=1), calls_per_second=4) == pytest.approx(0.25)
