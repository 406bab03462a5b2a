"""Physical lines to records, each with the line on which it begins.

Quoting is read strictly: a quotation mark that opens a cell must be followed, at the cell's end,
by a separator or a line's end. Where it is not, only the line on which the record began is given
up and reading goes on with the next one, so that a forgotten quotation mark spoils its own row
and never swallows those after it.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from claims_pipeline.intake.reading.lines import MAX_LINE_CHARACTERS

# How far a quoted cell may run over lines before its quotation mark counts as forgotten.
_MAX_RECORD_CHARACTERS = 2_000_000
# The module's limit holds for the whole interpreter, and lines are bounded already: it is raised
# beyond anything that gets here, never lowered.
csv.field_size_limit(max(csv.field_size_limit(), 4 * MAX_LINE_CHARACTERS))


BLANK = "blank line"


class LeftOut(NamedTuple):
    """A line of the file that is no row, and why."""

    line_number: int
    reason: str


@dataclass(slots=True, kw_only=True)
class RecordBatch:
    """Records in file order, with the `text` that they were cut from.

    `unclosed` are positions in `rows` of lines given up; `left_out` are lines between the rows; no
    record has more characters than `longest_record`.
    """

    rows: list[tuple[str, ...]] = field(default_factory=list)
    line_numbers: list[int] = field(default_factory=list)
    unclosed: set[int] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)
    text: str = ""
    longest_record: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRecord:
    """The header as it would read with one delimiter, and how many lines it takes."""

    cells: tuple[str, ...]
    line_count: int


def first_record(lines: Sequence[str], *, delimiter: str) -> FirstRecord | None:
    """The first record of `lines`, which does not begin with a blank line; None if malformed."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except csv.Error:
        return None
    return FirstRecord(cells=tuple(cells), line_count=reader.line_num)


def record_batches(
    batches: Iterable[Sequence[str]], *, delimiter: str, first_line_number: int
) -> Iterator[RecordBatch]:
    """Cut lines into records. Blank lines are no records: they are left out."""
    line_number = first_line_number
    pending: list[str] = []
    enough = 0
    for lines in batches:
        pending.extend(lines)
        if len(pending) < enough:
            continue
        batch = RecordBatch()
        used = _cut(pending, delimiter, line_number, batch, at_end=False)
        if used:
            _describe(batch, pending[:used])
            yield batch
            line_number += used
            del pending[:used]
        # What is left is the beginning of one record. Were it read again with every batch, a cell
        # of a million lines would cost the square of its length.
        enough = 2 * len(pending)
    if pending:
        batch = RecordBatch()
        _cut(pending, delimiter, line_number, batch, at_end=True)
        _describe(batch, pending)
        yield batch


def _describe(batch: RecordBatch, lines: Sequence[str]) -> None:
    batch.text = "".join(lines)
    one_line_each = len(lines) == len(batch.rows)
    batch.longest_record = max(map(len, lines)) if one_line_each else len(batch.text)


def _cut(
    lines: Sequence[str], delimiter: str, line_number: int, batch: RecordBatch, *, at_end: bool
) -> int:
    """Add the records of `lines` to `batch`; return how many lines are done with."""
    if _cut_one_line_each(lines, delimiter, line_number, batch):
        return len(lines)
    done = 0
    while done < len(lines):
        rest = map(lines.__getitem__, range(done, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        begun = 0
        try:
            for row in reader:
                _add(batch, row, line_number + done + begun)
                begun = reader.line_num
        except csv.Error:
            ran_out = done + reader.line_num >= len(lines)
            done += begun
            if ran_out and not at_end and not _is_too_long(lines, done):
                return done
            batch.unclosed.add(len(batch.rows))
            batch.rows.append(_as_it_stands(lines[done], delimiter))
            batch.line_numbers.append(line_number + done)
            done += 1
        else:
            return len(lines)
    return done


def _cut_one_line_each(
    lines: Sequence[str], delimiter: str, line_number: int, batch: RecordBatch
) -> bool:
    """The common case, several times faster: every line is a record."""
    try:
        rows = list(map(tuple, csv.reader(lines, delimiter=delimiter, strict=True)))
    except csv.Error:
        return False
    if len(rows) != len(lines) or min(map(len, rows), default=0) < 2 or not all(map(any, rows)):
        return False
    batch.rows = rows
    batch.line_numbers = list(range(line_number, line_number + len(rows)))
    return True


def _add(batch: RecordBatch, row: list[str], line_number: int) -> None:
    if any(row) and (len(row) > 1 or row[0].strip()):
        batch.rows.append(tuple(row))
        batch.line_numbers.append(line_number)
    else:
        batch.left_out.append(LeftOut(line_number, BLANK))


def _is_too_long(lines: Sequence[str], first: int) -> bool:
    characters = 0
    for line in islice(lines, first, None):
        characters += len(line)
        if characters > _MAX_RECORD_CHARACTERS:
            return True
    return False


def _as_it_stands(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(line.rstrip("\r\n").split(delimiter))
