"""Which payer a row names, and whether it is the one that the file is handed in for."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from claims_pipeline.intake.cells.text import is_placeholder, plain_identifier
from claims_pipeline.model import ListedPayer

_WORD = re.compile(r"[^\W_]+")
_LONGEST_ID = 32
_DIGITS_OF_AN_ID = 5
_REMEMBERED_CELLS = 10_000


# Compared by identity, as read dates are.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundPayer:
    """The payer that a row means, and the payer id that it names; or column and code of a fault.

    Without an id the practice's usual one is asked for, or the payer's.
    """

    payer: str = ""
    payer_id: str = ""
    column: str = ""
    fault: str = ""


class PayerDirectory:
    """Payers by their ids, their names, and names that begin as theirs do."""

    def __init__(
        self, payers: Sequence[ListedPayer], *, asked: ListedPayer, further_ids: Iterable[str] = ()
    ) -> None:
        """Take the payers that are known, and the one that the file is handed in for.

        `further_ids` are asked for at that payer, too.
        """
        self._asked = asked
        self._by_id: dict[str, ListedPayer] = {}
        self._by_name: dict[str, ListedPayer] = {}
        self._by_beginning: dict[str, ListedPayer] = {}
        for payer_id in further_ids:
            self._by_id[payer_id.upper()] = asked
        for payer in payers:
            self._by_id[payer.payer_id.upper()] = payer
            for name in (payer.payer, payer.name, *payer.aliases):
                names = self._by_beginning if name.endswith("*") else self._by_name
                names.setdefault(_folded(name), payer)
                if name.isdigit():
                    self._by_id.setdefault(name, payer)
        # A file names the same few payers over and over.
        self.find = lru_cache(maxsize=_REMEMBERED_CELLS)(self._find)

    def _find(self, payer_id: str, name: str) -> FoundPayer:
        """The payer that the cells name, the id first; none of them, and it is the file's own."""
        if payer_id:
            return self._verdict(self._with_id(payer_id), payer_id, column="payer_id")
        if name and not is_placeholder(name):
            return self._verdict(self._named(name), "", column="payer")
        return FoundPayer(payer=self._asked.payer)

    def _verdict(
        self, found: tuple[ListedPayer, str] | None, cell: str, *, column: str
    ) -> FoundPayer:
        if cell and (not cell.isalnum() or not cell.isascii() or len(cell) > _LONGEST_ID):
            # No id at all: the rules for its column say what is wrong.
            return FoundPayer(payer=self._asked.payer)
        if found is None or found[0].payer != self._asked.payer:
            return FoundPayer(column=column, fault="other_payer")
        return FoundPayer(payer=found[0].payer, payer_id=found[1])

    def _with_id(self, text: str) -> tuple[ListedPayer, str] | None:
        """By id, whose leading zeros a spreadsheet may have taken; a name stands there, too."""
        text = plain_identifier(text).upper()
        for payer_id in (text, text.zfill(_DIGITS_OF_AN_ID)):
            if payer_id in self._by_id:
                return self._by_id[payer_id], payer_id
        return self._named(text)

    def _named(self, text: str) -> tuple[ListedPayer, str] | None:
        """By a whole name, or by one that begins with words that only this payer's names do."""
        words = [word.casefold() for word in _WORD.findall(text)]
        whole = "".join(words)
        if whole in self._by_name:
            return self._by_name[whole], ""
        if whole.upper() in self._by_id:
            return self._by_id[whole.upper()], whole.upper()
        # The longest beginning first: it says most.
        for count in range(len(words), 0, -1):
            beginning = "".join(words[:count])
            if beginning in self._by_beginning:
                return self._by_beginning[beginning], ""
            if beginning.isdigit() and beginning in self._by_id:
                return self._by_id[beginning], beginning
        return None


def _folded(name: str) -> str:
    return "".join(_WORD.findall(name.casefold()))
