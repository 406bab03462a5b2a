"""What rows tell of a person beside names and days: gender, subscriber, and who billed."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from claims_pipeline.intake.cells.text import is_placeholder, plain_identifier

_GENDERS = {
    **dict.fromkeys(("m", "male", "man", "boy"), "M"),
    **dict.fromkeys(("f", "female", "woman", "girl"), "F"),
    **dict.fromkeys(("u", "x", "other", "nonbinary", "undisclosed", "ambiguous"), "U"),
}
_NOT_A_LETTER = re.compile(r"[^a-z]")
# What stands in a subscriber's place where the patient is the subscriber.
_PATIENT = re.compile(r"self|same(?: as (?:the )?(?:patient|pt))?|patient", re.IGNORECASE)
_TEN_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)
# Luhn's sum over the prefix 80840, under which the digits of an NPI stand in a card's number.
_SUM_OF_PREFIX = 24
_TOP_DIGIT = 9


def genders(cells: Sequence[str], notes: Counter[str]) -> list[str]:
    """M, F or U for each cell, empty for none; what says something else is counted."""
    found = []
    for cell in cells:
        gender = _GENDERS.get(_NOT_A_LETTER.sub("", cell.casefold()), "")
        if not gender and cell:
            is_unknown = is_placeholder(cell)
            gender = "U" if is_unknown and cell.casefold().startswith("un") else ""
            notes["placeholders_as_empty" if is_unknown else "gender_ignored"] += not gender
        found.append(gender)
    return found


def npis(cells: Sequence[str], notes: Counter[str]) -> list[str]:
    """The NPI in each cell, empty for none; those that cannot be right are counted."""
    found = []
    for cell in cells:
        npi = plain_identifier(cell)
        if cell and not is_npi(npi):
            notes["placeholders_as_empty" if is_placeholder(cell) else "npi_ignored"] += 1
            npi = ""
        found.append(npi)
    return found


@lru_cache(maxsize=10_000)
def is_npi(text: str) -> bool:
    """Ten digits, the last of which is the check digit of the others (ISO 7812, prefix 80840)."""
    if not _TEN_DIGITS.fullmatch(text):
        return False
    doubled = [2 * int(digit) for digit in text[-2::-2]]
    total = sum(value - _TOP_DIGIT if value > _TOP_DIGIT else value for value in doubled)
    return (_SUM_OF_PREFIX + total + sum(map(int, text[-1::-2]))) % 10 == 0


def subscriber_names(cells: Sequence[str]) -> list[str]:
    """Names of subscribers, empty where the cell says that the patient is the subscriber."""
    return ["" if is_placeholder(cell) or _PATIENT.fullmatch(cell) else cell for cell in cells]
