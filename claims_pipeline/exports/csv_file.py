"""The results as CSV."""

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import BinaryIO

from claims_pipeline.exports.lines import Cell, amount_text, lines_of, result_columns
from claims_pipeline.model import AnsweredRow


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
        writer = csv.writer(text)
        writer.writerow(result_columns(header))
        written = 0
        for row in rows:
            lines = lines_of(row, width=len(header), next_actions=next_actions)
            writer.writerows(map(_text, line) for line in lines)
            written += len(lines)
    finally:
        text.detach()
    return written


def _text(cell: Cell) -> str | int | None:
    return amount_text(cell) if isinstance(cell, Decimal) else cell
