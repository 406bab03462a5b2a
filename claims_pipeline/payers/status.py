"""What a claim's codes mean and what an analyst does next, in our own words.

Pure tables. X12's descriptions are copyrighted: the payer's own text is shown beside our status
and none is shipped here. What is stored as `next_action` is the CODE, so that filters are stable;
exports and pages print `NEXT_ACTIONS[code]`.
"""

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import Claim, ClaimStatus, Outcome

NEXT_ACTIONS = MappingProxyType(
    {
        "ask_patient": "Get from the patient the information that the payer is waiting for.",
        "bill_other_payer": "Bill the patient's other insurance.",
        "bill_patient": "Bill the patient: the payer assigned the whole amount to them.",
        "call_payer": "Call the payer: it does not answer this online.",
        "check_credentials": "Ask an administrator to check the payer credentials, then retry.",
        "check_later": "Check again in a week: the payer has the claim but has not started on it.",
        "check_other_payer": "Follow up with the other insurance: the claim was passed on to it.",
        "check_practice_setup": "Check that the payer knows this practice's TIN and payer id.",
        "check_row": "Check the row; if it is right, submit the claim.",
        "check_service_dates": "Check the dates of service: the payer has others on file.",
        "choose_claim": "Compare the claims shown and pick the right one.",
        "correct_and_resubmit": "Correct the claim and submit it again.",
        "correct_row": "Correct this row and upload it again.",
        "look_up_at_payer": "Look up the claim in the payer's portal: its status code is unknown.",
        "narrow_dates": "Upload the row again with a shorter range of service dates.",
        "post_payment": "Post the payment.",
        "post_payment_and_review_lines": "Post the payment and work the denied lines.",
        "retry_later": "Retry the failed rows: the payer did not answer.",
        "retry_unprocessed": "Retry the upload: it was cancelled before this row was asked.",
        "review_adjustment": "Compare the new payment with the one you posted before.",
        "review_closed": "Check why the claim was closed with nothing paid.",
        "review_denial": "Read the denial codes, then correct or appeal.",
        "review_each_part": "Check each part of the claim: they have different statuses.",
        "review_take_back": "The payer took money back: check the earlier payment.",
        "send_information": "Send the payer the information it asked for.",
        "send_to_right_payer": "Send the claim to the payer that covers the patient.",
        "wait_for_decision": "Check again in two weeks: the payer is working on the claim.",
    }
)

_STATUS_BY_CATEGORY = MappingProxyType(
    {
        "A0": ClaimStatus.ACKNOWLEDGED,
        "A1": ClaimStatus.ACKNOWLEDGED,
        "A2": ClaimStatus.PENDING,
        "A3": ClaimStatus.REJECTED,
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
_INFORMATION_REQUESTED = "R"

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
ERROR_BY_CATEGORY = MappingProxyType(
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
    """Our reading of a claim: where it stands, and the code of what to do (`NEXT_ACTIONS`)."""

    status: ClaimStatus
    next_action: str


def claim_status(claim: Claim) -> StatusReading:
    """Read a claim's 507 categories and amounts; "Finalized" alone is never "paid".

    Categories that are not ours to know give UNKNOWN; a claim without any is read by the payer's
    own common words.
    """
    status = _status(claim)
    return StatusReading(status=status, next_action=_next_action(claim, status))


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
    found = {_category_status(category, claim) for category in categories(claim)}
    if not found:
        if words == _FINALIZED:
            return _status_by_amounts(claim)
        return _STATUS_BY_WORDS.get(words, ClaimStatus.UNKNOWN)
    if len(found) > 1:
        return ClaimStatus.MULTIPLE
    return found.pop()


def _category_status(category: str, claim: Claim) -> ClaimStatus:
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


def _next_action(claim: Claim, status: ClaimStatus) -> str:
    if _words(claim) == _MISDIRECTED:
        return "send_to_right_payer"
    if status is ClaimStatus.ADJUSTED and claim.total_paid is not None and claim.total_paid < 0:
        return "review_take_back"
    if status is ClaimStatus.PAID and claim.partial_denial:
        return "post_payment_and_review_lines"
    if status in {ClaimStatus.ACTION_REQUIRED, ClaimStatus.CLOSED_NO_PAYMENT}:
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
