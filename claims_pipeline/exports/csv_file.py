"""The results as CSV."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import BinaryIO, TextIO

from claims_pipeline.exports.lines import Cell, amount_text, lines_of, result_columns
from claims_pipeline.model import AnsweredRow

_ROWS_AT_ONCE = 500


def write_csv(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    stream: BinaryIO,
    *,
    next_actions: Mapping[str, str],
    bom: bool,
) -> int:
    """Write all rows as UTF-8 CSV, row by row, and leave the stream open.

    Args:
        rows: The answered rows, in the order in which they are to stand.
        header: The input's own column names.
        stream: Where to write.
        next_actions: The sentence for each code of what to do next.
        bom: Whether to begin with a byte order mark, by which Excel knows UTF-8.

    Returns:
        The number of lines, the header not counted.

    """
    if bom:
        stream.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        csv.writer(text).writerow(result_columns(header))
        written = _write_rows(rows, header, text, next_actions)
    finally:
        text.detach()
    return written


def csv_chunks(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    *,
    next_actions: Mapping[str, str],
    bom: bool,
) -> Iterator[bytes]:
    """What `write_csv` writes, piece by piece, for a reader who takes it while it is made."""
    text = io.StringIO(newline="")
    text.write("\ufeff" if bom else "")
    csv.writer(text).writerow(result_columns(header))
    remaining = iter(rows)
    while _write_rows(islice(remaining, _ROWS_AT_ONCE), header, text, next_actions):
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def _write_rows(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    text: TextIO,
    next_actions: Mapping[str, str],
) -> int:
    writer = csv.writer(text)
    written = 0
    for row in rows:
        lines = lines_of(row, width=len(header), next_actions=next_actions)
        writer.writerows(map(_text, line) for line in lines)
        written += len(lines)
    return written


def _text(cell: Cell) -> str | int | None:
    return amount_text(cell) if isinstance(cell, Decimal) else cell
