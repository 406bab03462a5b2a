"""A claim that is followed across uploads: where it stands, and what the latest check changed."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class ChangeKind(StrEnum):
    """What a check told: `NEW` for the first answer, `STATUS` also for another thing to do."""

    NEW = "new"
    STATUS = "status"
    AMOUNT = "amount"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a claim stands after an answer, as far as following it needs.

    `status` is a `ClaimStatus`, or in lower case the outcome of a row that no claim answers.
    Amounts are dollars. The codes are those of the reasons for not paying (CARC) and the remarks.
    """

    status: str
    next_action: str | None = None
    claim_number: str | None = None
    service_from: date | None = None
    service_to: date | None = None
    charged: Decimal | None = None
    open_amount: Decimal | None = None
    paid: Decimal | None = None
    patient_owes: Decimal | None = None
    denial_category: str | None = None
    denial_codes: tuple[str, ...] = ()
    remark_codes: tuple[str, ...] = ()
    received: date | None = None
    processed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day on which something can still be done, and the name of the rule that says so."""

    act_by: date
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check of a tracked claim told, as results show it beside the claim.

    `previous_status` is None for a claim that was never answered before; `checks` counts answers.
    `chosen` is Y on the claim that a person chose, N on those that were turned down. `tracked_id`
    is opaque.
    """

    tracked_id: str
    changed: ChangeKind
    previous_status: str | None
    status_since: datetime
    checks: int
    deadline: Deadline | None = None
    chosen: str | None = None
