"""The results, and the service lines of their claims, as CSV."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

from claims_pipeline.exports.lines import Line, cell_text, lines_of, result_columns, safe
from claims_pipeline.exports.service_lines import service_lines_of
from claims_pipeline.model import AnsweredRow
from claims_pipeline.results_file.columns import LINE_COLUMNS, RESULT_COLUMNS, WORK_COLUMNS

_LINES_AT_ONCE = 500
_PRIMARY_AT = list(RESULT_COLUMNS).index("primary")


@contextmanager
def csv_writer(
    columns: Iterable[str], stream: BinaryIO, *, bom: bool
) -> Iterator[Callable[[Iterable[Line]], None]]:
    """Write a header to the stream, then lines, as UTF-8; the stream stays open.

    With `bom` a byte order mark stands first, by which Excel knows UTF-8.
    """
    if bom:
        stream.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    try:
        yield lambda lines: writer.writerows(map(cell_text, line) for line in lines)
    finally:
        text.detach()


def csv_chunks(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    *,
    next_actions: Mapping[str, str],
    bom: bool,
) -> Iterator[bytes]:
    """The results, piece by piece, for a reader who takes them while they are made."""
    lines = chain.from_iterable(
        lines_of(row, width=len(header), next_actions=next_actions) for row in rows
    )
    return _chunks(result_columns(header), lines, bom=bom)


def copied_text(
    rows: Iterable[AnsweredRow], *, name_positions: Sequence[int], next_actions: Mapping[str, str]
) -> Iterator[bytes]:
    """The names and what one works with, a line for each row, to be pasted into a spreadsheet.

    Cells stand between tabs. `name_positions` are the columns of the file that name the patient.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, dialect="excel-tab")
    writer.writerow(["patient", *WORK_COLUMNS])
    for row in rows:
        name = " ".join(
            row.row.cells[at].strip() for at in name_positions if at < len(row.row.cells)
        )
        line = next(
            line
            for line in lines_of(row, width=0, next_actions=next_actions)
            if line[_PRIMARY_AT] == "Y"
        )
        writer.writerow([safe(name), *map(cell_text, line[: len(WORK_COLUMNS)])])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def service_line_chunks(rows: Iterable[AnsweredRow], *, bom: bool) -> Iterator[bytes]:
    """The service lines in the same way."""
    return _chunks(LINE_COLUMNS, chain.from_iterable(map(service_lines_of, rows)), bom=bom)


def _chunks(columns: Iterable[str], lines: Iterable[Line], *, bom: bool) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    text.write("\ufeff" if bom else "")
    writer = csv.writer(text)
    writer.writerow(columns)
    for number, line in enumerate(lines, start=1):
        writer.writerow(map(cell_text, line))
        if number % _LINES_AT_ONCE == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    if text.tell():
        yield text.getvalue().encode()
