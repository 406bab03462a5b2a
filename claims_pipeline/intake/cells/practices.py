"""Which practice and payer id a row is asked for."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from claims_pipeline.intake.cells.text import is_placeholder, plain_identifier
from claims_pipeline.intake.rules import SCIENTIFIC_NOTATION
from claims_pipeline.model import Practice

_NINE_DIGITS = re.compile(r"[0-9]{9}")
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")
_BETWEEN_DIGITS = re.compile(r"[\s-]")
_SCIENTIFIC_NOTATION = re.compile(SCIENTIFIC_NOTATION)
_REMEMBERED_CELLS = 10_000


# Compared by identity, as read dates are.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundPractice:
    """The practice that a row means, or the column and code of what is wrong."""

    practice: Practice | None = None
    column: str = ""
    fault: str = ""


class PracticeDirectory:
    """An organization's practices, by their ids, their TINs, and names that only one has."""

    def __init__(self, practices: Sequence[Practice]) -> None:
        self._by_id = {practice.practice_id: practice for practice in practices}
        self._by_tin: dict[str, Practice] = {}
        # Of several practices with one TIN, the default one is meant, else the first.
        for practice in sorted(practices, key=lambda practice: not practice.is_default):
            self._by_tin.setdefault(practice.tin, practice)
        names = Counter(_folded(practice.name) for practice in practices)
        self._by_name = {
            name: practice
            for practice in practices
            if names[name := _folded(practice.name)] == 1 and name
        }
        self._default = next((practice for practice in practices if practice.is_default), None)
        # A file names the same few practices over and over.
        self.find = lru_cache(maxsize=_REMEMBERED_CELLS)(self._find)

    def _find(self, practice_id: str, tin: str) -> FoundPractice:
        """The practice that both cells name; an empty cell or a placeholder names none."""
        practice_id, tin = _without_damage(practice_id), _without_damage(tin)
        if not practice_id and not tin:
            if self._default is None:
                return FoundPractice(column="practice_id", fault="practice_required")
            return FoundPractice(practice=self._default)
        by_id = self._named(practice_id) if practice_id else None
        by_tin = self._with_tin(tin) if tin else None
        if by_id is None or by_id.fault:
            return by_id or by_tin or FoundPractice()
        if by_tin is None or by_tin.fault:
            return by_tin or by_id
        # Several practices may share a TIN: the id says which one is meant.
        if by_id.practice and by_tin.practice and by_id.practice.tin != by_tin.practice.tin:
            return FoundPractice(column="tin", fault="practice_contradiction")
        return by_id

    def _named(self, text: str) -> FoundPractice:
        practice = (
            self._by_id.get(text)
            or self._with_digits(_BETWEEN_DIGITS.sub("", text))
            or self._by_name.get(_folded(text))
        )
        if practice is not None:
            return FoundPractice(practice=practice)
        damaged = _SCIENTIFIC_NOTATION.search(text)
        fault = "scientific_notation" if damaged else "practice_unknown"
        return FoundPractice(column="practice_id", fault=fault)

    def _with_tin(self, text: str) -> FoundPractice:
        digits = _BETWEEN_DIGITS.sub("", text)
        practice = self._with_digits(digits)
        if practice is not None:
            return FoundPractice(practice=practice)
        return FoundPractice(column="tin", fault=_tin_fault(text, digits))

    def _with_digits(self, digits: str) -> Practice | None:
        """By TIN, whose leading zero a spreadsheet may have taken."""
        lacks_zero = _EIGHT_DIGITS.fullmatch(digits)
        return self._by_tin.get(f"0{digits}" if lacks_zero else digits)


def _without_damage(text: str) -> str:
    return "" if is_placeholder(text) else plain_identifier(text)


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _tin_fault(text: str, digits: str) -> str:
    if _SCIENTIFIC_NOTATION.search(text):
        return "scientific_notation"
    if _EIGHT_DIGITS.fullmatch(digits):
        return "leading_zero_lost"
    return "practice_unknown" if _NINE_DIGITS.fullmatch(digits) else "tin_invalid"
