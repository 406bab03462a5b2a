"""Until when something can be done about a claim: by an organization's own rules, never by ours.

Public sources contradict each other, so no deadline is a constant here; without a rule no day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from claims_pipeline.model import ClaimStatus, Deadline, Outcome, Standing

_CORRECTED = frozenset({"correct_and_resubmit", "send_corrected_claim", "find_first_claim"})


class DeadlineKind(StrEnum):
    """What is to be done in time."""

    TIMELY_FILING = "timely_filing"
    CORRECTED_CLAIM = "corrected_claim"
    APPEAL = "appeal"


class CountedFrom(StrEnum):
    """The day from which days are counted."""

    SERVICE = "service"
    RECEIPT = "receipt"
    DECISION = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRule:
    """So many days for one kind of thing. `payer` is a short name, or None for every payer."""

    kind: DeadlineKind
    days: int
    counted_from: CountedFrom
    payer: str | None = None
    source: str = ""

    @property
    def name(self) -> str:
        """How results name it: `appeal 65 days from decision (acme)`."""
        days = "day" if self.days == 1 else "days"
        payer = f" ({self.payer})" if self.payer else ""
        return f"{self.kind} {self.days} {days} from {self.counted_from}{payer}"


def kind_of_work(standing: Standing) -> DeadlineKind | None:
    """What has to be done in time about a claim that stands so; None for nothing."""
    if standing.status == Outcome.NOT_FOUND.value:
        return DeadlineKind.TIMELY_FILING
    if standing.next_action in _CORRECTED:
        return DeadlineKind.CORRECTED_CLAIM
    if standing.status == ClaimStatus.DENIED:
        return DeadlineKind.APPEAL
    if standing.next_action == "post_payment_and_review_lines":
        return DeadlineKind.APPEAL
    return None


def deadline_of(
    rules: Sequence[DeadlineRule], standing: Standing, *, payer: str, service_to: date | None
) -> Deadline | None:
    """The earliest day that a rule of the kind gives; a rule of the payer's own goes before.

    `service_to` is what the row says, where the payer shows no claim. A rule whose day is not known
    gives none.
    """
    kind = kind_of_work(standing)
    of_kind = [rule for rule in rules if rule.kind is kind]
    wanted = [rule for rule in of_kind if rule.payer == payer] or [
        rule for rule in of_kind if rule.payer is None
    ]
    begins = {
        CountedFrom.SERVICE: standing.service_to or service_to,
        CountedFrom.RECEIPT: standing.received,
        CountedFrom.DECISION: standing.processed,
    }
    found = [
        Deadline(act_by=day + timedelta(days=rule.days), rule=rule.name)
        for rule in wanted
        if (day := begins[rule.counted_from]) is not None
    ]
    return min(found, key=lambda deadline: (deadline.act_by, deadline.rule), default=None)
