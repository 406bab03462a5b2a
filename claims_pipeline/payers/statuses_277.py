"""How a channel that speaks 277 says "nothing there" and "could not be asked".

Both come in the place of a claim. They are told apart here, before anything is matched: what could
not be asked is an error with its class, and never a row that is not found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, StatusCode
from claims_pipeline.payers.status import ABSENT_CATEGORIES, error_class_of

_MESSAGES = {
    ErrorClass.TRANSIENT: "The payer's own system could not answer now. Retry later.",
    ErrorClass.FIX_INPUT: "The payer could not use what was asked. Check the row.",
    ErrorClass.CONFIG: "The payer does not take inquiries of this practice. Check its enrollment.",
}


def is_absent(statuses: Iterable[StatusCode]) -> bool:
    """Whether it is no claim but the word that there is none."""
    found = _categories(statuses)
    return bool(found) and found <= ABSENT_CATEGORIES


def refusal_of(statuses: Iterable[StatusCode]) -> PayerError | None:
    """The error that stands in the place of a claim, or of all of them."""
    found = _categories(statuses)
    classes = {category: error_class_of(category) for category in found}
    if not found or None in classes.values():
        return None
    category = min(found)
    error_class = classes[category] or ErrorClass.CONFIG
    return PayerError(
        error_class, f"payer_says_{category.lower()}", _MESSAGES[error_class], is_answer=True
    )


def with_parts_apart(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Give the parts of a split claim suffixes: a 277 has none, and tells them by nothing else.

    Of one number, with the same days and the same date of decision, there are parts; with another
    date of decision they are versions, of which the latest counts.
    """
    seen: dict[tuple[object, ...], int] = {}
    numbered: list[tuple[Claim, int]] = []
    for claim in claims:
        key = (claim.claim_number, claim.service_from, claim.service_to, claim.processed)
        seen[key] = seen.get(key, 0) + 1
        numbered.append((claim, seen[key]))
    return tuple(
        claim
        if seen[claim.claim_number, claim.service_from, claim.service_to, claim.processed] == 1
        else replace(
            claim,
            status_codes=tuple(
                replace(code, icn_suffix=f"{part:02d}") for code in claim.status_codes
            ),
        )
        for claim, part in numbered
    )


def _categories(statuses: Iterable[StatusCode]) -> frozenset[str]:
    return frozenset(status.category_code.upper() for status in statuses if status.category_code)
