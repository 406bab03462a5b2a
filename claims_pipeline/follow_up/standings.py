"""Where a claim stands after an answer, what of it is a change, and whether a person has work."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from claims_pipeline.model import ChangeKind, ClaimStatus, MatchedClaim, Outcome, Standing
from claims_pipeline.payers.denials import CARC
from claims_pipeline.payers.status import NEXT_ACTIONS, next_action_for_error

# What leads to nothing that a person of the practice would do about the claim.
_NO_WORK = frozenset(
    {
        "check_later",
        "expect_payment",
        "post_payment",
        "retry_later",
        "retry_unprocessed",
        "wait_for_decision",
        "wait_to_be_asked",
    }
)
# In the order in which the parts of one claim decide for all of it: what is open first.
_WEIGHT = (
    ClaimStatus.ACTION_REQUIRED,
    ClaimStatus.PENDING,
    ClaimStatus.ACKNOWLEDGED,
    ClaimStatus.UNKNOWN,
    ClaimStatus.MULTIPLE,
    ClaimStatus.APPROVED,
    ClaimStatus.DENIED,
    ClaimStatus.REJECTED,
    ClaimStatus.ADJUSTED,
    ClaimStatus.CLOSED_NO_PAYMENT,
    ClaimStatus.PAID,
)


def standing_of_claim(match: MatchedClaim) -> Standing:
    """Where a payer's claim stands."""
    claim = match.claim
    return Standing(
        status=match.status,
        next_action=match.next_action,
        claim_number=claim.claim_number,
        service_from=claim.service_from,
        service_to=claim.service_to or claim.service_from,
        charged=claim.total_charged,
        open_amount=match.open_amount,
        paid=claim.total_paid,
        patient_owes=claim.patient_responsibility,
        denial_category=match.denial_category,
        denial_codes=tuple(dict.fromkeys(denial.code for denial in match.denials)),
        remark_codes=tuple(dict.fromkeys(code.code for code in claim.codes if code.kind != CARC)),
        received=claim.received,
        processed=claim.processed,
    )


def standing_without_claim(outcome: Outcome, next_action: str | None = None) -> Standing:
    """Where a row stands that no claim answers for certain."""
    return Standing(status=outcome.value, next_action=next_action or next_action_for_error(outcome))


def standing_of_parts(parts: Sequence[Standing]) -> Standing:
    """One standing for the parts into which a payer has split a claim: the part that is most open.

    Dollars are added up. There is one part at least.
    """
    first, *others = sorted(parts, key=lambda part: _WEIGHT.index(ClaimStatus(part.status)))
    if not others:
        return first
    return replace(
        first,
        charged=_sum([part.charged for part in parts]),
        open_amount=_sum([part.open_amount for part in parts]),
        paid=_sum([part.paid for part in parts]),
        patient_owes=_sum([part.patient_owes for part in parts]),
        denial_codes=tuple(dict.fromkeys(code for part in parts for code in part.denial_codes)),
        remark_codes=tuple(dict.fromkeys(code for part in parts for code in part.remark_codes)),
        service_to=_latest([part.service_to for part in parts]),
        processed=_latest([part.processed for part in parts]),
    )


def change_between(before: Standing | None, after: Standing) -> ChangeKind:
    """What the answer told; `before` is None for a claim that was never answered."""
    if before is None:
        return ChangeKind.NEW
    if (before.status, before.next_action) != (after.status, after.next_action):
        return ChangeKind.STATUS
    if _amounts(before) != _amounts(after):
        return ChangeKind.AMOUNT
    return ChangeKind.SAME


def needs_person(standing: Standing) -> bool:
    """Whether somebody is to do something about the claim, other than wait or post a payment."""
    return standing.next_action is not None and standing.next_action not in _NO_WORK


def dollars_at_stake(standing: Standing, *, charged: Decimal | None) -> Decimal:
    """By what claims are put in order: what can still be won, else what the row says was charged.

    `charged` is what the row of the file says, for claims that the payer tells no amount of.
    """
    if standing.open_amount is not None:
        return max(standing.open_amount, Decimal())
    return standing.charged or charged or Decimal()


def work_actions() -> frozenset[str]:
    """Codes of what a person can have to do."""
    return frozenset(NEXT_ACTIONS) - _NO_WORK


def _amounts(standing: Standing) -> tuple[Decimal, ...]:
    """Nothing said of an amount is no other amount than none."""
    amounts = (standing.paid, standing.patient_owes, standing.open_amount)
    return tuple(amount or Decimal() for amount in amounts)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known else None


def _latest(days: Sequence[date | None]) -> date | None:
    return max((day for day in days if day is not None), default=None)
