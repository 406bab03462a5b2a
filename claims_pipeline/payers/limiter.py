"""Caps for one process: what a tool without a database, a benchmark or a test asks with."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from claims_pipeline.errors import CancelRequestedError, ErrorClass, PayerError

_POLL_S = 0.05


class LocalLimiter:
    """A `Limiter` in memory: concurrency, pauses and a breaker.

    The breaker opens for `rest_s` after `max_failures` failures in a row; then one call at a time
    probes until one succeeds.
    """

    def __init__(
        self,
        *,
        max_concurrency: int,
        max_failures: int = 20,
        rest_s: float = 15.0,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._max_failures = max_failures
        self._rest_s = rest_s
        self._monotonic = monotonic
        self._wait = wait
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._failures = 0
        self._rests_until = float("-inf")

    @contextmanager
    def slot(self, stop: threading.Event) -> Iterator[None]:
        """Hold a slot; see `Limiter.slot`."""
        while True:
            self._wait_for_pause(stop)
            while not self._slots.acquire(timeout=_POLL_S):
                if stop.is_set():
                    raise CancelRequestedError
            # Somebody may have been told to pause while this one waited for its slot.
            if self._monotonic() >= self._paused_until:
                break
            self._slots.release()
        try:
            self._check_breaker()
            yield
        finally:
            self._slots.release()

    def pause(self, seconds: float) -> None:
        """Nobody calls for `seconds`; a longer pause under way stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def succeeded(self) -> None:
        """The payer answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """The payer did not answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._max_failures:
                self._rests_until = self._monotonic() + self._rest_s

    def _wait_for_pause(self, stop: threading.Event) -> None:
        while not stop.is_set():
            left_s = self._paused_until - self._monotonic()
            if left_s <= 0:
                return
            self._wait(stop, left_s)
        raise CancelRequestedError

    def _check_breaker(self) -> None:
        with self._lock:
            if self._failures < self._max_failures:
                return
            now = self._monotonic()
            if now < self._rests_until:
                raise PayerError(
                    ErrorClass.TRANSIENT,
                    "payer_unavailable",
                    "The payer has not answered for a while; no calls are made for a moment.",
                )
            # This call is the probe; until it has answered the others go on resting.
            self._rests_until = now + self._rest_s
