"""The results as an Excel workbook, for a person: what to do, claims, lines, rejected rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from claims_pipeline.exports.lines import Line, lines_of, result_columns, safe
from claims_pipeline.exports.service_lines import service_lines_of
from claims_pipeline.exports.work import Work
from claims_pipeline.exports.work_sheet import write_work
from claims_pipeline.exports.xlsx_sheets import Formats, LineSheet, SheetLayout
from claims_pipeline.model import AnsweredRow, Outcome
from claims_pipeline.results_file.columns import LINE_COLUMNS, RESULT_COLUMNS, WORK_COLUMNS

CLAIMS_SHEET = "Claims"
_WRAPPED = frozenset(
    {
        "adjustment_reasons",
        "denial_reasons",
        "error_message",
        "match_note",
        "next_action",
        "remarks",
        "status_description",
        "status_details",
    }
)
_REJECTED_COLUMNS = ("row_number", "line_number", "error_column", "error_message", "error_code")


@contextmanager
def workbook_writer(
    header: Sequence[str],
    stream: BinaryIO,
    *,
    name_positions: Sequence[int],
    next_actions: Mapping[str, str],
    scratch: Path,
) -> Iterator["ResultsBook"]:
    """A workbook to which answered rows are added; the stream stays open.

    Ids and the input's own cells are text; days, amounts and counts are values. What does not fit
    on a sheet goes on to the next. Excel holds at most 32,767 characters in a cell; longer ones are
    cut here and whole in the CSV.

    Args:
        header: The input's own column names.
        stream: Where to write.
        name_positions: Which of these columns hold the patient's name; they stay in sight.
        next_actions: The sentence for each code of what to do next.
        scratch: A folder of the caller's, in which the sheets are first written. They hold
            patients' data, so it is not the system's temporary folder.

    Raises:
        OSError: the disk is full, or the like.

    """
    workbook = Workbook(stream, {"constant_memory": True, "tmpdir": str(scratch)})
    # Used where an archive cannot do without: a workbook with a warning is better than none.
    workbook.use_zip64()
    book = ResultsBook(workbook, header, name_positions, next_actions)
    yield book
    book.end()
    try:
        workbook.close()
    except FileCreateError as error:
        # The library hides the operating system's error in one of its own.
        raise OSError("the workbook could not be written") from error


def write_xlsx(
    rows: Iterable[AnsweredRow],
    header: Sequence[str],
    stream: BinaryIO,
    *,
    name_positions: Sequence[int],
    next_actions: Mapping[str, str],
    scratch: Path,
) -> int:
    """Write all rows as a workbook (see `workbook_writer`); returns the lines of results."""
    with workbook_writer(
        header,
        stream,
        name_positions=name_positions,
        next_actions=next_actions,
        scratch=scratch,
    ) as book:
        for row in rows:
            book.add(row, lines_of(row, width=len(header), next_actions=next_actions))
    return book.written


class ResultsBook:
    """The sheets "Work", "Claims", "Lines" and "Rejected rows"."""

    def __init__(
        self,
        workbook: Workbook,
        header: Sequence[str],
        name_positions: Sequence[int],
        next_actions: Mapping[str, str],
    ) -> None:
        self._work = Work()
        self._next_actions = next_actions
        self._width = len(header)
        columns = result_columns(header)
        self._order = _person_first(columns, name_positions)
        self._formats = Formats(workbook)
        self._workbook = workbook
        self._work_sheet: Worksheet = workbook.add_worksheet("Work")
        self._claims = LineSheet(
            workbook,
            self._formats,
            SheetLayout(
                name=CLAIMS_SHEET,
                columns=[columns[place] for place in self._order],
                frozen=len(name_positions),
                pages_wide=2,
                folded_from=len(name_positions) + len(WORK_COLUMNS),
                states=frozenset({"outcome", "claim_status"}),
                wrapped=_WRAPPED,
            ),
        )
        self._lines: LineSheet | None = None
        self._rejected: LineSheet | None = None
        self._header = columns[: self._width]

    @property
    def written(self) -> int:
        """How many lines of results there are so far."""
        return self._claims.written

    def add(self, row: AnsweredRow, lines: Iterable[Line]) -> None:
        """Add a row; `lines` are those that `lines_of` gives for it."""
        self._work.add(row)
        for line in lines:
            self._claims.write([line[place] for place in self._order])
        for line in service_lines_of(row):
            self._lines = self._lines or self._line_sheet()
            self._lines.write(line)
        if row.result.outcome is Outcome.REJECTED:
            self._rejected = self._rejected or self._rejected_sheet()
            self._rejected.write(_rejected_line(row, self._width))

    def end(self) -> None:
        """Write what is known only now."""
        for sheet in (self._claims, self._lines, self._rejected):
            if sheet is not None:
                sheet.end()
        write_work(self._work_sheet, self._work, self._formats, next_actions=self._next_actions)

    def _line_sheet(self) -> LineSheet:
        layout = SheetLayout(
            name="Lines",
            columns=tuple(LINE_COLUMNS),
            frozen=2,
            states=frozenset({"claim_status"}),
            wrapped=_WRAPPED,
        )
        return LineSheet(self._workbook, self._formats, layout)

    def _rejected_sheet(self) -> LineSheet:
        layout = SheetLayout(
            name="Rejected rows", columns=(*_REJECTED_COLUMNS, *self._header), wrapped=_WRAPPED
        )
        return LineSheet(self._workbook, self._formats, layout)


def _person_first(columns: Sequence[str], name_positions: Sequence[int]) -> list[int]:
    """Positions of the columns: the patient's name, what is worked with, then all else."""
    ours = len(columns) - len(RESULT_COLUMNS)
    worked = range(ours, ours + len(WORK_COLUMNS))
    first = [*name_positions, *worked]
    return [*first, *(place for place in range(len(columns)) if place not in set(first))]


def _rejected_line(row: AnsweredRow, width: int) -> Line:
    cells = (*row.row.cells[:width], *[""] * (width - len(row.row.cells)))
    result = row.result
    return (
        row.row.row_number,
        row.row.line_number,
        result.error_column,
        result.error_message,
        result.error_code,
        *map(safe, cells),
    )
