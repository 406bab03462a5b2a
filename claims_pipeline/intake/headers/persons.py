"""Names of columns that speak of a person: the patient, the subscriber, and their numbers."""

from claims_pipeline.intake.headers.words import Word

# A name such as `Patient` or `Insured's Name`, whose cells are split at their comma.
PATIENT_NAME = "patient_name"
SUBSCRIBER_NAME = "subscriber_name"
SPLIT_AT_COMMA = {
    PATIENT_NAME: ("first_name", "last_name"),
    SUBSCRIBER_NAME: ("subscriber_first_name", "subscriber_last_name"),
}

# A column and how clearly a name means it; (None, 0) where it does not mean one of these.
Read = tuple[str | None, int]
NOT_THIS: Read = (None, 0)

NOBODY_ELSE = frozenset({Word.PATIENT, Word.MEMBER})
OTHERS = frozenset(
    {Word.SUBSCRIBER, Word.HOLDER, Word.CLINICIAN, Word.PROVIDER, Word.NPI, Word.OTHER_PERSON,
     Word.PAYER, Word.PRACTICE, Word.GROUP, Word.FACILITY, Word.COMPANY, Word.INSURANCE,
     Word.COVERAGE}
)  # fmt: skip
PERSONAL = frozenset(
    {Word.NAME, Word.FIRST_NAME, Word.LAST_NAME, Word.FIRST, Word.LAST, Word.MIDDLE, Word.BIRTH}
)
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
_BOTH_NAMES = frozenset({Word.FIRST, Word.LAST})
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


def of_person(words: frozenset[Word]) -> Read:
    """What of the patient a name means: first or last name, both in one cell, date of birth."""
    if words & OTHERS:
        return NOT_THIS
    what = words - NOBODY_ELSE
    if what in _FIRST_NAMES:
        return "first_name", 1
    if what in _LAST_NAMES:
        return "last_name", 1
    if Word.BIRTH in what and what <= {Word.BIRTH, Word.DATE}:
        return "date_of_birth", 1
    is_patients = bool(words & NOBODY_ELSE)
    # A member alone may be anything of theirs.
    is_whole = what == {Word.NAME} or (not what and Word.PATIENT in words)
    is_of_both = _BOTH_NAMES <= what <= _BOTH_NAMES | {Word.NAME, Word.MIDDLE}
    if (is_patients and is_whole) or (is_of_both and (is_patients or Word.NAME in what)):
        return PATIENT_NAME, 1
    return NOT_THIS


def of_gender(words: frozenset[Word]) -> Read:
    """The patient's gender; where two columns tell it, the one that names the patient."""
    what = words - {Word.PATIENT, Word.MEMBER, Word.CODE}
    if what not in ({Word.GENDER}, {Word.SEX}):
        return NOT_THIS
    return "gender", 1 + (Word.GENDER in what) + 2 * bool(words & NOBODY_ELSE)


def of_account(words: frozenset[Word]) -> Read:
    """The practice's number for the patient's account."""
    what = words - {Word.NUMBER, Word.PATIENT}
    has_number, is_patients = Word.NUMBER in words, Word.PATIENT in words
    if what == {Word.CONTROL} and is_patients and has_number:
        return "patient_account_number", 2 * len(_ACCOUNTS)
    for at, (main, needs_number) in enumerate(_ACCOUNTS):
        if what == main and (has_number or not needs_number):
            return "patient_account_number", 2 * (len(_ACCOUNTS) - at) + is_patients
    return ("patient_account_number", 1) if not what and is_patients and has_number else NOT_THIS


def of_subscriber(words: frozenset[Word]) -> Read:
    """The subscriber's id, or the names of a subscriber, who may be the patient or another."""
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
    return NOT_THIS


def _name_of_subscriber(words: frozenset[Word]) -> Read:
    who = words & {Word.SUBSCRIBER, Word.HOLDER}
    what = words - who - {Word.POLICY, Word.INSURANCE, Word.COVERAGE, Word.PRIMARY}
    if who and what in _FIRST_NAMES:
        return "subscriber_first_name", 1 + (Word.SUBSCRIBER in who)
    if who and what in _LAST_NAMES:
        return "subscriber_last_name", 1 + (Word.SUBSCRIBER in who)
    is_of_both = _BOTH_NAMES <= what <= _BOTH_NAMES | {Word.NAME, Word.MIDDLE}
    if who and (what == {Word.NAME} or is_of_both):
        return SUBSCRIBER_NAME, 1 + (Word.SUBSCRIBER in who)
    return NOT_THIS
