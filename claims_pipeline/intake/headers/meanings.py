"""Which of our columns a column's name means, by the words that it is made of.

Words of another person never become the patient's, and a word that is not known leaves the column
unread. Between columns that mean the same, `weight` says which one is clearly it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from claims_pipeline.intake.headers.parties import of_npi, of_payer, of_practice
from claims_pipeline.intake.headers.persons import (
    NOT_THIS,
    OTHERS,
    PATIENT_NAME,
    PERSONAL,
    SUBSCRIBER_NAME,
    Read,
    of_account,
    of_gender,
    of_person,
    of_subscriber,
)
from claims_pipeline.intake.headers.words import Word, words_of

# Read by everything that has columns, in this order.
CANONICAL_COLUMNS = (
    "claim_number",
    "patient_account_number",
    "first_name",
    "last_name",
    "date_of_birth",
    "gender",
    "subscriber_id",
    "subscriber_first_name",
    "subscriber_last_name",
    "first_service_date",
    "last_service_date",
    "practice_id",
    "tin",
    "npi",
    "payer_id",
    "payer",
    "total_charged",
)
# What a person may say that a column is.
MAPPABLE_COLUMNS = (*CANONICAL_COLUMNS, PATIENT_NAME, SUBSCRIBER_NAME)

# What a decision says of a column that is none of ours.
IGNORE = "ignore"

_CANONICAL_WEIGHT = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a column's name means.

    `column` is None where it is not read; `speaks_of` then names the column that it may be after
    all: `claim_number`, `first_service_date`, or nothing. `is_understood` tells that every word of
    it is known: such a name holds no value of anybody.
    """

    column: str | None = None
    weight: int = 0
    speaks_of: str | None = None
    is_understood: bool = True
    is_another_persons: bool = False


@lru_cache(maxsize=20_000)
def meaning_of(name: str) -> Meaning:
    """What a column's name means. Spelling, order of words and noise do not matter."""
    canonical = name.strip().lower()
    if canonical in CANONICAL_COLUMNS:
        return Meaning(column=canonical, weight=_CANONICAL_WEIGHT)
    words = _without_whose_claim(words_of(name))
    if not words:
        return Meaning(is_understood=not any(c.isalnum() for c in name))
    if Word.UNKNOWN in words:
        return Meaning(speaks_of=_may_be(words - {Word.UNKNOWN}), is_understood=False)
    if Word.OTHER_MATTER in words or Word.SECONDARY in words:
        return Meaning()
    for read in (of_person, _of_service, _of_claim, _of_charge, of_account, of_gender,
                 of_subscriber, of_practice, of_npi, of_payer):  # fmt: skip
        column, weight = read(words)
        if column:
            return Meaning(column=column, weight=weight, is_another_persons=_is_anothers(words))
    return Meaning(speaks_of=_may_be(words), is_another_persons=_is_anothers(words))


def _is_anothers(words: frozenset[Word]) -> bool:
    return bool(words & OTHERS and words & PERSONAL)


def _without_whose_claim(ordered: Sequence[Word]) -> frozenset[Word]:
    """`Claim Payer` speaks of the payer, `Payer Claim` of the claim: only here the order counts."""
    words = frozenset(ordered)
    pairs = pairwise(ordered)
    of_payer = any(pair == (Word.CLAIM, Word.PAYER) for pair in pairs)
    return words - {Word.CLAIM} if of_payer else words


def _of_service(words: frozenset[Word]) -> Read:
    days = {Word.SERVICE, Word.SERVICE_DAY, Word.VISIT, Word.PROCEDURE, Word.STATEMENT, Word.DATE}
    ends = {Word.FROM, Word.TO, Word.FIRST, Word.LAST}
    what = words - {Word.PATIENT, Word.CLAIM}
    if not what <= days | ends or not what & days:
        return NOT_THIS
    begins, stops = bool(what & {Word.FROM, Word.FIRST}), bool(what & {Word.TO, Word.LAST})
    column = "last_service_date" if stops and not begins else "first_service_date"
    has_end, has_date = bool(what & {Word.FROM, Word.TO}), Word.DATE in what
    if Word.SERVICE_DAY in what or (Word.SERVICE in what and (has_date or has_end)):
        return column, 3 if Word.CLAIM not in words else 2
    if what & {Word.FIRST, Word.LAST}:
        # The first visit, the last statement: not the days of this claim.
        return NOT_THIS
    if Word.STATEMENT in what:
        return (column, 2) if has_end else NOT_THIS
    if what & {Word.VISIT, Word.PROCEDURE}:
        return (column, 2) if has_date else NOT_THIS
    # From and to of a claim, or of nothing that is named, are days of service.
    return (column, 1) if has_end and Word.PATIENT not in words else NOT_THIS


def _of_claim(words: frozenset[Word]) -> Read:
    numbers = {Word.NUMBER, Word.CONTROL, Word.REFERENCE}
    payers = {Word.PAYER, Word.INSURANCE, Word.COVERAGE, Word.PAYERS_CLAIM}
    is_original = Word.ORIGINAL in words
    what = words - {Word.ORIGINAL, Word.PRIMARY}
    if not what <= numbers | payers | {Word.CLAIM}:
        return NOT_THIS
    if Word.PAYERS_CLAIM in what or (Word.CLAIM in what and what & payers):
        return "claim_number", 1 if is_original else _CANONICAL_WEIGHT
    if Word.CLAIM in what:
        return "claim_number", 1 if is_original else 2
    return ("claim_number", 1) if what == {Word.REFERENCE, Word.NUMBER} else NOT_THIS


def _of_charge(words: frozenset[Word]) -> Read:
    kinds = {Word.CHARGE, Word.BILLED, Word.SUBMITTED, Word.GROSS, Word.FEE}
    if not words <= kinds | {Word.AMOUNT, Word.TOTAL, Word.CLAIM}:
        return NOT_THIS
    has_sum = bool(words & {Word.AMOUNT, Word.TOTAL})
    if Word.CHARGE in words:
        weight = 7 if Word.TOTAL in words else 6 if Word.GROSS not in words else 3
        return "total_charged", weight
    if Word.BILLED in words:
        return "total_charged", 5 if Word.TOTAL in words else 4
    if Word.CLAIM in words and has_sum:
        return "total_charged", 3
    if Word.SUBMITTED in words and has_sum:
        return "total_charged", 2
    return ("total_charged", 1) if Word.FEE in words else NOT_THIS


def _may_be(words: frozenset[Word]) -> str | None:
    """The column that a name which is not read may be after all."""
    if words & (PERSONAL - {Word.FIRST, Word.LAST}) or words & {Word.OTHER_MATTER, Word.CODE}:
        return None
    if words & {Word.CLAIM, Word.PAYERS_CLAIM} and not words & {Word.DATE, Word.AMOUNT, Word.TOTAL}:
        return "claim_number"
    days = {Word.SERVICE, Word.SERVICE_DAY, Word.DATE, Word.FROM, Word.TO}
    is_of_others = bool(words & _NOT_OF_SERVICE)
    return "first_service_date" if words & days and not is_of_others else None


_NOT_OF_SERVICE = frozenset(
    {Word.CLINICIAN, Word.PROVIDER, Word.OTHER_PERSON, Word.PAYER, Word.STATEMENT, Word.BILLED,
     Word.SUBMITTED, Word.GROUP, Word.FACILITY, Word.COMPANY, Word.NPI, Word.SUBSCRIBER,
     Word.HOLDER}
)  # fmt: skip
