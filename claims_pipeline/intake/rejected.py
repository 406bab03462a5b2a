"""The rejected-rows file: what the analyst sent, and why it could not be asked."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from claims_pipeline.intake.headers.our_columns import REJECTED_ROW_COLUMNS
from claims_pipeline.model import RejectedRow
from claims_pipeline.results_file.columns import written_name
from claims_pipeline.results_file.formulas import neutralised

_BYTE_ORDER_MARK = "\ufeff"
_ROWS_AT_A_TIME = 1_000


def rejected_rows_csv(
    header: Sequence[str], rejected: Iterable[RejectedRow], *, byte_order_mark: bool = True
) -> Iterator[bytes]:
    """UTF-8 CSV: each rejected row's own cells, then its number, code, column and message.

    Corrected, it uploads as it is: intake drops the added columns. Cells beyond the header stand
    behind the message, so that a row with too many cells is still one until it is corrected.
    """
    ours = frozenset(REJECTED_ROW_COLUMNS)
    names = [neutralised(written_name(name, ours)) for name in header]
    text = io.StringIO(newline="")
    if byte_order_mark:
        text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow([*names, *REJECTED_ROW_COLUMNS])
    remaining = iter(rejected)
    while rows := list(islice(remaining, _ROWS_AT_A_TIME)):
        writer.writerows(_line(row, width=len(header)) for row in rows)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def _line(row: RejectedRow, *, width: int) -> list[str]:
    cells = [neutralised(cell) for cell in row.cells]
    cells.extend([""] * (width - len(cells)))
    ours = (str(row.row_number), row.code, row.column or "", row.message)
    return [*cells[:width], *ours, *cells[width:]]
