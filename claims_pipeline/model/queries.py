"""What is asked of a payer, and what an answer taught about its practice."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from claims_pipeline.model.requests import Patient
from claims_pipeline.model.windows import DateWindow


class QueryKind(StrEnum):
    """A sweep asks for a whole practice and date range, a single for one patient."""

    SWEEP = "sweep"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One search at the payer, all its pages included.

    `row_numbers` are the requests it can answer. `patient` is set on singles only. `page_limit`
    ends a sweep early: a sweep that is not complete after that many pages has cost as much as the
    singles it was to replace, and the planner decides anew.
    """

    kind: QueryKind
    tin: str
    payer_id: str
    window: DateWindow
    row_numbers: tuple[int, ...]
    patient: Patient | None = None
    page_limit: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityObservation:
    """How many claims a practice had in a window, learned from an answered search.

    `at_least` marks a lower bound: the search hit the payer's cap or the page limit.
    """

    tin: str
    payer_id: str
    window: DateWindow
    claims: int
    at_least: bool = False
    observed_at: datetime | None = field(default=None, compare=False)
