"""How a payer's caps are shared: pure arithmetic on slots and on time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# How much of a second's calls may go out at once after a lull.
_BURST_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """When a payer counts as down, in failures in a row, and how long it is left alone.

    While it is open no call is made. Growing pauses are not its business: an upload whose payer is
    down waits without a run, and for longer each time. `probe_s` is how long others wait for the
    outcome of a probe.
    """

    failures: int = 10
    open_s: float = 15.0
    probe_s: float = 60.0


def fair_share(holder: str, slots_of_others: Mapping[str, int], max_slots: int) -> int:
    """How many of `max_slots` the holder may use beside the others that are alive.

    As even as can be; what does not divide goes to the first holders by name. With more holders
    than slots some get none until another leaves. Never more than the others have left free.
    """
    holders = sorted({holder, *slots_of_others})
    even, rest = divmod(max_slots, len(holders))
    fair = even + (1 if holders.index(holder) < rest else 0)
    return max(0, min(fair, max_slots - sum(slots_of_others.values())))


class Pace:
    """A token bucket: how long until the next call may go out. Not safe to share unlocked."""

    def __init__(self, now: datetime) -> None:
        self._tokens = 1.0
        self._counted_at = now

    def delay_s(self, now: datetime, *, calls_per_second: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        most = max(1.0, calls_per_second * _BURST_S)
        elapsed_s = max(0.0, (now - self._counted_at).total_seconds())
        self._tokens = min(most, self._tokens + elapsed_s * calls_per_second)
        self._counted_at = now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / calls_per_second
        self._tokens -= 1.0
        return 0.0
