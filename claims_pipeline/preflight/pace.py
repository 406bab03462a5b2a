"""How fast a payer answers, and how many claims want a further call: measured, or else assumed."""

from dataclasses import dataclass

from claims_pipeline.model import DetailLevel

# Public accounts of the payer speak of 1 to 14 seconds.
_USUAL_S = (2.0, 10.0)
# Calls for details and payments for each row that is asked.
_DETAILS_A_ROW = {DetailLevel.SUMMARY: 0.0, DetailLevel.REASONS: 0.9, DetailLevel.FULL: 1.8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds a call, as few and as many as they usually are; equal where they were measured."""

    least_s: float
    most_s: float

    @classmethod
    def measured(cls, seconds: float | None) -> "Pace":
        """By the organization's own calls to the payer; None when there are none."""
        least_s, most_s = _USUAL_S if seconds is None else (seconds, seconds)
        return cls(least_s=least_s, most_s=most_s)

    @property
    def is_measured(self) -> bool:
        """Whether this payer was asked before."""
        return self.least_s == self.most_s


def detail_calls(rows: int, level: DetailLevel) -> int:
    """Calls for details and payments that so many rows will take, more or less."""
    return round(rows * _DETAILS_A_ROW[level])
