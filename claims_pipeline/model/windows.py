"""Windows of calendar days, and their union and difference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class DateWindow:
    """Calendar days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a date window ends before it begins")

    @property
    def days(self) -> int:
        """Length in days; a window of one day has length 1."""
        return (self.last - self.first).days + 1

    def contains(self, other: "DateWindow") -> bool:
        """Whether every day of `other` is in this window."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: "DateWindow") -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last

    def intersection(self, other: "DateWindow") -> "DateWindow | None":
        """The days in both, if any."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return DateWindow(first, last) if first <= last else None

    def split(self, max_days: int) -> Iterator["DateWindow"]:
        """Cut into windows of at most `max_days`, oldest first."""
        first = self.first
        while first <= self.last:
            last = min(self.last, first + timedelta(days=max_days - 1))
            yield DateWindow(first, last)
            first = last + timedelta(days=1)


def merge_windows(windows: Iterable[DateWindow]) -> tuple[DateWindow, ...]:
    """Union of windows as disjoint, non-adjacent windows, oldest first."""
    merged: list[DateWindow] = []
    for window in sorted(windows):
        if merged and window.first <= merged[-1].last + timedelta(days=1):
            if window.last > merged[-1].last:
                merged[-1] = DateWindow(merged[-1].first, window.last)
        else:
            merged.append(window)
    return tuple(merged)


def subtract_windows(window: DateWindow, covered: Iterable[DateWindow]) -> tuple[DateWindow, ...]:
    """What of `window` no window of `covered` contains, oldest first."""
    remaining: list[DateWindow] = []
    first = window.first
    for done in merge_windows(covered):
        if done.last < first:
            continue
        if done.first > window.last:
            break
        if done.first > first:
            remaining.append(DateWindow(first, done.first - timedelta(days=1)))
        first = done.last + timedelta(days=1)
    if first <= window.last:
        remaining.append(DateWindow(first, window.last))
    return tuple(remaining)
