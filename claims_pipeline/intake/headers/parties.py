"""Names of columns that speak of who bills and who pays: practices, their numbers, payers."""

from claims_pipeline.intake.headers.persons import NOT_THIS, Read
from claims_pipeline.intake.headers.words import Word

_GROUPS = frozenset({Word.GROUP, Word.FACILITY})


def of_practice(words: frozenset[Word]) -> Read:
    """The practice, its tax id, or the payer's id."""
    of_tax = {Word.TAX, Word.TAX_NUMBER, Word.FEDERAL, Word.NUMBER}
    whose = words - of_tax
    is_tax = Word.TAX_NUMBER in words or {Word.TAX, Word.NUMBER} <= words
    if is_tax and whose <= {*_GROUPS, Word.PRACTICE, Word.PROVIDER}:
        weight = 4 if Word.PRACTICE in whose else 3 if whose & _GROUPS else 1 if whose else 2
        return "tin", weight
    if Word.PRACTICE in words and words <= {Word.PRACTICE, Word.NUMBER, Word.CODE, Word.NAME}:
        return "practice_id", 2 if words & {Word.NUMBER, Word.CODE} else 1
    is_coded = bool(words & {Word.NUMBER, Word.CODE})
    payers = {Word.PAYER, Word.INSURANCE, Word.ELECTRONIC, Word.PRIMARY, Word.NUMBER, Word.CODE}
    if Word.PAYER in words and is_coded and words <= payers:
        return "payer_id", 1
    return NOT_THIS


def of_npi(words: frozenset[Word]) -> Read:
    """The number of who bills; that of a clinician or of a place is another one."""
    whose = words - {Word.NPI, Word.NUMBER}
    if Word.NPI not in words or not whose <= {Word.PRACTICE, Word.GROUP, Word.PROVIDER}:
        return NOT_THIS
    weight = 6 if Word.GROUP in whose else 4 if Word.PRACTICE in whose else 0 if whose else 2
    return "npi", weight + 1 + (Word.PROVIDER in whose)


def of_payer(words: frozenset[Word]) -> Read:
    """The name of the payer."""
    names = words - {Word.PRIMARY, Word.PATIENT}
    if not names <= {Word.PAYER, Word.INSURANCE, Word.COMPANY, Word.NAME}:
        return NOT_THIS
    if Word.PAYER in names:
        weight = 8 + 2 * (Word.NAME in names)
    elif Word.INSURANCE in names:
        weight = 4 * (Word.COMPANY in names) + 2 * (Word.NAME in names)
    else:
        return NOT_THIS
    return "payer", 1 + weight + (Word.PRIMARY in words)
