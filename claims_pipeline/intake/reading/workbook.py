"""Excel workbooks as records: streamed, bounded, each cell as the text that it shows.

openpyxl reads a sheet row by row; what it would unpack is weighed before it unpacks anything, and
every cell and row is counted, empty ones too. Nothing is followed and nothing is run: links and
macros are not loaded, and of a formula only the stored value is taken.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from math import isfinite
from typing import IO, TYPE_CHECKING, BinaryIO

from claims_pipeline.intake.catalogue import refused
from claims_pipeline.intake.reading.records import BLANK, LeftOut, RecordBatch

if TYPE_CHECKING:
    from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_CONTENT_TYPES = "[Content_Types].xml"
_FIRST_PARTS = (_CONTENT_TYPES.encode(), b"xl/", b"_rels/", b"docProps/", b"customXml/")
_LOCAL_HEADER_BYTES = 30

# Sheets are streamed; the shared strings and the small parts are held in memory.
_MOST_SHEET_BYTES = 2 << 30
_MOST_STRING_BYTES = 96 << 20
_MOST_PART_BYTES = 16 << 20
_MOST_PARTS = 5_000
_MOST_CELLS = 60_000_000
# What Excel itself can hold.
_MOST_ROWS = 1_048_576
_MOST_SHEETS = 50

_BATCH_ROWS = 5_000
_MASK = re.compile(r"[0\-() ]*0[0\-() ]*")
_FORMAT_NOISE = re.compile(r'\\(.)|"([^"]*)"|;.*')


def refuse_other_archives(first: bytes) -> None:
    """Refuse an archive that by its first entry is no workbook.

    Raises:
        FileRefusedError: `archive`.

    """
    name = first[_LOCAL_HEADER_BYTES : _LOCAL_HEADER_BYTES + 200]
    if not name.startswith(_FIRST_PARTS):
        raise refused("archive")


@contextmanager
def seekable(first: bytes, stream: BinaryIO, *, max_bytes: int) -> Iterator[IO[bytes]]:
    """The whole stream, whose beginning was read, where it can be read from any place.

    What cannot be is held in memory: no copy of patients' data lies in a temporary folder.

    Raises:
        FileRefusedError: `file_too_large`.

    """
    if stream.seekable():
        if stream.seek(0, os.SEEK_END) > max_bytes:
            raise refused("file_too_large")
        stream.seek(0)
        yield stream
        return
    content = io.BytesIO(first + stream.read(max(0, max_bytes + 1 - len(first))))
    if len(content.getbuffer()) > max_bytes:
        raise refused("file_too_large")
    yield content


class OpenWorkbook:
    """A workbook whose size was weighed. Sheets can be read again and again."""

    def __init__(self, content: IO[bytes]) -> None:
        # Half a second of imports that no CSV needs.
        from openpyxl import load_workbook  # noqa: PLC0415

        _weigh(content)
        self._cells = 0
        with _unreadable_refused():
            self._workbook: Workbook = load_workbook(
                content, read_only=True, data_only=True, keep_links=False
            )

    def sheet_names(self) -> list[str]:
        """The names of the first sheets that are tables, those that are shown first."""
        sheets = self._workbook.worksheets
        shown = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
        hidden = [sheet for sheet in sheets if sheet.sheet_state != "visible"]
        return [sheet.title for sheet in (*shown, *hidden)][:_MOST_SHEETS]

    def rows(self, sheet_name: str) -> Iterator[tuple[str, ...]]:
        """The texts of each row of a sheet, from its first; empty rows are empty tuples.

        Raises:
            FileRefusedError: `workbook_too_large` or `workbook_unreadable`.

        """
        sheet: ReadOnlyWorksheet = self._workbook[sheet_name]
        # What the file says of its own size is not believed.
        sheet.reset_dimensions()
        # The stubs have the rows of a sheet that can be written.
        rows: Iterator[tuple[ReadOnlyCell | EmptyCell, ...]] = sheet.iter_rows()  # type: ignore[misc,assignment]
        number = 0
        while True:
            with _unreadable_refused():
                row = next(rows, None)
            if row is None:
                return
            number += 1
            self._cells += len(row)
            if number > _MOST_ROWS or self._cells > _MOST_CELLS:
                raise refused("workbook_too_large")
            yield _texts(row)


def record_batches(
    rows: Iterable[tuple[str, ...]], *, first_line_number: int, width: int
) -> Iterator[RecordBatch]:
    """The rows in batches as those of a text, at least `width` wide; lines are the sheet's rows."""
    batch = RecordBatch()
    for line_number, row in enumerate(rows, start=first_line_number):
        if row:
            batch.rows.append((*row, *[""] * (width - len(row))))
            batch.line_numbers.append(line_number)
        else:
            batch.left_out.append(LeftOut(line_number, BLANK))
        if len(batch.rows) + len(batch.left_out) >= _BATCH_ROWS:
            yield _described(batch)
            batch = RecordBatch()
    yield _described(batch)


def _described(batch: RecordBatch) -> RecordBatch:
    lines = ["\n".join(row) for row in batch.rows]
    batch.text = "\n".join(lines)
    batch.longest_record = max(map(len, lines), default=0)
    return batch


def _weigh(content: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(content) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise refused("workbook_unreadable") from None
    names = {part.filename for part in parts}
    if _CONTENT_TYPES not in names or not any(name.startswith("xl/") for name in names):
        raise refused("archive")
    sheets = strings = 0
    for part in parts:
        if part.filename.startswith("xl/worksheets/"):
            sheets += part.file_size
        elif part.filename.casefold() == "xl/sharedstrings.xml":
            strings += part.file_size
        elif part.file_size > _MOST_PART_BYTES and part.filename.endswith((".xml", ".rels")):
            raise refused("workbook_too_large")
    if sheets > _MOST_SHEET_BYTES or strings > _MOST_STRING_BYTES or len(parts) > _MOST_PARTS:
        raise refused("workbook_too_large")


@contextmanager
def _unreadable_refused() -> Iterator[None]:
    """A damaged workbook breaks the library in many ways, with its cells in the exception."""
    is_unreadable = False
    try:
        yield
    except MemoryError:
        raise
    except Exception:
        is_unreadable = True
    if is_unreadable:
        raise refused("workbook_unreadable") from None


def _texts(row: "Iterable[ReadOnlyCell | EmptyCell]") -> tuple[str, ...]:
    """What the cells show; empty when none shows anything."""
    texts = [_shown(cell) for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _shown(cell: "ReadOnlyCell | EmptyCell") -> str:
    match cell.value:
        case None:
            return ""
        case str(text):
            return text
        case bool(truth):
            return str(truth).upper()
        case int(number) | float(number):
            return _number(number, cell.number_format or "")
        case datetime() as instant:
            day = f"{instant:%m/%d/%Y}"
            return day if instant.time() == time() else f"{day} {instant:%H:%M:%S}"
        case other:
            return f"{other:%m/%d/%Y}" if isinstance(other, date) else str(other)


def _number(value: float, number_format: str) -> str:
    """The digits that are shown: with the zeros and hyphens of formats such as 00-0000000."""
    if not isfinite(value):
        return ""
    if value != int(value):
        return repr(round(value, 10))
    digits = str(int(value))
    mask = _FORMAT_NOISE.sub(lambda found: found[1] or found[2] or "", number_format)
    if value < 0 or not _MASK.fullmatch(mask):
        return digits
    places = mask.count("0")
    digits = digits.zfill(places)
    masked = iter(digits[len(digits) - places :])
    return digits[: len(digits) - places] + "".join(
        next(masked) if sign == "0" else sign for sign in mask
    )
