"""The practices of the sandbox's world and the numbers of their claims."""

from dataclasses import dataclass
from datetime import date

from claims_pipeline.sandbox.world.people import most_patients

QUIET_PRACTICE = 2
# Claim numbers count days from here.
FIRST_DAY = date(2020, 1, 1)

_PRACTICE_NAMES = ("Sample Family Practice", "Sample Pediatrics", "Sample Orthopedics")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPractice:
    """A practice of the sandbox. `number` counts from 1; `claims_per_day` is an average."""

    number: int
    claims_per_day: int

    @property
    def is_quiet(self) -> bool:
        """Whether few patients come."""
        return self.number == QUIET_PRACTICE

    @property
    def practice_id(self) -> str:
        """The id that the demo organization knows it by."""
        return str(self.number)

    @property
    def tin(self) -> str:
        """A tax id with the prefix 07, which is not assigned to anybody."""
        return f"07{self.number:07d}"

    @property
    def npi(self) -> str:
        """Ten digits with the right last one, beginning with 0: no NPI that is given out does."""
        nine = f"0{self.number:08d}"
        # As on cards, over the digits with 80840 before them.
        doubled = (2 * int(digit) for digit in f"80840{nine}"[::-2])
        total = sum(value // 10 + value % 10 for value in doubled)
        total += sum(int(digit) for digit in f"80840{nine}"[-2::-2])
        return f"{nine}{-total % 10}"

    @property
    def name(self) -> str:
        """A made-up name."""
        kind = _PRACTICE_NAMES[(self.number - 1) % len(_PRACTICE_NAMES)]
        return f"{kind} {self.number}"

    @property
    def patients(self) -> int:
        """How many people come; each is seen about once in three months."""
        return min(max(60, self.claims_per_day * 90), most_patients())

    @property
    def claim_prefix(self) -> str:
        """Two letters that begin its claim numbers; FH for the first practice."""
        first, second = divmod(5 * 26 + 7 + self.number - 1, 26)
        return chr(ord("A") + first % 26) + chr(ord("A") + second)


def demo_payer_id(channel: str) -> str:
    """The payer id of the made-up insurer that the sandbox plays on a channel."""
    return f"{channel[:3].upper()}D1"


def claim_number_of(practice: WorldPractice, day: date, number: int) -> str:
    """The claim number of a day's visit; from 9000 on nobody has it."""
    return f"{practice.claim_prefix}{(day - FIRST_DAY).days:04d}{number:04d}"
