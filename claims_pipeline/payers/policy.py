"""How long and how often to ask, and by which clock."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPolicy:
    """How long and how often to ask, in seconds, tries and bytes.

    `exchange_s` bounds one HTTP exchange from the first byte sent to the last one read. Before
    try n + 1 the wait is anything between zero and `backoff_s[n - 1]`; a Retry-After is obeyed up
    to `longest_pause_s`. The payer's real answers take 1 to 14 seconds.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    exchange_s: float = 60.0
    backoff_s: tuple[float, ...] = (1.0, 4.0, 16.0)
    longest_pause_s: float = 120.0
    max_body_bytes: int = 16 * 1024 * 1024

    @property
    def max_tries(self) -> int:
        """The first try, and one after each wait."""
        return len(self.backoff_s) + 1

    def longest_wait_s(self, *, after_try: int) -> float:
        """The most to wait after a try that failed; the last one's wait stands for all later."""
        return self.backoff_s[min(after_try, len(self.backoff_s)) - 1] if self.backoff_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """Time and chance, to be replaced in tests. `wait` sleeps and tells whether to stop."""

    wait: Callable[[float], bool]
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    fraction: Callable[[], float] = random.random
