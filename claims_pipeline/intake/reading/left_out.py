"""Lines that are no rows: totals, sections, marks of pages, repeated headers, blank ones.

Reports and spreadsheets put them between the rows. They are listed with their line and why, never
asked and never rejected. What may be a row with something missing stays a row.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from claims_pipeline.intake.columns import REQUIRED_COLUMNS, Layout, known_columns
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.intake.reading.records import BLANK, LeftOut, RecordBatch

ABOVE_THE_HEADER = "above the header"
REPEATED_HEADER = "repeated header"
TOTAL = "total"
PAGE_LINE = "page or report line"
END_MARK = "end of file mark"
RULE_LINE = "rule"
SECTION_LINE = "section line"
ANOTHER_TABLE = "another table"
FURTHER_CLAIM = "further claim of a row"

_MOST_LISTED = 10_000

_WHOSE = (
    r"(?:(?:grand|sub|report|page|overall|running|final|practice|provider|payer|payor|insurance|"
    r"carrier|patient|claim|account|group|facility|section|office)s?[\s-]*)*"
)
_TOTAL = re.compile(
    rf"{_WHOSE}(?:sub)?totals?\b|(?:sum|average|count)s?\s*(?:of\b|:|=)", re.IGNORECASE
)
_TOTAL_ALONE = re.compile(rf"{_WHOSE}(?:sub)?totals?\s*:?", re.IGNORECASE)
_PAGE = re.compile(
    r"\W*(?:page\s*:?\s*\d+|(?:(?:report|file|data|list|export)\s+)?"
    r"(?:printed|generated|created|exported|prepared|produced|run)\s*(?:on|by|at|date|time|:|\d)|"
    r"(?:report|run|print|as[ -]of)\s+(?:date|time|name|id|parameters?|criteria|:)|report\s*:|"
    r"as of\b|confidential\b|copyright\b|continued\b|filters?\s*:|date range\s*:|"
    r"sort(?:ed)? by\b)",
    re.IGNORECASE,
)
_END = re.compile(
    r"\W*(?:end[ -]of[ -](?:file|report|data|list|page)|eof|\d[\d,]*\s+(?:rows?|records?|lines?|"
    r"claims?|items?)\b(?:\s+(?:affected|selected|returned|found|exported|printed|total))?)\W*",
    re.IGNORECASE,
)
_CONTROL_Z = "\x1a"
_PADDING = "\0\x1a \t\r\n"


@dataclass(slots=True)
class LeftOutLines:
    """How many lines were left out, and the first ten thousand of them."""

    count: int = 0
    listed: list[LeftOut] = field(default_factory=list)

    def add(self, found: Sequence[LeftOut]) -> None:
        """Count these, and list them while there is room."""
        self.count += len(found)
        self.listed += found[: max(0, _MOST_LISTED - len(self.listed))]


class _Places(NamedTuple):
    """Positions in a record of the file."""

    birth: int
    names: tuple[int, ...]
    primary: int | None


class LineFilter:
    """Takes the lines that are no rows out of a file's batches, in file order."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._width = layout.file_width
        self._places = _places(layout)
        self._is_in_another_table = False
        self._last_blank_line = 0

    def apply(self, batch: RecordBatch) -> RecordBatch:
        """The batch with its rows only; what is left out is added to its `left_out`."""
        birth, width = self._places.birth, self._width
        doubtful = [
            at
            for at, row in enumerate(batch.rows)
            if len(row) != width or not row[birth][:1].isdigit()
        ]
        dropped: dict[int, str] = {}
        blank_lines = {left.line_number for left in batch.left_out} | {self._last_blank_line}
        for at in doubtful:
            if at in batch.unclosed:
                continue
            row = batch.rows[at] = self._squared(batch.rows[at])
            reason = self._reason(row, is_after_blank=batch.line_numbers[at] - 1 in blank_lines)
            if reason:
                dropped[at] = reason
                if reason == BLANK:
                    blank_lines.add(batch.line_numbers[at])
        if self._places.primary is not None:
            self._drop_further_claims(batch, dropped)
        if blank_lines:
            self._last_blank_line = max(blank_lines)
        return _without(batch, dropped) if dropped else batch

    def _drop_further_claims(self, batch: RecordBatch, dropped: dict[int, str]) -> None:
        primary = self._places.primary or 0
        for at, row in enumerate(batch.rows):
            if len(row) == self._width and row[primary].strip().upper() == "N":
                dropped.setdefault(at, FURTHER_CLAIM)

    def _squared(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """As wide as the header, where only empty cells are too many or missing."""
        if len(row) > self._width and not any(map(str.strip, row[self._width :])):
            return row[: self._width]
        if self._layout.least_width <= len(row) < self._width:
            return (*row, *[""] * (self._width - len(row)))
        return row

    def _reason(self, row: tuple[str, ...], *, is_after_blank: bool) -> str | None:
        cells = [cell.strip(_PADDING) for cell in row]
        filled = [cell for cell in cells if cell]
        if not filled:
            return END_MARK if any(_CONTROL_Z in cell or "\0" in cell for cell in row) else BLANK
        if _has_digit(_cell(cells, self._places.birth)):
            self._is_in_another_table = False
            return None
        if mark := self._mark(cells, filled):
            return mark
        names = [_cell(cells, at) for at in self._places.names]
        if len(cells) >= self._layout.least_width and len(names) > 1 and all(names):
            self._is_in_another_table = False
            return None
        return self._reason_of_text(filled, is_after_blank=is_after_blank)

    def _mark(self, cells: Sequence[str], filled: Sequence[str]) -> str | None:
        """What a line certainly is, whatever stands in its other cells."""
        if self._is_repeated_header(cells):
            return REPEATED_HEADER
        if not any(map(str.isalnum, "".join(filled))):
            return RULE_LINE
        if _TOTAL_ALONE.fullmatch(filled[0]):
            return TOTAL
        is_label_and_value = len(filled) == 2 and filled[0].endswith(":")
        return SECTION_LINE if is_label_and_value else None

    def _reason_of_text(self, filled: Sequence[str], *, is_after_blank: bool) -> str | None:
        text = " ".join(filled)
        if _END.fullmatch(text):
            return END_MARK
        if _PAGE.match(text):
            return PAGE_LINE
        if is_after_blank and len(filled) > 1 and not _has_digit(text):
            self._is_in_another_table = True
        if self._is_in_another_table:
            return ANOTHER_TABLE
        if any(map(_TOTAL.match, filled)):
            return TOTAL
        is_heading = len(filled) == 1 and any(map(text.__contains__, " :"))
        return SECTION_LINE if is_heading and any(map(str.isalpha, text)) else None

    def _is_repeated_header(self, cells: Sequence[str]) -> bool:
        names = tuple(cell.casefold() for cell in cells)
        if names == self._layout.names[: len(names)] and len(names) >= self._layout.least_width:
            return True
        return known_columns(cells) >= set(REQUIRED_COLUMNS)


def _places(layout: Layout) -> _Places:
    names = [name for name in ("first_name", "last_name", PATIENT_NAME) if name in layout.columns]
    return _Places(
        birth=layout.kept[layout.columns["date_of_birth"]],
        names=tuple(layout.kept[layout.columns[name]] for name in names),
        primary=layout.primary_at,
    )


def _without(batch: RecordBatch, dropped: dict[int, str]) -> RecordBatch:
    kept = [at for at in range(len(batch.rows)) if at not in dropped]
    left_out = [LeftOut(batch.line_numbers[at], reason) for at, reason in dropped.items()]
    return RecordBatch(
        rows=[batch.rows[at] for at in kept],
        line_numbers=[batch.line_numbers[at] for at in kept],
        unclosed={new for new, at in enumerate(kept) if at in batch.unclosed},
        left_out=sorted([*batch.left_out, *left_out]),
        text=batch.text,
        longest_record=batch.longest_record,
    )


def _cell(cells: Sequence[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
