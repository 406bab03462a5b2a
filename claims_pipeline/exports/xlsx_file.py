"""The results as an Excel workbook."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from claims_pipeline.exports.lines import Line, lines_of, result_columns
from claims_pipeline.model import AnsweredRow
from claims_pipeline.results_file.columns import RESULT_COLUMNS

MAX_SHEET_LINES = 1_048_576  # Excel's own limit, the header included
# A part of a zip archive may have 2 GiB without an extension that makes Excel warn of a damaged
# file. Half of that leaves room for what XML writes in more characters than a cell has.
MAX_SHEET_BYTES = 2**30
_BYTES_AROUND_CELL = 64

_WIDTHS = {
    12: ("searched_from", "searched_to", "tin", "payer_id", "search", "outcome", "success"),
    18: (
        "claim_status",
        "matched_by",
        "payer_claim_number",
        "payer_subscriber_id",
        "payment_number",
        "checked_at_utc",
    ),
    24: ("rendering_provider", "denial_codes", "remark_codes", "error_code"),
    48: ("status_description", "status_details", "denial_reasons", "remarks"),
    68: ("next_action", "match_note", "error_message"),
}
_WIDTH_BY_NAME = {name: width for width, names in _WIDTHS.items() for name in names}
_OWN_WIDTH = 16
_ROOM_FOR_FILTER = 4
_MAX_NAME_WIDTH = 30


def write_xlsx(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    stream: BinaryIO,
    *,
    next_actions: Mapping[str, str],
    scratch: Path,
) -> int:
    """Write all rows as a workbook, row by row, and leave the stream open.

    Ids, dates and the input's own cells are text, amounts and counts are numbers. What does not
    fit on a sheet goes on to the next. Excel holds at most 32,767 characters in a cell; longer
    ones are cut here and whole in the CSV.

    Args:
        rows: The answered rows, in the order in which they are to stand.
        header: The input's own column names.
        stream: Where to write.
        next_actions: The sentence for each code of what to do next.
        scratch: A folder of the caller's, in which the sheets are first written. They hold
            patients' data, so it is not the system's temporary folder.

    Returns:
        The number of lines, headers not counted.

    Raises:
        OSError: the disk is full, or the like.

    """
    columns = result_columns(header)
    workbook = Workbook(stream, {"constant_memory": True, "tmpdir": str(scratch)})
    # Used where an archive cannot do without: a workbook with a warning is better than none.
    workbook.use_zip64()
    book = _Book(workbook, columns)
    for row in rows:
        for line in lines_of(row, width=len(header), next_actions=next_actions):
            book.write(line)
    book.close()
    return book.written


class _Book:
    """A workbook that begins a new sheet when one is full."""

    def __init__(self, workbook: Workbook, columns: Sequence[str]) -> None:
        self.written = 0
        self._workbook = workbook
        self._columns = columns
        self._heading: Format = workbook.add_format({"bold": True, "bottom": 1})
        self._money: Format = workbook.add_format({"num_format": "#,##0.00"})
        self._sheet: Worksheet = self._begin_sheet()

    def write(self, line: Line) -> None:
        if self._line == MAX_SHEET_LINES or self._bytes >= MAX_SHEET_BYTES:
            self._end_sheet()
            self._sheet = self._begin_sheet()
        for place, cell in enumerate(line):
            if cell is None or cell == "":
                continue
            self._bytes += _BYTES_AROUND_CELL
            if isinstance(cell, str):
                self._bytes += len(cell.encode())
                self._sheet.write_string(self._line, place, cell)
            elif isinstance(cell, Decimal):
                self._sheet.write_number(self._line, place, cell, self._money)
            else:
                self._sheet.write_number(self._line, place, cell)
        self._line += 1
        self.written += 1

    def close(self) -> None:
        self._end_sheet()
        try:
            self._workbook.close()
        except FileCreateError as error:
            # The library hides the operating system's error in one of its own.
            raise OSError("the workbook could not be written") from error

    def _begin_sheet(self) -> Worksheet:
        number = len(self._workbook.worksheets()) + 1
        sheet = self._workbook.add_worksheet("Results" if number == 1 else f"Results {number}")
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(self._columns):
            sheet.set_column(place, place, _width(name))
            sheet.write_string(0, place, name, self._heading)
        self._line, self._bytes = 1, 0
        return sheet

    def _end_sheet(self) -> None:
        last_line, last_place = max(self._line - 1, 0), len(self._columns) - 1
        self._sheet.autofilter(0, 0, last_line, last_place)
        # Ids are text on purpose; Excel would mark each of them with a warning.
        everywhere = f"A1:XFD{MAX_SHEET_LINES}"
        self._sheet.ignore_errors({"number_stored_as_text": everywhere})


def _width(name: str) -> int:
    usual = _WIDTH_BY_NAME.get(name, 0 if name in RESULT_COLUMNS else _OWN_WIDTH)
    return max(usual, min(len(name) + _ROOM_FOR_FILTER, _MAX_NAME_WIDTH))
