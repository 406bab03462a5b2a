"""What the payer holds: claims with their lines, status rows and payments.

Amounts are whole cents. They add up: billed = written off + not covered + allowed, allowed =
deductible + copay + coinsurance + paid, and a claim's totals are the sums of its lines. Before a
claim is decided only the billed amounts are there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow
from claims_pipeline.sandbox.world.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code with the payer's own words."""

    kind: str
    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosswalk:
    """One status row of a claim: X12 category (507) and status (508) codes."""

    category: str
    status: str
    suffix: str
    draft_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One service line; amounts in cents."""

    number: int
    suffix: str
    procedure: str
    billed: int
    write_off: int = 0
    not_covered: int = 0
    allowed: int = 0
    deductible: int = 0
    copay: int = 0
    coinsurance: int = 0
    paid: int = 0
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """This claim's part (`amount`) of a check or EFT (`check_total`), in cents."""

    number: str
    check_number: str
    electronic: bool
    issued: date
    amount: int
    check_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One entry of a summary answer: a claim, or one version or part of it."""

    claim_number: str
    account_number: str
    practice_number: int
    person: Person
    service: DateWindow
    received: date
    processed: date | None
    processed_time: str
    payer_status: str
    institutional: bool
    in_network: bool
    crosswalk: tuple[Crosswalk, ...]
    lines: tuple[Line, ...]
    drafts: tuple[Draft, ...] = ()
    codes: tuple[Code, ...] = ()
    order: int

    def total(self, amount: Callable[[Line], int]) -> int:
        """Sum of one amount over the lines, in cents."""
        return sum(map(amount, self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a claim begins: somebody was seen on a day. `number` counts the day's visits."""

    practice_number: int
    person: Person
    day: date
    number: int
    claim_number: str
