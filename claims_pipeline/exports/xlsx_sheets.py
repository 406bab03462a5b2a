"""Sheets of a workbook, written line by line; one that is full goes on in the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from claims_pipeline.exports.lines import Cell

MAX_SHEET_LINES = 1_048_576  # Excel's own limit, the header included
# A part of a zip archive may have 2 GiB without an extension that makes Excel warn of a damaged
# file. Half of that leaves room for what XML writes in more characters than a cell has.
MAX_SHEET_BYTES = 2**30
_BYTES_AROUND_CELL = 64
_LETTER = 1  # paper, in the words of xlsxwriter

_ROOM_FOR_FILTER = 3
_NARROWEST, _WIDEST_HEADING, _MOST_UNWRAPPED = 9, 14, 30
_WRAPPED_WIDTH = 34
_DATE_WIDTH = 11
_LINE_HEIGHT, _HEADING_HEIGHT, _MOST_TEXT_LINES = 15, 32, 5

_GOOD, _BAD, _WARN, _BUSY, _QUIET = "#137333", "#a50e0e", "#8a4b00", "#174ea6", "#5f6368"
_COLOURS: Mapping[str, str] = {
    "PAID": _GOOD,
    "APPROVED": _GOOD,
    "DENIED": _BAD,
    "REJECTED": _BAD,
    "ACTION_REQUIRED": _WARN,
    "ADJUSTED": _WARN,
    "ACKNOWLEDGED": _BUSY,
    "PENDING": _BUSY,
    "MULTIPLE": _WARN,
    "not_found": _WARN,
    "ambiguous": _BUSY,
    "failed": _BAD,
    "rejected": _QUIET,
    "unprocessed": _QUIET,
}


class Formats:
    """How cells look; made once for a workbook."""

    def __init__(self, workbook: Workbook) -> None:
        top: dict[str, object] = {"valign": "top"}
        beside = {**top, "indent": 1}  # text stands right of numbers
        self.heading: Format = workbook.add_format(
            {
                "bold": True,
                "bg_color": "#e8eaed",
                "bottom": 1,
                "valign": "vcenter",
                "text_wrap": True,
            }
        )
        self.heading_right: Format = workbook.add_format(
            {"bold": True, "bg_color": "#e8eaed", "bottom": 1, "align": "right"}
        )
        self.text: Format = workbook.add_format(beside)
        self.wrapped: Format = workbook.add_format({**beside, "text_wrap": True})
        self.money: Format = workbook.add_format({**top, "num_format": "#,##0.00"})
        self.number: Format = workbook.add_format({**top, "num_format": "0"})
        self.day: Format = workbook.add_format({**top, "num_format": "mm/dd/yyyy"})
        self.title: Format = workbook.add_format({"bold": True, "font_size": 14})
        self.hint: Format = workbook.add_format({"font_color": _QUIET})
        self.states: dict[str, Format] = {
            word: workbook.add_format({**beside, "bold": True, "font_color": colour})
            for word, colour in _COLOURS.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLayout:
    """What a sheet of lines looks like.

    `frozen` columns stay in sight with the header; those from `folded_from` on lie in a group that
    is closed at first. Columns of `states` are coloured by what they say, those of `wrapped` have
    their text on several lines.
    """

    name: str
    columns: Sequence[str]
    frozen: int = 0
    pages_wide: int = 1
    folded_from: int | None = None
    states: frozenset[str] = frozenset()
    wrapped: frozenset[str] = frozenset()


class LineSheet:
    """A header and lines, on as many sheets as they need."""

    def __init__(self, workbook: Workbook, formats: Formats, layout: SheetLayout) -> None:
        self.written = 0
        self._workbook = workbook
        self._formats = formats
        self._layout = layout
        self._count = 0
        self._widths = [_heading_width(name) for name in layout.columns]
        self._is_state = [name in layout.states for name in layout.columns]
        # What lies folded must not make the lines of what is in sight higher.
        in_sight = range(len(layout.columns))[: layout.folded_from]
        self._is_wrapped = [
            place in in_sight and name in layout.wrapped
            for place, name in enumerate(layout.columns)
        ]
        self._sheet: Worksheet = self._begin()

    def write(self, line: Sequence[Cell]) -> None:
        """Write one line, as wide as the header."""
        if self._line == MAX_SHEET_LINES or self._bytes >= MAX_SHEET_BYTES:
            self.end()
            self._sheet = self._begin()
        # Programs that do not measure text by themselves would lay it over the next row.
        if (text_lines := self._text_lines(line)) > 1:
            self._sheet.set_row(self._line, _LINE_HEIGHT * min(text_lines, _MOST_TEXT_LINES))
        for place, cell in enumerate(line):
            if cell is None or cell == "":
                continue
            self._bytes += _BYTES_AROUND_CELL
            if isinstance(cell, str):
                self._write_text(place, cell)
            elif isinstance(cell, Decimal):
                self._sheet.write_number(self._line, place, cell, self._formats.money)
            elif isinstance(cell, date):
                self._write_day(place, cell)
            else:
                self._sheet.write_number(self._line, place, cell, self._formats.number)
        self._line += 1
        self.written += 1

    def end(self) -> None:
        """Give the current sheet its filter, its widths and its folds."""
        sheet, layout = self._sheet, self._layout
        last_place = len(layout.columns) - 1
        sheet.autofilter(0, 0, max(self._line - 1, 0), last_place)
        # Ids are text on purpose; Excel would mark each of them with a warning.
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_SHEET_LINES}"})
        folded_from = len(layout.columns) if layout.folded_from is None else layout.folded_from
        for place, width in enumerate(self._widths):
            is_folded = place >= folded_from
            options = {"level": 1, "hidden": True} if is_folded else {}
            sheet.set_column(place, place, width, None, options)
        if folded_from <= last_place:
            sheet.set_column(last_place + 1, last_place + 1, None, None, {"collapsed": True})

    def _text_lines(self, line: Sequence[Cell]) -> int:
        return max(
            (
                -(-len(cell) // _WRAPPED_WIDTH)
                for place, cell in enumerate(line)
                if self._is_wrapped[place] and isinstance(cell, str)
            ),
            default=1,
        )

    def _write_text(self, place: int, cell: str) -> None:
        self._bytes += len(cell.encode())
        width = min(len(cell) + 2, _MOST_UNWRAPPED)
        if self._is_wrapped[place]:
            look, width = self._formats.wrapped, _WRAPPED_WIDTH + 2
        elif self._is_state[place]:
            look = self._formats.states.get(cell, self._formats.text)
        else:
            look = self._formats.text
        self._widths[place] = max(self._widths[place], width)
        self._sheet.write_string(self._line, place, cell, look)

    def _write_day(self, place: int, day: date) -> None:
        self._widths[place] = max(self._widths[place], _DATE_WIDTH)
        self._sheet.write_datetime(self._line, place, day, self._formats.day)

    def _begin(self) -> Worksheet:
        self._count += 1
        name = self._layout.name if self._count == 1 else f"{self._layout.name} {self._count}"
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, self._layout.frozen)
        sheet.set_row(0, _HEADING_HEIGHT)
        sheet.set_landscape()
        sheet.set_paper(_LETTER)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(self._layout.pages_wide, 0)
        sheet.repeat_rows(0)
        if self._layout.frozen:
            sheet.repeat_columns(0, self._layout.frozen - 1)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.outline_settings(symbols_right=True)
        for place, column in enumerate(self._layout.columns):
            sheet.write_string(0, place, column, self._formats.heading)
        self._line, self._bytes = 1, 0
        return sheet


def _heading_width(name: str) -> int:
    return max(_NARROWEST, min(len(name) + _ROOM_FOR_FILTER, _WIDEST_HEADING))
