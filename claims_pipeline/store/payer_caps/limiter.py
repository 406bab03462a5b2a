"""A payer's caps on calls, shared by all threads, processes and hosts through the database.

Each process leases a share of the payer's slots for some seconds and renews it while it calls, so
that a call itself writes nothing. A pause, or the breaker, reaches the others with their next look
at the database, within a second. Hosts are taken to agree on the time to within a second or two.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import CancelRequestedError, ErrorClass, InvariantError, PayerError
from claims_pipeline.store.payer_caps.records import LimitRecords, SharedLimits
from claims_pipeline.store.payer_caps.shares import BreakerSettings, Pace

_logger = logging.getLogger(__name__)

_POLL_S = 1.0
_LEASE = timedelta(seconds=10)
# A waiting thread looks at its stop event this often.
_LONGEST_WAIT_S = 0.1


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseLimiter:
    """Caps of one (organization, payer); one object a process, shared by its threads.

    `clock` gives the present as an aware instant.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        organization_id: str,
        payer: str,
        max_concurrency: int,
        calls_per_second: float,
        clock: Callable[[], datetime] = _utc_now,
        breaker: BreakerSettings | None = None,
    ) -> None:
        self._records = LimitRecords(
            engine,
            organization_id=organization_id,
            payer=payer,
            holder=str(uuid4()),
            max_slots=max_concurrency,
            lease=_LEASE,
        )
        self._calls_per_slot_s = calls_per_second / max_concurrency
        self._clock = clock
        self._breaker = breaker or BreakerSettings()
        # Guards all that follows; told when a slot comes free or there is news from the database.
        self._changed = threading.Condition()
        self._shared = SharedLimits()
        self._pause_until = clock()
        self._pace = Pace(clock())
        self._in_flight = 0
        self._waiting = 0
        self._used_at = clock()
        self._failures = 0
        self._is_probing = False
        self._renewer: threading.Thread | None = None
        self._is_wanted = threading.Event()
        self._closing = threading.Event()
        self._recorded_slots = 0

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Hold one of the payer's slots; waits for pause, rate and a free slot.

        Raises:
            PayerError: transient `payer_unavailable` while the payer counts as down.
            CancelRequestedError: when `stop` is set while waiting.

        """
        self._enter(stop)
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._used_at = self._clock()
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Nobody calls this payer for `seconds`."""
        until = self._clock() + timedelta(seconds=seconds)
        with self._changed:
            self._pause_until = max(self._pause_until, until)
        self._tell_others(lambda: self._records.pause(until))

    def succeeded(self) -> None:
        """The payer answered: it is not down."""
        with self._changed:
            self._failures = 0
            self._is_probing = False
            was_open = self._shared.open_until is not None
            self._shared = replace(self._shared, open_until=None)
        if was_open:
            self._tell_others(self._records.close_breaker)

    def failed(self) -> None:
        """Count a transient failure; after several in a row the payer counts as down."""
        with self._changed:
            self._failures += 1
            is_open = self._shared.open_until is not None
            # Calls that were out when the breaker opened fail late; only a probe tells more.
            opens = self._is_probing if is_open else self._failures >= self._breaker.failures
            if not opens:
                return
            self._failures = 0
            self._is_probing = False
            until = self._clock() + timedelta(seconds=self._breaker.open_s)
            self._shared = replace(self._shared, open_until=until)
        self._tell_others(lambda: self._records.open_breaker(until))

    def close(self) -> None:
        """Give the leased slots back; no call may be under way."""
        self._closing.set()
        self._is_wanted.set()
        if self._renewer is not None:
            self._renewer.join()
            self._tell_others(self._records.release)

    def _enter(self, stop: threading.Event) -> None:
        is_probe = False
        with self._changed:
            self._waiting += 1
            self._used_at = self._clock()
            try:
                self._start_renewing()
                while True:
                    if stop.is_set():
                        raise CancelRequestedError
                    is_probe = is_probe or self._is_probe()
                    delay_s = self._delay_s()
                    if delay_s <= 0:
                        break
                    self._changed.wait(min(delay_s, _LONGEST_WAIT_S))
                self._in_flight += 1
            finally:
                self._waiting -= 1

    def _is_probe(self) -> bool:
        """Whether the caller is the one to try a payer that has counted as down for a while."""
        if self._shared.open_until is None:
            return False
        now = self._clock()
        until = now + timedelta(seconds=self._breaker.probe_s)
        if now < self._shared.open_until or not self._wins_probe(now, until):
            raise PayerError(
                ErrorClass.TRANSIENT,
                "payer_unavailable",
                "The payer is not answering right now; no calls are made for a while.",
            )
        self._is_probing = True
        self._shared = replace(self._shared, open_until=until)
        return True

    def _wins_probe(self, now: datetime, until: datetime) -> bool:
        try:
            return self._records.win_probe(now, until=until)
        except SQLAlchemyError as error:
            _log_unreachable(error)
            return False

    def _delay_s(self) -> float:
        """Seconds until it is worth asking again; 0: the caller may call now."""
        now = self._clock()
        shared = self._shared
        if shared.leased_until is None or now >= shared.leased_until:
            return _POLL_S
        pause_until = max(self._pause_until, shared.pause_until or self._pause_until)
        if now < pause_until:
            return (pause_until - now).total_seconds()
        if self._in_flight >= shared.slots:
            return _POLL_S
        return self._pace.delay_s(now, calls_per_second=self._calls_per_slot_s * shared.slots)

    def _start_renewing(self) -> None:
        if self._closing.is_set():
            raise InvariantError("limiter_closed", "The payer's limiter is closed already.")
        if self._renewer is None:
            self._renewer = threading.Thread(target=self._renew_while_used, daemon=True)
            self._renewer.start()
        if not self._is_wanted.is_set():
            self._is_wanted.set()

    def _renew_while_used(self) -> None:
        while not self._closing.is_set():
            try:
                self._renew()
            except SQLAlchemyError as error:
                # The lease runs out, and calls wait, until the database is back.
                _log_unreachable(error)
            self._closing.wait(_POLL_S)
            if self._rests():
                self._tell_others(self._records.release)
                self._is_wanted.wait()

    def _renew(self) -> None:
        now = self._clock()
        seen = self._records.look(now)
        with self._changed:
            # Give up first, write it down then: nobody finds more free than there is.
            slots = min(self._shared.slots, seen.slots)
            self._shared = replace(self._shared, slots=slots)
            in_use = max(self._in_flight, slots)
        is_running_out = seen.leased_until is None or seen.leased_until - now < _LEASE / 2
        if is_running_out or max(seen.slots, in_use) != self._recorded_slots:
            seen = self._records.renew(now, in_use=in_use)
            self._recorded_slots = max(seen.slots, in_use)
        with self._changed:
            self._shared = seen
            self._changed.notify_all()

    def _rests(self) -> bool:
        """Whether nobody has called for a while: then others may have the slots."""
        with self._changed:
            is_busy = self._in_flight > 0 or self._waiting > 0
            if is_busy or self._closing.is_set() or self._clock() - self._used_at < _LEASE:
                return False
            self._shared = replace(self._shared, slots=0, leased_until=None)
            self._is_wanted.clear()
            return True

    def _tell_others(self, write: Callable[[], None]) -> None:
        """Write to the database; when that fails the payer's answer still counts here."""
        try:
            write()
        except SQLAlchemyError as error:
            _log_unreachable(error)


def _log_unreachable(error: SQLAlchemyError) -> None:
    _logger.warning("The payer's limits cannot be reached: %s.", type(error).__name__)
