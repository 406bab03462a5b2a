"""Which payer a row names, and whether it is one that is asked."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from claims_pipeline.intake.cells.text import is_placeholder, plain_identifier
from claims_pipeline.model import ListedPayer

_WORD = re.compile(r"[^\W_]+")
_LONGEST_ID = 32
_DIGITS_OF_AN_ID = 5
_REMEMBERED_CELLS = 10_000

# A payer, and the id of it that a cell gives; empty for its usual one.
_Named = tuple[ListedPayer, str]


# Compared by identity, as read dates are.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundPayer:
    """Short name and id of the payer that a row is asked at; or column and code of a fault."""

    payer: str = ""
    payer_id: str = ""
    column: str = ""
    fault: str = ""


class PayerDirectory:
    """Payers by their ids, their names, and names that begin as theirs do."""

    def __init__(
        self,
        payers: Sequence[ListedPayer],
        *,
        provider: str,
        channels: Collection[str],
        further_ids: Iterable[str] = (),
    ) -> None:
        """Take the payers that are known.

        Args:
            payers: the payers; where two have one name, the first is meant.
            provider: the short name of the one that the file is handed in for, or `auto`.
            channels: through which payers can be asked.
            further_ids: payer ids of practices; those that no payer has are the provider's.

        """
        self._channels = frozenset(channels)
        self._asked = next((payer for payer in payers if payer.payer == provider), None)
        self._by_id: dict[str, ListedPayer] = {}
        self._by_name: dict[str, ListedPayer] = {}
        self._by_beginning: dict[str, ListedPayer] = {}
        for payer in payers:
            self._by_id[payer.payer_id.upper()] = payer
        for payer in payers:
            for name in (payer.payer, payer.name, *payer.aliases):
                names = self._by_beginning if name.endswith("*") else self._by_name
                names.setdefault(_folded(name), payer)
                if any(map(str.isdigit, name)) and name.isalnum():
                    self._by_id.setdefault(name.upper(), payer)
        if self._asked is not None:
            for payer_id in further_ids:
                self._by_id.setdefault(payer_id.upper(), self._asked)
        # A file names the same few payers over and over.
        self.find = lru_cache(maxsize=_REMEMBERED_CELLS)(self._find)

    def _find(self, payer_id: str, name: str, of_practice: str) -> FoundPayer:
        """The payer that the cells name, the id first; else the file's, or the practice's.

        `of_practice` is the payer id that is usual for the row's practice; empty for none.
        """
        if payer_id and not _is_id(payer_id):
            # The rules for its column say what is wrong.
            return FoundPayer()
        if payer_id:
            return self._verdict(self._with_id(payer_id), of_practice, column="payer_id")
        if name and not is_placeholder(name):
            return self._verdict(self._named(name), of_practice, column="payer")
        if self._asked is not None:
            return self._verdict((self._asked, ""), of_practice, column="payer_id")
        if not of_practice:
            return FoundPayer(column="payer_id", fault="payer_required")
        return self._verdict(self._with_id(of_practice), of_practice, column="payer_id")

    def _verdict(self, found: _Named | None, of_practice: str, *, column: str) -> FoundPayer:
        if self._asked is not None and (found is None or found[0].payer != self._asked.payer):
            return FoundPayer(column=column, fault="other_payer")
        if found is None or not found[0].active or found[0].channel not in self._channels:
            return FoundPayer(column=column, fault="payer_not_connected")
        payer, payer_id = found
        if not payer_id and self._by_id.get(of_practice.upper()) is payer:
            payer_id = of_practice
        return FoundPayer(
            payer=payer.payer, payer_id=payer.channel_payer_id or payer_id or payer.payer_id
        )

    def _with_id(self, text: str) -> _Named | None:
        """By id, whose leading zeros a spreadsheet may have taken; a name stands there, too."""
        text = plain_identifier(text).upper()
        for payer_id in (text, text.zfill(_DIGITS_OF_AN_ID)):
            if payer_id in self._by_id:
                return self._by_id[payer_id], payer_id
        return self._named(text)

    def _named(self, text: str) -> _Named | None:
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


def _is_id(text: str) -> bool:
    return text.isalnum() and text.isascii() and len(text) <= _LONGEST_ID


def _folded(name: str) -> str:
    return "".join(_WORD.findall(name.casefold()))
