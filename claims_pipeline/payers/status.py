"""What a claim's codes mean and what an analyst does next, in our own words.

Pure tables. X12's descriptions are copyrighted: the payer's own text is shown beside our status
and none is shipped here. What is stored as `next_action` is the CODE, so that filters are stable;
exports and pages print `NEXT_ACTIONS[code]`.
"""

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import Claim, ClaimStatus, Denial, DenialCategory, Outcome, StatusCode
from claims_pipeline.payers.denials import (
    ACTION_BY_CATEGORY,
    denial_category,
    denials_of,
)
from claims_pipeline.payers.open_amounts import is_partly_denied, open_amount

NEXT_ACTIONS = MappingProxyType(
    {
        "appeal_medical_necessity": "Appeal with medical records that show why it was needed.",
        "appeal_with_authorization": "Appeal with the authorization, or ask for one now.",
        "ask_patient": "Get from the patient the information that the payer is waiting for.",
        "bill_other_payer": "Bill the patient's other insurance.",
        "bill_patient": "Bill the patient: the payer assigned the whole amount to them.",
        "call_payer": "Call the payer: it does not answer this online.",
        "check_benefits": "Check the plan's benefits, then appeal or bill the patient.",
        "check_birth_date": "Check the date of birth; correct the row if the claim is theirs.",
        "check_bundling": "Check whether a modifier sets the service apart; if not, write it off.",
        "check_claim_number": "Check the row, then call the payer; do not submit the claim again.",
        "check_credentials": "Ask an administrator to check the payer credentials, then retry.",
        "check_eligibility": "Check who covered the patient on that day, and bill that plan.",
        "check_later": "Check again in a week: the payer has the claim but has not started on it.",
        "check_limit": "Compare the units and visits with the plan's limit, then appeal or bill.",
        "check_name": "Check the name on the card; if the claim is the patient's, correct the row.",
        "check_number_of_claims": "Look for the claim among those shown, then correct its number.",
        "check_other_payer": "Follow up with the other insurance: the claim was passed on to it.",
        "check_practice_setup": "Check that the payer knows this practice's TIN and payer id.",
        "check_provider": "Check the provider's enrollment and network with the payer.",
        "check_row": "Check the row; if it is right, submit the claim.",
        "check_spelling": "Check the spelling, then call the payer; do not submit the claim again.",
        "check_service_dates": "Check the dates of service: the payer has others on file.",
        "check_which_person": "Check which person it is, by the full first name.",
        "check_whose_number": "Check whose claim the number is; if another's, correct the row.",
        "choose_claim": "Compare the claims shown and pick the right one.",
        "correct_and_resubmit": "Correct the claim and submit it again.",
        "correct_row": "Correct this row and upload it again.",
        "expect_payment": "Expect the payment: the payer has approved the claim.",
        "find_first_claim": "Find the claim that the payer has already, and work that one.",
        "look_up_at_payer": "Look up the claim in the payer's portal: its status code is unknown.",
        "look_up_payment": "Look up the payment: the payer says paid and gives no amount.",
        "narrow_dates": "Upload the row again with a shorter range of service dates.",
        "post_payment": "Post the payment.",
        "post_payment_and_review_lines": "Post the payment and work the denied lines.",
        "prove_timely_filing": "Appeal with proof that the claim was sent in time.",
        "retry_later": "Retry the failed rows: the payer did not answer.",
        "retry_unprocessed": "Retry the upload: it was cancelled before this row was asked.",
        "review_adjustment": "Compare the new payment with the one you posted before.",
        "review_closed": "Check why the claim was closed with nothing paid.",
        "review_denial": "Read the denial codes, then correct or appeal.",
        "review_each_part": "Check each part of the claim: they have different statuses.",
        "review_take_back": "The payer took money back: check the earlier payment.",
        "send_corrected_claim": "Correct what the codes name and send a corrected claim.",
        "send_information": "Send the payer the information it asked for.",
        "send_records": "Send the records or documents that the codes name.",
        "send_to_right_payer": "Send the claim to the payer that covers the patient.",
        "settle_other_insurance": "Ask which insurance pays first, bill it, then send its answer.",
        "wait_to_be_asked": "Waiting to be asked.",
        "wait_for_decision": "Check again in two weeks: the payer is working on the claim.",
    }
)

_STATUS_BY_CATEGORY = MappingProxyType(
    {
        "A0": ClaimStatus.ACKNOWLEDGED,
        "A1": ClaimStatus.ACKNOWLEDGED,
        "A2": ClaimStatus.PENDING,
        "A3": ClaimStatus.REJECTED,
        "A5": ClaimStatus.MULTIPLE,
        "A6": ClaimStatus.REJECTED,
        "A7": ClaimStatus.REJECTED,
        "A8": ClaimStatus.REJECTED,
        "P0": ClaimStatus.PENDING,
        "P1": ClaimStatus.PENDING,
        "P2": ClaimStatus.PENDING,
        "P3": ClaimStatus.ACTION_REQUIRED,
        "P4": ClaimStatus.ACTION_REQUIRED,
        "P5": ClaimStatus.PENDING,
        "F2": ClaimStatus.DENIED,
        "F3": ClaimStatus.ADJUSTED,
        "F3F": ClaimStatus.CLOSED_NO_PAYMENT,
        "F3N": ClaimStatus.CLOSED_NO_PAYMENT,
        "F4": ClaimStatus.CLOSED_NO_PAYMENT,
    }
)
_DECIDED_BY_AMOUNTS = frozenset({"F0", "F1"})
_PAYMENT = "F1"
# Decided, and waiting for the payer's next payment.
_APPROVED = ("F0", "3")
# Taken in, but the payer's system could not look at it.
_NOT_AVAILABLE = ("A0", "484")
_INFORMATION_REQUESTED = "R"

_WITHOUT_REASONS = frozenset({ClaimStatus.PAID, ClaimStatus.ADJUSTED, ClaimStatus.APPROVED})

# For claims that carry no category at all, the payer's common words.
_STATUS_BY_WORDS = MappingProxyType(
    {
        "acknowledged": ClaimStatus.ACKNOWLEDGED,
        "denied": ClaimStatus.DENIED,
        "in review": ClaimStatus.PENDING,
        "multiple status": ClaimStatus.MULTIPLE,
        "pending": ClaimStatus.PENDING,
        "rejected": ClaimStatus.REJECTED,
    }
)
_MISDIRECTED = "misdirected"
_FINALIZED = "finalized"

_ACTION_BY_STATUS = MappingProxyType(
    {
        ClaimStatus.ACKNOWLEDGED: "check_later",
        ClaimStatus.PENDING: "wait_for_decision",
        ClaimStatus.REJECTED: "correct_and_resubmit",
        ClaimStatus.ACTION_REQUIRED: "send_information",
        ClaimStatus.APPROVED: "expect_payment",
        ClaimStatus.PAID: "post_payment",
        ClaimStatus.CLOSED_NO_PAYMENT: "review_closed",
        ClaimStatus.DENIED: "review_denial",
        ClaimStatus.ADJUSTED: "review_adjustment",
        ClaimStatus.MULTIPLE: "review_each_part",
        ClaimStatus.UNKNOWN: "look_up_at_payer",
    }
)
_ACTION_BY_CATEGORY = MappingProxyType(
    {"P4": "ask_patient", "F3F": "check_other_payer", "F3N": "bill_other_payer"}
)
_ACTION_BY_OUTCOME = MappingProxyType(
    {
        Outcome.NOT_FOUND: "check_row",
        Outcome.AMBIGUOUS: "choose_claim",
        Outcome.REJECTED: "correct_row",
        Outcome.FAILED: "retry_later",
        Outcome.UNPROCESSED: "retry_unprocessed",
    }
)
_ACTION_BY_ERROR = MappingProxyType(
    {
        ErrorClass.TRANSIENT: "retry_later",
        ErrorClass.FIX_INPUT: "correct_row",
        ErrorClass.NOT_FOUND: "check_row",
        ErrorClass.CONFIG: "check_practice_setup",
        ErrorClass.AUTH: "check_credentials",
        ErrorClass.SPLIT_WINDOW: "narrow_dates",
        ErrorClass.RESTART_PAGING: "retry_later",
        ErrorClass.PARTIAL: "retry_later",
        ErrorClass.NEAR_MATCH: "check_service_dates",
        ErrorClass.ESCALATE: "call_payer",
    }
)

# Categories that say the payer could not look, or looked and has nothing: no claim at all.
ABSENT_CATEGORIES = frozenset({"A4", "D0"})
_ERROR_BY_CATEGORY = MappingProxyType(
    {
        "E0": ErrorClass.FIX_INPUT,
        "E1": ErrorClass.TRANSIENT,
        "E2": ErrorClass.TRANSIENT,
        "E3": ErrorClass.FIX_INPUT,
        "E4": ErrorClass.CONFIG,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReading:
    """Our reading of a claim: where it stands, and the code of what to do (`NEXT_ACTIONS`).

    `open_amount` is what can still be won, in dollars. A category is given to claims that are
    denied, as a whole or in part.
    """

    status: ClaimStatus
    next_action: str
    open_amount: Decimal | None
    denial_category: DenialCategory | None
    denials: tuple[Denial, ...]


def claim_status(claim: Claim) -> StatusReading:
    """Read a claim's 507 categories and amounts; "Finalized" alone is never "paid".

    Categories that are not ours to know give UNKNOWN; a claim without any is read by the payer's
    own common words.
    """
    status = _status(claim)
    denied_in_part = is_partly_denied(claim, status)
    denials = () if status in _WITHOUT_REASONS and not denied_in_part else denials_of(claim)
    is_denial = status is ClaimStatus.DENIED or denied_in_part
    category = denial_category(claim, denials) if is_denial else None
    return StatusReading(
        status=status,
        next_action=_next_action(claim, status, category),
        open_amount=open_amount(claim, status, denied_in_part=denied_in_part),
        denial_category=category,
        denials=denials,
    )


def error_of(claim: Claim) -> ErrorClass | None:
    """The error that stands in a claim's place, when it is nothing but one."""
    codes = {_codes(row) for row in claim.status_codes if row.category_code}
    if codes == {_NOT_AVAILABLE}:
        return ErrorClass.TRANSIENT
    found = categories(claim)
    if not found or not found <= _ERROR_BY_CATEGORY.keys():
        return None
    return _ERROR_BY_CATEGORY[min(found)]


def error_class_of(category: str) -> ErrorClass | None:
    """What a category says went wrong; None for those that speak of claims."""
    return _ERROR_BY_CATEGORY.get(category.upper())


def next_action_for_error(outcome: Outcome, error_class: ErrorClass | None = None) -> str:
    """Code of what to do about a row without a certain claim (not for `found` rows)."""
    if outcome is Outcome.FAILED and error_class is not None:
        return _ACTION_BY_ERROR[error_class]
    return _ACTION_BY_OUTCOME[outcome]


def categories(claim: Claim) -> frozenset[str]:
    """The claim's 507 categories."""
    return frozenset(
        code.category_code.upper() for code in claim.status_codes if code.category_code
    )


def _status(claim: Claim) -> ClaimStatus:
    words = _words(claim)
    if words == _MISDIRECTED:
        return ClaimStatus.REJECTED
    found = {
        _category_status(*_codes(row), claim) for row in claim.status_codes if row.category_code
    }
    if not found:
        if words == _FINALIZED:
            return _status_by_amounts(claim)
        return _STATUS_BY_WORDS.get(words, ClaimStatus.UNKNOWN)
    if len(found) > 1:
        return ClaimStatus.MULTIPLE
    return found.pop()


def _codes(row: StatusCode) -> tuple[str, str]:
    return (row.category_code or "").upper(), (row.status_code or "").strip().lstrip("0")


def _category_status(category: str, status_code: str, claim: Claim) -> ClaimStatus:
    if (category, status_code) == _APPROVED and not _is_take_back(category, claim):
        return ClaimStatus.APPROVED
    if category == _PAYMENT and _has_no_amounts(claim):
        return ClaimStatus.PAID
    if category in _DECIDED_BY_AMOUNTS or _is_take_back(category, claim):
        return _status_by_amounts(claim)
    if category.startswith(_INFORMATION_REQUESTED):
        return ClaimStatus.ACTION_REQUIRED
    return _STATUS_BY_CATEGORY.get(category, ClaimStatus.UNKNOWN)


def _is_take_back(category: str, claim: Claim) -> bool:
    return category.startswith("F") and claim.total_paid is not None and claim.total_paid < 0


def _status_by_amounts(claim: Claim) -> ClaimStatus:
    paid = claim.total_paid
    if paid is None:
        return ClaimStatus.UNKNOWN
    if paid > 0:
        return ClaimStatus.PAID
    if paid < 0:
        return ClaimStatus.ADJUSTED
    if not _is_positive(claim.patient_responsibility) and claim.total_allowed == 0:
        return ClaimStatus.DENIED
    return ClaimStatus.CLOSED_NO_PAYMENT


def _has_no_amounts(claim: Claim) -> bool:
    return (claim.total_paid, claim.total_allowed, claim.patient_responsibility) == (None,) * 3


def _next_action(claim: Claim, status: ClaimStatus, denied: DenialCategory | None) -> str:
    if _words(claim) == _MISDIRECTED:
        return "send_to_right_payer"
    if status is ClaimStatus.ADJUSTED and claim.total_paid is not None and claim.total_paid < 0:
        return "review_take_back"
    if status is ClaimStatus.PAID and (denied is not None or claim.total_paid is None):
        return "post_payment_and_review_lines" if denied else "look_up_payment"
    if status is ClaimStatus.DENIED and denied is not None:
        return ACTION_BY_CATEGORY[denied]
    if status is ClaimStatus.CLOSED_NO_PAYMENT or status is ClaimStatus.ACTION_REQUIRED:
        return _action_by_category(claim, status)
    return _ACTION_BY_STATUS[status]


def _action_by_category(claim: Claim, status: ClaimStatus) -> str:
    for category in sorted(categories(claim)):
        if category in _ACTION_BY_CATEGORY:
            return _ACTION_BY_CATEGORY[category]
    if status is ClaimStatus.CLOSED_NO_PAYMENT and _is_positive(claim.patient_responsibility):
        return "bill_patient"
    return _ACTION_BY_STATUS[status]


def _words(claim: Claim) -> str:
    return (claim.payer_status or "").strip().casefold()


def _is_positive(amount: Decimal | None) -> bool:
    return amount is not None and amount > 0
