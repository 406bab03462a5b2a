"""What a check found, laid out to be shown: rejected rows as they stand, their faults marked."""

from dataclasses import dataclass, field

from claims_pipeline.model import RejectedRow
from claims_pipeline.preflight.check import FileCheck

MOST_SHOWN_ROWS = 50
_MOST_SHOWN_COLUMNS = 16
_LONGEST_CELL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCell:
    """A cell of the file; patients' data."""

    text: str = field(repr=False)
    is_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A rejected row. Without a faulty cell among `cells` it is at fault as a whole."""

    line_number: int
    column: str | None
    message: str
    cells: tuple[ShownCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownErrors:
    """The first rejected rows under the file's own column names.

    Only columns that are read are shown; `left_out` others are not.
    """

    columns: tuple[str, ...] = field(repr=False)
    rows: tuple[ShownRow, ...]
    left_out: int


def shown_errors(found: FileCheck) -> ShownErrors:
    """The rejected rows of a check, as many as fit a page."""
    at = sorted(found.columns.values())[:_MOST_SHOWN_COLUMNS]
    return ShownErrors(
        columns=tuple(_shortened(found.header[position]) for position in at),
        rows=tuple(
            _shown_row(row, at, found.columns.get(row.column or ""))
            for row in found.rejected[:MOST_SHOWN_ROWS]
        ),
        left_out=len(found.header) - len(at),
    )


def _shown_row(row: RejectedRow, at: list[int], fault_at: int | None) -> ShownRow:
    cells = tuple(
        ShownCell(
            text=_shortened(row.cells[position]) if position < len(row.cells) else "",
            is_fault=position == fault_at,
        )
        for position in at
    )
    return ShownRow(
        line_number=row.line_number,
        column=row.column,
        message=row.message,
        cells=cells,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
