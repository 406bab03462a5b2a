"""Whether a row and a claim speak of the same person: names and dates of birth compared.

Works on top of `names.folded_name`: a name is upper-cased, freed of accents and cut to letters,
its suffixes (Jr, Sr, II to IV, MD) are dropped. A name that has no Latin letter at all is compared
as it stands.
"""

import re
from datetime import date
from enum import Enum, IntEnum, auto
from functools import lru_cache

from claims_pipeline.matching.nicknames import may_be_one_name
from claims_pipeline.names import folded_name, without_accents

_SUFFIXES = frozenset({"JR", "SR", "II", "III", "IV", "MD"})
# Words that stand before many last names and so say nothing on their own.
_PARTICLES = frozenset(
    {"AL", "BEN", "BIN", "DA", "DAL", "DE", "DEL", "DELLA", "DEN", "DER", "DES", "DI", "DO"}
    | {"DOS", "DU", "EL", "LA", "LAS", "LE", "LOS", "MAC", "MC", "SAINT", "SAN", "SANTA"}
    | {"ST", "TE", "TEN", "TER", "VAN", "VON", "Y", "ZU"}
)
_MIN_PREFIX = 3
_CACHED_NAMES = 65_536

_HYPHENS = re.compile(r"[-/]")
_SEPARATORS = re.compile(r"[-/\s,.]+")
_MEMBER_SUFFIX = re.compile(r"-[0-9]{2}$")
_NOT_A_DIGIT = re.compile(r"[^0-9]")


class FirstNames(IntEnum):
    """How well two first names agree, worst first.

    `UNSURE`: one is missing at the payer, or is an initial or two letters that begin the other.
    `CLOSE`: one begins the other with at least three letters, or they are forms of one name.
    """

    DIFFERENT = 0
    UNSURE = 1
    CLOSE = 2
    EQUAL = 3


class BirthDates(Enum):
    """How two dates of birth compare. `NEAR`: one digit off, or day and month swapped."""

    EQUAL = auto()
    NEAR = auto()
    MISSING = auto()
    DIFFERENT = auto()


@lru_cache(maxsize=_CACHED_NAMES)
def first_name_core(text: str) -> str:
    """A first name folded, without suffixes and middle initials: `José A.` is `JOSE`."""
    words = _words(text)
    longer = [word for word in words if len(word) > 1]
    return "".join(longer or words)


@lru_cache(maxsize=_CACHED_NAMES)
def last_name_keys(text: str) -> frozenset[str]:
    """Every folded form under which a last name may agree with another; empty for no name.

    The whole name, each half of a hyphenated one, and each word that is not a mere particle:
    `De la Cruz-Ortiz` gives `DELACRUZORTIZ`, `DELACRUZ`, `CRUZ` and `ORTIZ`.
    """
    keys = {"".join(_words(text))}
    for half in _HYPHENS.split(without_accents(text)):
        words = _words(half)
        keys.add("".join(words))
        keys.update(word for word in words if len(word) > 1 and word not in _PARTICLES)
    keys.discard("")
    return frozenset(keys - _SUFFIXES) or frozenset(keys)


@lru_cache(maxsize=_CACHED_NAMES)
def compare_first_names(asked: str, answered: str) -> FirstNames:
    """Compare two cores, as `first_name_core` gives them."""
    if asked == answered and asked:
        return FirstNames.EQUAL
    if may_be_one_name(asked, answered):
        return FirstNames.CLOSE
    shorter, longer = sorted((asked, answered), key=len)
    if not longer.startswith(shorter):
        return FirstNames.DIFFERENT
    return FirstNames.CLOSE if len(shorter) >= _MIN_PREFIX else FirstNames.UNSURE


def compare_birth_dates(asked: date, answered: date | None) -> BirthDates:
    """Compare the row's date of birth with the claim's."""
    if answered is None:
        return BirthDates.MISSING
    if asked == answered:
        return BirthDates.EQUAL
    near = birth_dates_are_near(asked, answered)
    return BirthDates.NEAR if near else BirthDates.DIFFERENT


def birth_dates_are_near(one: date, other: date) -> bool:
    """Whether two dates differ by one digit, or by day and month swapped."""
    if one.year != other.year and (one.month, one.day) != (other.month, other.day):
        return False  # cheap, and true of nearly every pair
    if one.year == other.year and (one.month, one.day) == (other.day, other.month):
        return one != other
    digits = zip(one.isoformat(), other.isoformat(), strict=True)
    return sum(digit != opposite for digit, opposite in digits) == 1


def subscriber_digits(text: str | None) -> str:
    """A subscriber id cut to its digits, without a member's `-NN` and leading zeros."""
    digits = _NOT_A_DIGIT.sub("", _MEMBER_SUFFIX.sub("", (text or "").strip()))
    return digits.lstrip("0")


def _words(text: str) -> list[str]:
    words = [_folded_word(word) for word in _SEPARATORS.split(without_accents(text))]
    named = [word for word in words if word]
    return [word for word in named if word not in _SUFFIXES] or named


def _folded_word(word: str) -> str:
    # A name in another script has no letter A to Z; it agrees with its equal only.
    return folded_name(word) or (word if word.isalpha() else "")
