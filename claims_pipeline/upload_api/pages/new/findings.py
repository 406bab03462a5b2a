"""What a check found, laid out to be shown: rejected rows as they stand, their faults marked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from claims_pipeline.intake import ROW_ERRORS
from claims_pipeline.intake.columns import position_of
from claims_pipeline.model import RejectedRow
from claims_pipeline.preflight.check import FileCheck

MOST_SHOWN_ROWS = 50
_MOST_SHOWN_COLUMNS = 16
_MOST_SHOWN_COLUMN_READINGS = 60
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
    header: str | None = field(repr=False)
    message: str
    cells: tuple[ShownCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownColumn:
    """A column of the file: what it was read as, what was decided, what is to be decided."""

    header: str = field(repr=False)
    read_as: str | None
    may_be: str | None
    decided: str | None


def shown_columns(found: FileCheck, column_map: Mapping[str, str]) -> tuple[ShownColumn, ...]:
    """The file's columns: those that need a decision first, then as they stand.

    Where the file is not refused, nothing has to be decided about a column that is not read.
    """
    columns = (
        ShownColumn(
            header=read.header,
            read_as=read.read_as,
            may_be=read.may_be if found.file_error else None,
            decided=column_map.get(read.header),
        )
        for read in found.column_readings
        if read.header
    )
    in_order = sorted(columns, key=lambda column: (not column.decided, not column.may_be))
    return tuple(in_order[:_MOST_SHOWN_COLUMN_READINGS])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGroup:
    """A fault that `rows` have, and the lines of the first of them."""

    header: str | None = field(repr=False)
    message: str
    rows: int
    line_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownErrors:
    """All rejected rows by fault, and the first of them under the file's own column names.

    Only columns that are read are shown; `left_out` others are not.
    """

    groups: tuple[ShownGroup, ...]
    columns: tuple[str, ...] = field(repr=False)
    rows: tuple[ShownRow, ...]
    left_out: int


def shown_errors(found: FileCheck) -> ShownErrors:
    """The rejected rows of a check, as many as fit a page."""
    at = sorted(found.columns.values())[:_MOST_SHOWN_COLUMNS]
    return ShownErrors(
        groups=tuple(
            ShownGroup(
                header=found.header_of(group.column) or group.column,
                message=ROW_ERRORS[group.code],
                rows=group.rows,
                line_numbers=group.line_numbers,
            )
            for group in found.error_groups
        ),
        columns=tuple(_shortened(found.header[position]) for position in at),
        rows=tuple(_shown_row(row, at, found) for row in found.rejected[:MOST_SHOWN_ROWS]),
        left_out=len(found.header) - len(at),
    )


def _shown_row(row: RejectedRow, at: list[int], found: FileCheck) -> ShownRow:
    faults = {position_of(found.columns, column) for column in (row.column, *row.also_wrong)}
    cells = tuple(
        ShownCell(
            text=_shortened(row.cells[position]) if position < len(row.cells) else "",
            is_fault=position in faults,
        )
        for position in at
    )
    return ShownRow(
        line_number=row.line_number,
        header=found.header_of(row.column) or row.column,
        message=row.message,
        cells=cells,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
