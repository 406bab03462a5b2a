"""What is asked of a payer, and what an answer taught about its practice."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from claims_pipeline.model.requests import Patient, Practice, Request
from claims_pipeline.model.windows import DateWindow


class QueryKind(StrEnum):
    """A sweep asks for a whole practice and date range, a single for one patient."""

    SWEEP = "sweep"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Whose insurance a patient has. The names are those of a subscriber other than the patient."""

    subscriber_id: str | None = None
    subscriber_first_name: str | None = None
    subscriber_last_name: str | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether the patient is somebody's dependent, whose name the row gives."""
        return bool(self.subscriber_first_name and self.subscriber_last_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingProvider:
    """Who billed, as payers know them: `npi` 10 digits, `name` the practice's name on the wire."""

    name: str
    npi: str | None = None


def billing_provider(request: Request, practice: Practice | None) -> BillingProvider:
    """Who billed a row: its practice, by the row's own NPI where it has one."""
    if practice is None:
        return BillingProvider(name="", npi=request.npi)
    return BillingProvider(
        name=practice.wire_name or practice.name, npi=request.npi or practice.npi
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One search at the payer, all its pages included.

    `row_numbers` are the requests it can answer. `patient` and `member` are set on singles only:
    all of a single's rows agree in them and, where a channel asks by NPI, in the `provider`.
    `page_limit`
    ends a sweep early: a sweep that is not complete after that many pages has cost as much as the
    singles it was to replace, and the planner decides anew.
    """

    kind: QueryKind
    tin: str
    payer_id: str
    window: DateWindow
    row_numbers: tuple[int, ...]
    patient: Patient | None = None
    member: Member | None = None
    provider: BillingProvider | None = None
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
