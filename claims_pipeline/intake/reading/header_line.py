"""Where a text's header stands, and what separates its cells."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from claims_pipeline.intake.catalogue import refused
from claims_pipeline.intake.columns import REQUIRED_COLUMNS, ColumnMap, known_columns
from claims_pipeline.intake.headers.digest import header_digest
from claims_pipeline.intake.reading.records import first_record

DELIMITERS = (",", ";", "\t", "|", "^")
MOST_LINES_BEFORE_ROWS = 20
# A header whose cells run over several lines is read as far as this.
LINES_TO_FIND_IT_IN = 60

# Spreadsheet programs write this line to tell each other the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|^])"?\s*', re.IGNORECASE)
_BLANK = "\ufeff \t\r\n\0"
_GAP = re.compile(r" {2,}|\t+")
_REQUIRED = frozenset(REQUIRED_COLUMNS)
_LONGEST_HEADER = 1_000_000

# What somebody decided about a header with these names.
Decisions = Callable[[Sequence[str]], ColumnMap]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderLine:
    """The header's cells, the `line_count` lines that it takes after `lines_above`.

    `is_unwrapped`: each line is quoted as one cell, and is read without that.
    """

    cells: tuple[str, ...]
    delimiter: str
    lines_above: int
    line_count: int
    is_unwrapped: bool = False


def find_header(lines: Sequence[str], decisions: Decisions) -> HeaderLine:
    """The first of the first 20 lines that names the required columns, else the best of them.

    Raises:
        FileRefusedError: `no_usable_header` or `fixed_width`.

    """
    named = _SEPARATOR_LINE.fullmatch(lines[0].lstrip("\ufeff")) if len(lines) > 1 else None
    delimiters: Sequence[str] = named[1] if named else DELIMITERS
    first = 1 if named else 0
    best: tuple[int, HeaderLine] | None = None
    for at in range(first, min(len(lines), MOST_LINES_BEFORE_ROWS)):
        if not lines[at].strip(_BLANK):
            continue
        for found in _readings(lines, at, delimiters):
            known = known_columns(found.cells, decisions(found.cells))
            if known >= _REQUIRED:
                return found
            if best is None or len(known) > best[0]:
                best = len(known), found
    if any(_is_fixed_width(line) for line in lines[first:MOST_LINES_BEFORE_ROWS]):
        raise refused("fixed_width")
    if best is None:
        raise refused("no_usable_header")
    return best[1]


def _readings(lines: Sequence[str], at: int, delimiters: Sequence[str]) -> list[HeaderLine]:
    """A line as each separator would cut it, the one with the most known columns first."""
    found = []
    for delimiter in delimiters:
        record = first_record(lines[at : at + LINES_TO_FIND_IT_IN], delimiter=delimiter)
        if record is None or len(lines[at]) > _LONGEST_HEADER:
            continue
        header = HeaderLine(
            cells=record.cells, delimiter=delimiter, lines_above=at, line_count=record.line_count
        )
        found.append(header)
        if len(record.cells) == 1 and delimiter in record.cells[0] and record.line_count == 1:
            inner = next(csv.reader(record.cells, delimiter=delimiter), [])
            found.append(
                HeaderLine(
                    cells=tuple(inner),
                    delimiter=delimiter,
                    lines_above=at,
                    line_count=1,
                    is_unwrapped=True,
                )
            )
    return sorted(found, key=lambda header: -len(known_columns(header.cells)))


def unwrapped(batches: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """Lines without the quotation marks that make each of them one cell."""
    for lines in batches:
        yield [_unwrapped(line) for line in lines]


def _unwrapped(line: str) -> str:
    text = line.rstrip("\r\n")
    try:
        cells = next(csv.reader([text], delimiter="\x1f", strict=True), [])
    except csv.Error:
        return line
    return cells[0] + line[len(text) :] if len(cells) == 1 and text.startswith('"') else line


def _is_fixed_width(line: str) -> bool:
    return known_columns(_GAP.split(line.strip(_BLANK))) >= _REQUIRED


def decisions_for(explicit: ColumnMap, remembered: Mapping[str, ColumnMap]) -> Decisions:
    """What was decided about a header: now, or before about one with the same names."""

    def decided(cells: Sequence[str]) -> ColumnMap:
        return explicit or remembered.get(header_digest(cells), {}) if remembered else explicit

    return decided
