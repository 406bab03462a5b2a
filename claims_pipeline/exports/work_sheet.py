"""The sheet "Work": what to do next with how much, and why was denied."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from xlsxwriter.worksheet import Worksheet

from claims_pipeline.exports.lines import Cell, safe
from claims_pipeline.exports.work import Tally, Work
from claims_pipeline.exports.xlsx_sheets import Formats
from claims_pipeline.payers.denials import DENIAL_CATEGORIES

_TITLE_WIDTH, _WIDTH = 72, 14
_HINT = (
    "Each claim counts once, however many rows show it: see the lines of Claims without "
    "same_claim_as_row. Rows alone have no claim. Open is what can still be won."
)


def write_work(
    sheet: Worksheet, work: Work, formats: Formats, *, next_actions: Mapping[str, str]
) -> None:
    """Write the sheet from the top; its lines come in order."""
    writer = _Writer(sheet, formats)
    sheet.set_column(0, 0, _TITLE_WIDTH)
    sheet.set_column(1, 6, _WIDTH)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    writer.table(
        "What to do next",
        ("Next action", "Claims", "Rows alone", "Charged", "Paid", "Open", "Oldest service"),
        [
            (_sentence(code, tally, next_actions), *_figures(tally))
            for code, tally in work.sorted_actions()
        ],
    )
    writer.hint(_HINT)
    writer.table(
        "Denials by kind",
        ("Kind of denial", "Claims", "Open"),
        [
            (DENIAL_CATEGORIES[category], tally.claims, tally.still_open)
            for category, tally in sorted(
                work.categories.items(), key=lambda each: -each[1].still_open
            )
        ],
    )
    writer.table(
        "Reasons for denials",
        ("Code and the payer's words", "Claims", "Denied"),
        [
            (
                safe(f"{code}  {reason.description or ''}".strip()),
                reason.claims,
                reason.amount,
            )
            for code, reason in sorted(work.reasons.items(), key=lambda each: -each[1].amount)
        ],
    )
    writer.table(
        "Rows by outcome",
        ("Outcome", "Rows"),
        [(outcome.replace("_", " "), rows) for outcome, rows in sorted(work.outcomes.items())],
    )


def _sentence(code: str, tally: Tally, next_actions: Mapping[str, str]) -> str:
    sentence = next_actions.get(code, code)
    return f"{sentence} (in doubt)" if tally.in_doubt else sentence


def _figures(tally: Tally) -> tuple[Cell, ...]:
    return (
        tally.claims or None,
        tally.rows or None,
        tally.charged if tally.claims else None,
        tally.paid if tally.claims else None,
        tally.still_open if tally.claims else None,
        tally.oldest,
    )


class _Writer:
    """Tables one below the other."""

    def __init__(self, sheet: Worksheet, formats: Formats) -> None:
        self._sheet = sheet
        self._formats = formats
        self._line = 0

    def table(self, title: str, columns: Sequence[str], lines: Iterable[Sequence[Cell]]) -> None:
        listed = list(lines)
        if not listed:
            return
        self._line += 1 if self._line else 0
        self._sheet.write_string(self._line, 0, title, self._formats.title)
        self._line += 1
        for place, column in enumerate(columns):
            look = self._formats.heading_right if place else self._formats.heading
            self._sheet.write_string(self._line, place, column, look)
        self._line += 1
        for line in listed:
            for place, cell in enumerate(line):
                self._write(place, cell)
            self._line += 1

    def hint(self, text: str) -> None:
        self._sheet.write_string(self._line, 0, text, self._formats.hint)
        self._line += 1

    def _write(self, place: int, cell: Cell) -> None:
        if isinstance(cell, str):
            self._sheet.write_string(self._line, place, cell, self._formats.text)
        elif isinstance(cell, Decimal):
            self._sheet.write_number(self._line, place, cell, self._formats.money)
        elif isinstance(cell, date):
            self._sheet.write_datetime(self._line, place, cell, self._formats.day)
        elif cell is not None:
            self._sheet.write_number(self._line, place, cell, self._formats.number)
