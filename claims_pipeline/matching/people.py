"""Whether a row and a claim speak of the same person: names and dates of birth compared.

Works on top of `names.folded_name`: a name is upper-cased, freed of accents and cut to letters,
its suffixes (Jr, Sr, II to IV, MD) are dropped. A name that has no Latin letter at all is compared
as it stands.
"""

import re
from datetime import date
from enum import Enum, IntEnum, auto
from functools import lru_cache

from claims_pipeline.matching.nicknames import is_full_name, may_be_one_name
from claims_pipeline.matching.slips import birth_dates_are_near, is_one_slip
from claims_pipeline.names import folded_name, without_accents

_SUFFIXES = frozenset({"JR", "SR", "II", "III", "IV", "MD"})
_TITLES = frozenset({"MR", "MRS", "MS", "MISS", "DR", "REV"})
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

    `NEAR`: a slip apart. `UNSURE`: one is missing at the payer, is an initial or two letters that
    begin the other, or they share one of several names. `CLOSE`: one begins the other with at
    least three letters, or they are forms of one name.
    """

    DIFFERENT = 0
    NEAR = 1
    UNSURE = 2
    CLOSE = 3
    EQUAL = 4


class LastNames(IntEnum):
    """How well two last names agree, worst first.

    `NEAR`: a slip apart. `CROSSWISE`: of two double names one part is the same and one differs.
    `PART`: one is a part of the other.
    """

    DIFFERENT = 0
    NEAR = 1
    CROSSWISE = 2
    PART = 3
    EQUAL = 4


class BirthDates(Enum):
    """How two dates of birth compare. `NEAR`: a slip apart, see `slips.birth_dates_are_near`."""

    EQUAL = auto()
    NEAR = auto()
    MISSING = auto()
    DIFFERENT = auto()


@lru_cache(maxsize=_CACHED_NAMES)
def first_name_core(text: str) -> tuple[str, ...]:
    """A first name folded, without titles, suffixes and initials: `Mrs. José A.` is `JOSE`."""
    words = _words(text)
    named = [word for word in words if word not in _TITLES] or words
    longer = [word for word in named if len(word) > 1]
    return tuple(longer or named)


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
def compare_last_names(asked: str, answered: str) -> LastNames:
    """Compare two last names as they are written."""
    ours, theirs = "".join(_words(asked)), "".join(_words(answered))
    if not ours or not theirs:
        return LastNames.DIFFERENT
    if ours == theirs:
        return LastNames.EQUAL
    our_keys, their_keys = last_name_keys(asked), last_name_keys(answered)
    if our_keys.isdisjoint(their_keys):
        return LastNames.NEAR if is_one_slip(ours, theirs) else LastNames.DIFFERENT
    if ours in their_keys or theirs in our_keys:
        return LastNames.PART
    ours_alone, theirs_alone = _telling_words(asked), _telling_words(answered)
    one_is_part = ours_alone <= theirs_alone or theirs_alone <= ours_alone
    return LastNames.PART if one_is_part else LastNames.CROSSWISE


@lru_cache(maxsize=_CACHED_NAMES)
def compare_first_names(asked: tuple[str, ...], answered: tuple[str, ...]) -> FirstNames:
    """Compare two cores, as `first_name_core` gives them."""
    ours, theirs = "".join(asked), "".join(answered)
    if ours == theirs and ours:
        return FirstNames.EQUAL
    whole = _compare_words(ours, theirs)
    if whole >= FirstNames.CLOSE or not asked or not answered:
        return whole
    pairs = [_compare_words(one, other) for one, other in zip(asked, answered, strict=False)]
    # A middle name that one side leaves out; William James beside Bill James.
    if all(pair >= FirstNames.CLOSE for pair in pairs):
        return FirstNames.CLOSE
    shared = any(
        _compare_words(one, other) >= FirstNames.CLOSE for one in asked for other in answered
    )
    return max(whole, FirstNames.UNSURE) if shared else whole


def names_are_exchanged(first: str, last: str, their_first: str, their_last: str) -> bool:
    """Whether each side's first name stands where the other has the last name."""
    ours, theirs = "".join(_words(first)), "".join(_words(last))
    return bool(ours and theirs) and (
        ours == "".join(_words(their_last)) and theirs == "".join(_words(their_first))
    )


def _compare_words(asked: str, answered: str) -> FirstNames:
    if asked == answered and asked:
        return FirstNames.EQUAL
    if may_be_one_name(asked, answered):
        return FirstNames.CLOSE
    shorter, longer = sorted((asked, answered), key=len)
    if not longer.startswith(shorter):
        return FirstNames.NEAR if is_one_slip(asked, answered) else FirstNames.DIFFERENT
    if len(shorter) < _MIN_PREFIX:
        return FirstNames.UNSURE
    # Jose and Josefina are two people; Robert and Roberto, Eliz and Elizabeth may be one.
    is_another = is_full_name(shorter) and longer != f"{shorter}O"
    return FirstNames.UNSURE if is_another else FirstNames.CLOSE


def compare_birth_dates(asked: date, answered: date | None) -> BirthDates:
    """Compare the row's date of birth with the claim's."""
    if answered is None:
        return BirthDates.MISSING
    if asked == answered:
        return BirthDates.EQUAL
    near = birth_dates_are_near(asked, answered)
    return BirthDates.NEAR if near else BirthDates.DIFFERENT


def subscriber_digits(text: str | None) -> str:
    """A subscriber id cut to its digits, without a member's `-NN` and leading zeros."""
    digits = _NOT_A_DIGIT.sub("", _MEMBER_SUFFIX.sub("", (text or "").strip()))
    return digits.lstrip("0")


def _telling_words(text: str) -> frozenset[str]:
    words = _words(text)
    return frozenset(word for word in words if word not in _PARTICLES) or frozenset(words)


def _words(text: str) -> list[str]:
    words = [_folded_word(word) for word in _SEPARATORS.split(without_accents(text))]
    named = [word for word in words if word]
    return [word for word in named if word not in _SUFFIXES] or named


def _folded_word(word: str) -> str:
    # A name in another script has no letter A to Z; it agrees with its equal only.
    return folded_name(word) or (word if word.isalpha() else "")
