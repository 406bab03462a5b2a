"""Chance that is a pure function of its key, the same on every machine and Python."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Dice:
    """Draws from one 512-bit digest of a key; enough for about forty small draws."""

    __slots__ = ("_rest",)

    def __init__(self, *key: object) -> None:
        digest = hashlib.blake2b("|".join(map(str, key)).encode()).digest()
        self._rest = int.from_bytes(digest, "big")

    def below(self, limit: int) -> int:
        """Draw a whole number from 0 to `limit` - 1."""
        self._rest, drawn = divmod(self._rest, limit)
        return drawn

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def happens(self, percent: int) -> bool:
        """Whether an event of that many percent comes about."""
        return self.below(100) < percent

    def pick(self, items: Sequence[_T]) -> _T:
        """Draw one of `items`."""
        return items[self.below(len(items))]
