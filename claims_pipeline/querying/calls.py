"""Collects the calls that a lane's threads make."""

import threading
from dataclasses import dataclass, field

from claims_pipeline.payers.base import CallRecord


@dataclass(slots=True, kw_only=True)
class CallLog:
    """Collects the calls of all threads until they are written down."""

    _calls: list[CallRecord] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: CallRecord) -> None:
        """Keep one call; any thread."""
        with self._lock:
            self._calls.append(call)

    def take(self) -> list[CallRecord]:
        """Hand over what has been collected."""
        with self._lock:
            calls, self._calls = self._calls, []
        return calls
