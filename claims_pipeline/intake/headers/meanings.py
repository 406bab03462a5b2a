"""Which of our columns a column's name means, by the words that it is made of.

Words of another person never become the patient's, and a word that is not known leaves the column
unread. Between columns that mean the same, `weight` says which one is clearly it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from claims_pipeline.intake.headers.words import Word, words_of

# A name such as `Patient`, whose cells are split at their comma.
PATIENT_NAME = "patient_name"

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
MAPPABLE_COLUMNS = (*CANONICAL_COLUMNS, PATIENT_NAME)

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


_NOBODY_ELSE = frozenset({Word.PATIENT, Word.MEMBER})
_OTHERS = frozenset(
    {Word.SUBSCRIBER, Word.HOLDER, Word.CLINICIAN, Word.PROVIDER, Word.NPI, Word.OTHER_PERSON,
     Word.PAYER, Word.PRACTICE, Word.GROUP, Word.FACILITY, Word.COMPANY, Word.INSURANCE,
     Word.COVERAGE}
)  # fmt: skip
_PERSONAL = frozenset(
    {Word.NAME, Word.FIRST_NAME, Word.LAST_NAME, Word.FIRST, Word.LAST, Word.MIDDLE, Word.BIRTH}
)


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
    for read in (_of_person, _of_service, _of_claim, _of_charge, _of_account, _of_gender,
                 _of_subscriber, _of_practice, _of_npi, _of_payer):  # fmt: skip
        column, weight = read(words)
        if column:
            return Meaning(column=column, weight=weight, is_another_persons=_is_anothers(words))
    return Meaning(speaks_of=_may_be(words), is_another_persons=_is_anothers(words))


def _is_anothers(words: frozenset[Word]) -> bool:
    return bool(words & _OTHERS and words & _PERSONAL)


def _without_whose_claim(ordered: Sequence[Word]) -> frozenset[Word]:
    """`Claim Payer` speaks of the payer, `Payer Claim` of the claim: only here the order counts."""
    words = frozenset(ordered)
    pairs = pairwise(ordered)
    of_payer = any(pair == (Word.CLAIM, Word.PAYER) for pair in pairs)
    return words - {Word.CLAIM} if of_payer else words


_Read = tuple[str | None, int]
_NOT_THIS: _Read = (None, 0)


_FIRST_NAMES = (
    {Word.FIRST_NAME},
    {Word.FIRST_NAME, Word.NAME},
    {Word.FIRST, Word.NAME},
    {Word.FIRST},
)
_LAST_NAMES = (
    {Word.LAST_NAME},
    {Word.LAST_NAME, Word.NAME},
    {Word.LAST, Word.NAME},
    {Word.LAST},
)
_GROUPS = frozenset({Word.GROUP, Word.FACILITY})
_BOTH_NAMES = frozenset({Word.FIRST, Word.LAST})


def _of_person(words: frozenset[Word]) -> _Read:
    if words & _OTHERS:
        return _NOT_THIS
    what = words - _NOBODY_ELSE
    if what in _FIRST_NAMES:
        return "first_name", 1
    if what in _LAST_NAMES:
        return "last_name", 1
    if Word.BIRTH in what and what <= {Word.BIRTH, Word.DATE}:
        return "date_of_birth", 1
    is_patients = bool(words & _NOBODY_ELSE)
    # A member alone may be anything of theirs.
    is_whole = what == {Word.NAME} or (not what and Word.PATIENT in words)
    is_of_both = _BOTH_NAMES <= what <= _BOTH_NAMES | {Word.NAME, Word.MIDDLE}
    if (is_patients and is_whole) or (is_of_both and (is_patients or Word.NAME in what)):
        return PATIENT_NAME, 1
    return _NOT_THIS


def _of_service(words: frozenset[Word]) -> _Read:
    days = {Word.SERVICE, Word.SERVICE_DAY, Word.VISIT, Word.PROCEDURE, Word.STATEMENT, Word.DATE}
    ends = {Word.FROM, Word.TO, Word.FIRST, Word.LAST}
    what = words - {Word.PATIENT, Word.CLAIM}
    if not what <= days | ends or not what & days:
        return _NOT_THIS
    begins, stops = bool(what & {Word.FROM, Word.FIRST}), bool(what & {Word.TO, Word.LAST})
    column = "last_service_date" if stops and not begins else "first_service_date"
    has_end, has_date = bool(what & {Word.FROM, Word.TO}), Word.DATE in what
    if Word.SERVICE_DAY in what or (Word.SERVICE in what and (has_date or has_end)):
        return column, 3 if Word.CLAIM not in words else 2
    if what & {Word.FIRST, Word.LAST}:
        # The first visit, the last statement: not the days of this claim.
        return _NOT_THIS
    if Word.STATEMENT in what:
        return (column, 2) if has_end else _NOT_THIS
    if what & {Word.VISIT, Word.PROCEDURE}:
        return (column, 2) if has_date else _NOT_THIS
    # From and to of a claim, or of nothing that is named, are days of service.
    return (column, 1) if has_end and Word.PATIENT not in words else _NOT_THIS


def _of_claim(words: frozenset[Word]) -> _Read:
    numbers = {Word.NUMBER, Word.CONTROL, Word.REFERENCE}
    payers = {Word.PAYER, Word.INSURANCE, Word.COVERAGE, Word.PAYERS_CLAIM}
    is_original = Word.ORIGINAL in words
    what = words - {Word.ORIGINAL, Word.PRIMARY}
    if not what <= numbers | payers | {Word.CLAIM}:
        return _NOT_THIS
    if Word.PAYERS_CLAIM in what or (Word.CLAIM in what and what & payers):
        return "claim_number", 1 if is_original else _CANONICAL_WEIGHT
    if Word.CLAIM in what:
        return "claim_number", 1 if is_original else 2
    return ("claim_number", 1) if what == {Word.REFERENCE, Word.NUMBER} else _NOT_THIS


def _of_charge(words: frozenset[Word]) -> _Read:
    kinds = {Word.CHARGE, Word.BILLED, Word.SUBMITTED, Word.GROSS, Word.FEE}
    if not words <= kinds | {Word.AMOUNT, Word.TOTAL, Word.CLAIM}:
        return _NOT_THIS
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
    return ("total_charged", 1) if Word.FEE in words else _NOT_THIS


# What a number of the patient's account is called, the clearest first.
_ACCOUNTS: tuple[tuple[frozenset[Word], bool], ...] = (
    (frozenset({Word.PATIENT_CONTROL}), False),
    (frozenset({Word.ACCOUNT}), False),
    (frozenset({Word.VISIT}), True),
    (frozenset({Word.CASE}), True),
    (frozenset({Word.CHART}), False),
    (frozenset({Word.MEDICAL_RECORD}), False),
    (frozenset({Word.MEDICAL, Word.RECORD}), False),
)


def _of_account(words: frozenset[Word]) -> _Read:
    what = words - {Word.NUMBER, Word.PATIENT}
    has_number, is_patients = Word.NUMBER in words, Word.PATIENT in words
    if what == {Word.CONTROL} and is_patients and has_number:
        return "patient_account_number", 2 * len(_ACCOUNTS)
    for at, (main, needs_number) in enumerate(_ACCOUNTS):
        if what == main and (has_number or not needs_number):
            return "patient_account_number", 2 * (len(_ACCOUNTS) - at) + is_patients
    return ("patient_account_number", 1) if not what and is_patients and has_number else _NOT_THIS


def _of_gender(words: frozenset[Word]) -> _Read:
    what = words - {Word.PATIENT, Word.MEMBER, Word.CODE}
    if what not in ({Word.GENDER}, {Word.SEX}):
        return _NOT_THIS
    return "gender", 1 + (Word.GENDER in what) + 2 * bool(words & _NOBODY_ELSE)


def _of_subscriber(words: frozenset[Word]) -> _Read:
    if Word.NUMBER not in words:
        return _name_of_subscriber(words)
    insurers = {Word.INSURANCE, Word.COVERAGE, Word.PAYER}
    who = words - {Word.NUMBER, Word.PRIMARY, Word.PATIENT}
    for at, (main, beside) in enumerate(
        (
            (Word.SUBSCRIBER, {*insurers, Word.MEMBER, Word.POLICY}),
            (Word.MEMBER, {*insurers, Word.POLICY, Word.CARD}),
            (Word.INSURANCE, {Word.COVERAGE, Word.POLICY, Word.CARD}),
            (Word.COVERAGE, {Word.POLICY, Word.CARD}),
            (Word.POLICY, {Word.HOLDER}),
            (Word.CARD, set()),
            (Word.ALTERNATE, set()),
        )
    ):
        if main in who and who <= {main, *beside}:
            return "subscriber_id", 7 - at
    return _NOT_THIS


def _name_of_subscriber(words: frozenset[Word]) -> _Read:
    who = words & {Word.SUBSCRIBER, Word.HOLDER}
    what = words - who - {Word.POLICY, Word.INSURANCE, Word.COVERAGE, Word.PRIMARY}
    if who and what in _FIRST_NAMES:
        return "subscriber_first_name", 1 + (Word.SUBSCRIBER in who)
    if who and what in _LAST_NAMES:
        return "subscriber_last_name", 1 + (Word.SUBSCRIBER in who)
    return _NOT_THIS


def _of_practice(words: frozenset[Word]) -> _Read:
    of_tax = {Word.TAX, Word.TAX_NUMBER, Word.FEDERAL, Word.NUMBER}
    whose = words - of_tax
    is_tax = Word.TAX_NUMBER in words or {Word.TAX, Word.NUMBER} <= words
    if is_tax and whose <= {*_GROUPS, Word.PRACTICE, Word.PROVIDER}:
        weight = (
            4 if Word.PRACTICE in whose else 3 if whose & _GROUPS else 1 if whose else 2
        )
        return "tin", weight
    if Word.PRACTICE in words and words <= {Word.PRACTICE, Word.NUMBER, Word.CODE, Word.NAME}:
        return "practice_id", 2 if words & {Word.NUMBER, Word.CODE} else 1
    is_coded = bool(words & {Word.NUMBER, Word.CODE})
    payers = {Word.PAYER, Word.ELECTRONIC, Word.PRIMARY, Word.NUMBER, Word.CODE}
    if Word.PAYER in words and is_coded and words <= payers:
        return "payer_id", 1
    return _NOT_THIS


def _of_npi(words: frozenset[Word]) -> _Read:
    """The number of who bills; that of a clinician or of a place is another one."""
    whose = words - {Word.NPI, Word.NUMBER}
    if Word.NPI not in words or not whose <= {Word.PRACTICE, Word.GROUP, Word.PROVIDER}:
        return _NOT_THIS
    weight = 6 if Word.GROUP in whose else 4 if Word.PRACTICE in whose else 0 if whose else 2
    return "npi", weight + 1 + (Word.PROVIDER in whose)


def _of_payer(words: frozenset[Word]) -> _Read:
    names = words - {Word.PRIMARY, Word.PATIENT}
    if not names <= {Word.PAYER, Word.INSURANCE, Word.COMPANY, Word.NAME}:
        return _NOT_THIS
    if Word.PAYER in names:
        weight = 8 + 2 * (Word.NAME in names)
    elif Word.INSURANCE in names:
        weight = 4 * (Word.COMPANY in names) + 2 * (Word.NAME in names)
    else:
        return _NOT_THIS
    return "payer", 1 + weight + (Word.PRIMARY in words)


def _may_be(words: frozenset[Word]) -> str | None:
    """The column that a name which is not read may be after all."""
    if words & (_PERSONAL - {Word.FIRST, Word.LAST}) or words & {Word.OTHER_MATTER, Word.CODE}:
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
