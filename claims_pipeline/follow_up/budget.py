"""Which of the due claims are asked today: most money first, within the calls of the day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

_Claim = TypeVar("_Claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What decides about the order: dollars first, then how long the claim has been due."""

    dollars: Decimal
    due_on: date
    id: str

    @property
    def place(self) -> tuple[Decimal, date, str]:
        """Smaller comes first; the id makes the order one and the same every time."""
        return (-self.dollars, self.due_on, self.id)


def within_budget(
    claims: Sequence[_Claim], *, calls: int, cost: Callable[[Sequence[_Claim]], int]
) -> Sequence[_Claim]:
    """As many of the claims, from the first on, as can be asked with so many calls.

    `cost` plans the claims and says what they take; claims of a practice share their sweeps, so
    that it grows far slower than their number. It is asked for some twenty times at most.
    """
    if calls <= 0 or not claims:
        return claims[:0]
    if cost(claims) <= calls:
        return claims
    least, most = 0, len(claims)
    while most - least > 1:
        middle = (least + most) // 2
        if cost(claims[:middle]) <= calls:
            least = middle
        else:
            most = middle
    return claims[:least]
