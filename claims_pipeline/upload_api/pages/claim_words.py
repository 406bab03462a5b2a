"""How the page of an upload names outcomes, claim statuses and what to do, for people."""

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome, RetryScope
from claims_pipeline.payers.denials import ACTION_BY_CATEGORY, DENIAL_CATEGORIES
from claims_pipeline.payers.status import NEXT_ACTIONS

# Rows that no run has come to yet have no outcome.
STILL_TO_ASK = "Waiting to be asked"

_OUTCOMES: dict[Outcome, tuple[str, str]] = {
    Outcome.FOUND: ("Found", "good"),
    Outcome.NOT_FOUND: ("Not found", "warn"),
    Outcome.AMBIGUOUS: ("Ambiguous", "busy"),
    Outcome.REJECTED: ("Row rejected", "quiet"),
    Outcome.FAILED: ("Could not ask", "bad"),
    Outcome.UNPROCESSED: ("Not asked", "quiet"),
}
_STATUSES: dict[ClaimStatus, tuple[str, str]] = {
    ClaimStatus.APPROVED: ("Approved, not paid yet", "good"),
    ClaimStatus.PAID: ("Paid", "good"),
    ClaimStatus.DENIED: ("Denied", "bad"),
    ClaimStatus.PENDING: ("Pending", "busy"),
    ClaimStatus.ACKNOWLEDGED: ("Received", "busy"),
    ClaimStatus.ACTION_REQUIRED: ("Action required", "warn"),
    ClaimStatus.REJECTED: ("Rejected by payer", "bad"),
    ClaimStatus.CLOSED_NO_PAYMENT: ("Closed, nothing paid", "quiet"),
    ClaimStatus.ADJUSTED: ("Adjusted", "warn"),
    ClaimStatus.MULTIPLE: ("Several statuses", "quiet"),
    ClaimStatus.UNKNOWN: ("Unknown status", "quiet"),
}
_SCOPES = {
    RetryScope.ALL: "All rows",
    RetryScope.FAILED: "Rows that failed",
    RetryScope.NOT_FOUND: "Rows not found",
    RetryScope.OPEN: "Rows without a final answer",
}
_MATCHED_BY = {
    "claim_number": "claim number",
    "account_number": "patient account number",
    "patient": "name, date of birth and dates of service",
}


def outcome_word(outcome: Outcome | None) -> str:
    """The outcome of a row."""
    return STILL_TO_ASK if outcome is None else _OUTCOMES[outcome][0]


def outcome_tone(outcome: Outcome | None) -> str:
    """How it is coloured; never the only sign of it."""
    return "quiet" if outcome is None else _OUTCOMES[outcome][1]


def claim_status_word(status: ClaimStatus) -> str:
    """Where a claim stands."""
    return _STATUSES[status][0]


def claim_status_tone(status: ClaimStatus) -> str:
    """As `outcome_tone`."""
    return _STATUSES[status][1]


def denial_category_word(category: DenialCategory) -> str:
    """What kind of denial it is."""
    return DENIAL_CATEGORIES[category]


def denial_action_sentence(category: DenialCategory) -> str:
    """What to do about a denial of that kind."""
    return NEXT_ACTIONS[ACTION_BY_CATEGORY[category]]


def scope_word(scope: RetryScope) -> str:
    """Which rows an attempt asks."""
    return _SCOPES[scope]


def action_sentence(code: str | None) -> str | None:
    """What to do next; the code itself where there is no sentence for it."""
    return None if code is None else NEXT_ACTIONS.get(code, code)


def matched_by_words(matched_by: str | None) -> str | None:
    """By what a claim was matched to its row."""
    return None if matched_by is None else _MATCHED_BY.get(matched_by, matched_by)
