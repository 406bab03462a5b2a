"""The cells of one batch, read column by column: texts, days, practices, amounts."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import compress
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_pipeline.intake.cells.dates import DATE_PLACEHOLDER, DateReader, ReadDate
from claims_pipeline.intake.cells.names import SplitName, split_name
from claims_pipeline.intake.cells.payers import FoundPayer, PayerDirectory
from claims_pipeline.intake.cells.people import genders, npis, subscriber_names
from claims_pipeline.intake.cells.practices import FoundPractice, PracticeDirectory
from claims_pipeline.intake.cells.text import (
    cleaned_column,
    is_no_amount,
    is_no_identifier,
    is_placeholder,
    plain_identifier,
    read_amount,
    repaired_name,
)
from claims_pipeline.intake.headers.meanings import CANONICAL_COLUMNS
from claims_pipeline.intake.headers.persons import PATIENT_NAME, SPLIT_AT_COMMA, SUBSCRIBER_NAME
from claims_pipeline.intake.rules import SCIENTIFIC_NOTATION, TEXT_RULES
from claims_pipeline.intake.schema import (
    BIRTH_DAY,
    DAYS_SINCE_BIRTH,
    FAULT,
    SERVICE_END,
    SERVICE_LENGTH,
    SERVICE_START,
)

Ordinals = npt.NDArray[np.int64]


_IDENTIFIERS = ("claim_number", "patient_account_number", "subscriber_id")
_OPTIONAL_IDENTIFIERS = frozenset({"patient_account_number", "subscriber_id"})
_NO_NAME_AT_ALL = re.compile(r"#?n/a|#(?:ref|value|name|num|null|div/0)[!?]", re.IGNORECASE)
_SCIENTIFIC_NOTATION = re.compile(SCIENTIFIC_NOTATION)


class CellReader:
    """Reads the cells of one file, for one payer's day and one organization's practices."""

    def __init__(
        self,
        columns: dict[str, int],
        *,
        directory: PracticeDirectory,
        payers: PayerDirectory,
        today: date,
    ) -> None:
        self._columns = columns
        self._directory = directory
        self._payers = payers
        self._dates = DateReader(today)

    def read(self, rows: Sequence[Sequence[str]]) -> "ParsedColumns":
        """Read all cells; what is wrong with one is noted on it, never raised."""
        notes: Counter[str] = Counter()
        nothing = [""] * len(rows)
        texts = dict.fromkeys(CANONICAL_COLUMNS, nothing)
        for column, position in self._columns.items():
            texts[column] = cleaned_column(list(map(itemgetter(position), rows)))
        for column in _IDENTIFIERS:
            if column in self._columns:
                texts[column] = _identifiers(column, texts[column], notes)
        if "payer_id" in self._columns:
            texts["payer_id"] = _payer_ids(texts["payer_id"], notes)
        if "gender" in self._columns:
            texts["gender"] = genders(texts["gender"], notes)
        if "npi" in self._columns:
            texts["npi"] = npis(texts["npi"], notes)
        names = self._names(texts, notes)
        self._subscribers(texts, notes)
        firsts, lasts = self._service_days(texts)
        births = list(map(self._dates.birth, texts["date_of_birth"]))
        notes["placeholders_as_empty"] += sum(
            days.count(DATE_PLACEHOLDER)
            for days in (births, firsts, lasts)
            if DATE_PLACEHOLDER in set(days)
        )
        practices = list(map(self._directory.find, texts["practice_id"], texts["tin"]))
        usual_ids = [(found.practice and found.practice.payer_id) or "" for found in practices]
        return ParsedColumns(
            texts=texts,
            names=names,
            births=births,
            firsts=firsts,
            lasts=lasts,
            practices=practices,
            payers=list(map(self._payers.find, texts["payer_id"], texts["payer"], usual_ids)),
            amounts=list(map(read_amount, texts["total_charged"])),
            notes=notes,
        )

    def _names(self, texts: dict[str, list[str]], notes: Counter[str]) -> list[SplitName]:
        """Repair names in `texts` and split those that stand in one cell."""
        split: list[SplitName] = []
        if PATIENT_NAME in self._columns:
            split = list(map(split_name, _repaired(texts.pop(PATIENT_NAME), notes)))
            texts["first_name"] = [name.first for name in split]
            texts["last_name"] = [name.last for name in split]
        else:
            for column in ("first_name", "last_name"):
                texts[column] = _repaired(texts[column], notes)
        return split

    def _subscribers(self, texts: dict[str, list[str]], notes: Counter[str]) -> None:
        """Leave in `texts` the names of subscribers who are somebody else than the patient.

        Exports that have such columns repeat the patient's own name in them.
        """
        columns = SPLIT_AT_COMMA[SUBSCRIBER_NAME]
        if SUBSCRIBER_NAME in self._columns:
            whole = subscriber_names(_repaired(texts.pop(SUBSCRIBER_NAME), notes))
            split = [split_name(cell) for cell in whole]
            notes["subscriber_name_ignored"] += sum(bool(name.fault) for name in split)
            texts[columns[0]] = ["" if name.fault else name.first for name in split]
            texts[columns[1]] = ["" if name.fault else name.last for name in split]
        elif self._columns.keys() & set(columns):
            for column in columns:
                texts[column] = subscriber_names(_repaired(texts[column], notes))
        else:
            return
        patients = zip(texts["first_name"], texts["last_name"], strict=True)
        subscribers = zip(*(texts[column] for column in columns), strict=True)
        is_patient = list(map(_is_same_name, patients, subscribers))
        for column in columns:
            texts[column] = [
                "" if is_same else cell
                for cell, is_same in zip(texts[column], is_patient, strict=True)
            ]

    def _service_days(self, texts: dict[str, list[str]]) -> tuple[list[ReadDate], list[ReadDate]]:
        """First and last days of service; a range in one cell fills both."""
        firsts = list(map(self._dates.service, texts["first_service_date"]))
        lasts = list(map(self._dates.service, texts["last_service_date"]))
        if any(read.last for read in {*firsts, *lasts}):
            spans = [_span(first, last) for first, last in zip(firsts, lasts, strict=True)]
            firsts, lasts = [first for first, _ in spans], [last for _, last in spans]
        return firsts, lasts


def _is_same_name(one: Sequence[str], other: Sequence[str]) -> bool:
    return one == other or [part.casefold() for part in one] == [part.casefold() for part in other]


def _span(first: ReadDate, last: ReadDate) -> tuple[ReadDate, ReadDate]:
    if last.last is not None:
        start = last if first.day is None and not first.fault else first
        return start, last.last
    if first.last is not None and last.day is None and not last.fault:
        return first, first.last
    return first, last


def _identifiers(column: str, cells: list[str], notes: Counter[str]) -> list[str]:
    """Numbers of claims and persons, without what spreadsheets and people put in their place."""
    return [
        cell
        if not cell or (cell[0] != "0" and cell.isalnum() and not cell.isalpha())
        else _identifier(column, cell, notes)
        for cell in cells
    ]


def _identifier(column: str, cell: str, notes: Counter[str]) -> str:
    text = plain_identifier(cell)
    has_digit = any(map(str.isdigit, text))
    is_damage = not text.isprintable() or not text.isascii() or text[0] in '=+@"'
    if is_no_identifier(text) or (column == "claim_number" and not has_digit and not is_damage):
        notes["placeholders_as_empty"] += 1
        return ""
    if column in _OPTIONAL_IDENTIFIERS and _SCIENTIFIC_NOTATION.search(text):
        notes["identifier_ignored"] += 1
        return ""
    return text


def _payer_ids(cells: list[str], notes: Counter[str]) -> list[str]:
    found = []
    for cell in cells:
        is_empty = bool(cell) and is_placeholder(cell)
        notes["placeholders_as_empty"] += is_empty
        found.append("" if is_empty else plain_identifier(cell))
    return found


def _repaired(cells: list[str], notes: Counter[str]) -> list[str]:
    text = "".join(cells)
    if text.isascii() and not {"&", "/", "#"}.intersection(text):
        return cells
    found = ["" if _NO_NAME_AT_ALL.fullmatch(cell) else repaired_name(cell) for cell in cells]
    for before, after in zip(cells, found, strict=True):
        if before != after:
            notes["names_repaired" if after else "placeholders_as_empty"] += 1
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedColumns:
    """One list for each canonical column, all as long as the batch.

    Cells of columns that the file does not have are empty; so is `names`, where first and last
    name stand in columns of their own. `notes` counts what was read otherwise than it stands.
    """

    texts: dict[str, list[str]]
    names: list[SplitName]
    births: list[ReadDate]
    firsts: list[ReadDate]
    lasts: list[ReadDate]
    practices: list[FoundPractice]
    payers: list[FoundPayer]
    amounts: list[Decimal | None]
    notes: Counter[str]

    def only(self, kept: Sequence[bool]) -> "ParsedColumns":
        """The rows at the positions that are `kept`."""
        return ParsedColumns(
            texts={column: list(compress(cells, kept)) for column, cells in self.texts.items()},
            names=list(compress(self.names, kept)),
            births=list(compress(self.births, kept)),
            firsts=list(compress(self.firsts, kept)),
            lasts=list(compress(self.lasts, kept)),
            practices=list(compress(self.practices, kept)),
            payers=list(compress(self.payers, kept)),
            amounts=list(compress(self.amounts, kept)),
            notes=self.notes,
        )

    @property
    def unread_amounts(self) -> list[int]:
        """Positions of amounts that stand in the file and could not be read."""
        texts = self.texts["total_charged"]
        if self.amounts.count(None) == texts.count(""):
            return []
        return [
            at
            for at, (amount, text) in enumerate(zip(self.amounts, texts, strict=True))
            if amount is None and not is_no_amount(text)
        ]


def checked_frame(parsed: ParsedColumns, columns: dict[str, int], *, today: date) -> pd.DataFrame:
    """The frame that `RowSchema` checks. A column without anything to check is left out."""
    neutral = today.toordinal()
    read = {
        *columns,
        *(name for whole in SPLIT_AT_COMMA if whole in columns for name in SPLIT_AT_COMMA[whole]),
    }
    births, firsts, lasts = map(_ordinals, (parsed.births, parsed.firsts, parsed.lasts))
    starts, ends = np.where(firsts, firsts, lasts), np.where(lasts, lasts, firsts)
    # A fault of reading leaves the other date, which is then compared with itself.
    return pd.DataFrame(
        {
            **{
                column: pd.Series(parsed.texts[column], dtype="str")
                for column in TEXT_RULES
                if column in read
            },
            BIRTH_DAY: np.where(births, births, neutral),
            SERVICE_START: np.where(starts, starts, neutral),
            SERVICE_END: np.where(ends, ends, neutral),
            SERVICE_LENGTH: ends - starts,
            DAYS_SINCE_BIRTH: np.where((births > 0) & (starts > 0), starts - births, 0),
            **{
                column + FAULT: pd.Series(faults, dtype="str")
                for column, faults in _reading_faults(parsed)
            },
        }
    )


def _ordinals(dates: Sequence[ReadDate]) -> Ordinals:
    return np.fromiter((read.ordinal for read in dates), dtype=np.int64, count=len(dates))


def _reading_faults(parsed: ParsedColumns) -> Iterator[tuple[str, list[str]]]:
    """For each column in which reading found faults, their codes, empty where there is none."""
    births = parsed.births
    if any(read.day is None for read in set(births)):
        yield "date_of_birth", ["" if read.day else read.fault or "required" for read in births]
    if any(name.fault for name in set(parsed.names)):
        yield "last_name", [name.fault for name in parsed.names]
    for column, dates in (
        ("first_service_date", parsed.firsts),
        ("last_service_date", parsed.lasts),
    ):
        if any(read.fault for read in set(dates)):
            yield column, [read.fault for read in dates]
    found_parties: tuple[Sequence[FoundPractice | FoundPayer], ...] = (
        parsed.practices,
        parsed.payers,
    )
    for parties in found_parties:
        for column in {found.column for found in set(parties) if found.fault}:
            yield column, [found.fault if found.column == column else "" for found in parties]
