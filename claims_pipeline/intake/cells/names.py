"""A patient's name in one cell, split where its writing says which part is which."""

import re
from dataclasses import dataclass
from functools import lru_cache

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_MIDDLE_INITIAL = re.compile(r"(?<=\w) [^\W\d_]\.?$")
_TWO = 2
_REMEMBERED = 100_000


# Compared by identity, as read dates are.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitName:
    """Last and first name, or what is wrong; both empty for an empty cell."""

    first: str = ""
    last: str = ""
    fault: str = ""


NO_NAME = SplitName()


@lru_cache(maxsize=_REMEMBERED)
def split_name(text: str) -> SplitName:
    """`QUILL, NORMA J`, `QUILL JR, NORMA` or HL7's `QUILL^NORMA^J`; nothing else is certain.

    A middle initial is left out: payers know first names without it.
    """
    if not text:
        return NO_NAME
    sign = "^" if "^" in text else ","
    parts = [part.strip() for part in text.split(sign)]
    while parts and not parts[-1]:
        parts.pop()
    last, *rest = parts or [""]
    if sign == "^":
        rest = rest[:1]
    else:
        last, rest = _with_suffix(last, rest)
    if len(rest) == _TWO and len(rest[1].rstrip(".")) == 1:
        rest.pop()
    if len(rest) != 1 or not last or not rest[0]:
        # Both, so that nothing else is found wrong with it.
        return SplitName(first=text, last=text, fault="name_not_split")
    return SplitName(first=_MIDDLE_INITIAL.sub("", rest[0]), last=last)


def _with_suffix(last: str, rest: list[str]) -> tuple[str, list[str]]:
    """`QUILL, JR, NORMA` and `QUILL, NORMA, JR` as `QUILL JR` and `NORMA`."""
    suffixes = [part for part in rest if part.rstrip(".").lower() in _SUFFIXES]
    others = [part for part in rest if part not in suffixes]
    return " ".join([last, *suffixes]), others
