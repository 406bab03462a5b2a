"""Names of people, folded for comparing and for the wire.

Two foldings, because they serve two readers: matching wants letters only, so that `O'Brien` and
`OBRIEN` agree; a payer's HTTP header wants what Latin-1 can carry and still looks like a name.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date

# What beside name and birth date tells one member of a payer from another: id of the subscriber,
# the subscriber's names, gender; in an order of the caller's.
Membership = Sequence[str | None]

# Letters that carry no combining accent and so survive decomposition.
_PLAIN_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "Æ": "AE",
        "æ": "ae",
        "Œ": "OE",
        "œ": "oe",
        "Ø": "O",
        "ø": "o",
        "Đ": "D",
        "đ": "d",
        "Ð": "D",
        "ð": "d",
        "Ł": "L",
        "ł": "l",
        "Þ": "Th",
        "þ": "th",
        "ı": "i",
        "’": "'",
        "‘": "'",
        "‐": "-",
        "‑": "-",
        "–": "-",
    }
)
_NOT_A_LETTER = re.compile(r"[^A-Z]")
_NOT_FOR_THE_WIRE = re.compile(r"[^A-Z' -]")
_NOT_IN_A_MEMBER = re.compile(r"[\W_]+")
_DEPENDENT = re.compile(r"(?<=[0-9])-[0-9]{2}$")
_SPACES = re.compile(r"\s+")


def without_accents(text: str) -> str:
    """Upper case with accents taken off; scripts other than Latin are left as they are."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).upper()


def folded_name(text: str) -> str:
    """Letters A to Z only: what two spellings of one name have in common."""
    return _NOT_A_LETTER.sub("", without_accents(text))


def wire_name(text: str) -> str:
    """What of a name can stand in an HTTP header; empty when nothing is left.

    Upper-case A to Z, blank, hyphen and apostrophe. A row whose first or last name is empty here
    cannot be asked for by name: only a sweep answers it.
    """
    if text.isascii() and text.isalpha():
        # Most names, and a million of them are folded while a large file is stored.
        return text.upper()
    plain = _NOT_FOR_THE_WIRE.sub("", without_accents(text))
    plain = _SPACES.sub(" ", plain).strip(" -'")
    return plain


def patient_key(
    *, first_name: str, last_name: str, date_of_birth: date, membership: Membership = ()
) -> int:
    """A 63-bit number, equal for rows that one single can ask for together.

    It is taken over the names as they go over the wire, because that is what a single sends, and
    over the `membership`: two members are never asked for as one.
    """
    (key,) = patient_keys(
        first_names=[first_name],
        last_names=[last_name],
        dates_of_birth=[date_of_birth],
        memberships=[[part] for part in membership],
    )
    return key


def patient_keys(
    *,
    first_names: Sequence[str],
    last_names: Sequence[str],
    dates_of_birth: Sequence[date],
    memberships: Sequence[Sequence[str | None]] = (),
) -> list[int]:
    """The `patient_key` of each of many patients, given column by column."""
    people = zip(
        map(wire_name, last_names),
        map(wire_name, first_names),
        [day.isoformat() for day in dates_of_birth],
        strict=True,
    )
    texts = map("|".join, people)
    if any(map(any, memberships)):
        # Nothing is added for a row that tells nothing, whatever else is in its file.
        texts = map("".join, zip(texts, map(_member, *memberships), strict=True))
    return [
        int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
        for text in texts
    ]


def single_key(patient: int, npi: str | None) -> int:
    """A `patient_key` of a channel that asks by who billed: two NPIs are never asked as one."""
    text = f"{patient}|{npi or ''}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def _member(*parts: str | None) -> str:
    """A membership in upper case, without signs and a dependent's `-NN`; empty for none."""
    if not any(parts):
        return ""
    folded = (_NOT_IN_A_MEMBER.sub("", _DEPENDENT.sub("", part or "")) for part in parts)
    return "|" + "|".join(folded).upper()
