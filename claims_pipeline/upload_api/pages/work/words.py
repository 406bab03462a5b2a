"""How followed claims are named for people."""

from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.store.tracked.records import TrackedClaim
from claims_pipeline.upload_api.pages.claim_words import (
    action_sentence,
    claim_status_tone,
    claim_status_word,
    denial_category_word,
    outcome_tone,
    outcome_word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """A claim as a line of the list; `days_left` and `is_overdue` are of today at the payer."""

    claim: TrackedClaim
    status: str
    tone: str
    action: str
    denial: str | None
    days_left: int | None
    is_overdue: bool


def work_row(claim: TrackedClaim, *, today: date) -> WorkRow:
    """The line of a claim."""
    category = claim.denial_category
    return WorkRow(
        claim=claim,
        status=status_word(claim.status),
        tone=status_tone(claim.status),
        action=action_sentence(claim.next_action) or "",
        denial=denial_category_word(DenialCategory(category)) if category else None,
        days_left=(claim.act_by - today).days if claim.act_by else None,
        is_overdue=claim.follow_up_on is not None
        and claim.follow_up_on < today
        and claim.done_at is None,
    )


def status_word(status: str | None) -> str:
    """A claim's status, or what became of a row without a claim."""
    if status is None:
        return "New"
    if status in ClaimStatus.__members__:
        return claim_status_word(ClaimStatus(status))
    return outcome_word(Outcome(status))


def status_tone(status: str) -> str:
    """How it is coloured; never the only sign of it."""
    if status in ClaimStatus.__members__:
        return claim_status_tone(ClaimStatus(status))
    return outcome_tone(Outcome(status))
