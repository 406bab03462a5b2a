"""Where a file's rows begin, and how they are laid out: a text's or a workbook's."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from claims_pipeline.intake.catalogue import refused
from claims_pipeline.intake.columns import (
    REQUIRED_COLUMNS,
    Layout,
    known_columns,
    layout_of,
    undecided,
)
from claims_pipeline.intake.headers.cells import looks_like
from claims_pipeline.intake.headers.digest import header_digest
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.intake.reading.header_line import (
    LINES_TO_FIND_IT_IN,
    MOST_LINES_BEFORE_ROWS,
    Decisions,
    find_header,
    unwrapped,
)
from claims_pipeline.intake.reading.kinds import ZIP_SIGNATURE
from claims_pipeline.intake.reading.left_out import ABOVE_THE_HEADER, LeftOutLines, LineFilter
from claims_pipeline.intake.reading.lines import TextBlocks, first_block, line_batches
from claims_pipeline.intake.reading.records import BLANK, LeftOut, RecordBatch, record_batches
from claims_pipeline.intake.reading.workbook import (
    OpenWorkbook,
    refuse_other_archives,
    seekable,
)
from claims_pipeline.intake.reading.workbook import record_batches as workbook_batches

_BLANK_SIGNS = "\ufeff \t\r\n\0"


@dataclass(slots=True, kw_only=True)
class Table:
    """Where a file's rows begin, and how they are laid out."""

    layout: Layout
    batches: Iterator[RecordBatch]
    digest: str
    blocks: TextBlocks | None = None
    left_out: LeftOutLines = field(default_factory=LeftOutLines)
    record_count: int = 0
    rows: int = 0

    def leave_out(self, above: Sequence[LeftOut]) -> None:
        """Count the lines above the header."""
        self.record_count += len(above)
        self.left_out.add(above)

    def records(self) -> Iterator[RecordBatch]:
        """The file's rows; lines that are none go to `left_out`.

        Records are counted as they were cut, before any of them is left out: what is lost on the
        way shows (I1).
        """
        lines = LineFilter(self.layout)
        for cut in self.batches:
            self.record_count += len(cut.rows) + len(cut.left_out)
            batch = lines.apply(cut)
            self.left_out.add(batch.left_out)
            self.rows += len(batch.rows)
            yield batch


def open_table(stream: BinaryIO, *, max_bytes: int, decisions: Decisions) -> Table:
    """Find a file's header and what follows it, by what kind of file it is.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    first = first_block(stream)
    if first.startswith(ZIP_SIGNATURE):
        if len(first) > max_bytes:
            raise refused("file_too_large")
        refuse_other_archives(first)
        return _workbook_table(first, stream, max_bytes=max_bytes, decisions=decisions)
    return _text_table(first, stream, max_bytes=max_bytes, decisions=decisions)


def _text_table(first: bytes, stream: BinaryIO, *, max_bytes: int, decisions: Decisions) -> Table:
    blocks = TextBlocks(stream, max_bytes=max_bytes, first=first)
    batches = line_batches(blocks)
    skipped = 0
    head: list[str] = []
    for lines in batches:
        head += lines
        if not head[0].strip(_BLANK_SIGNS):
            blank = next(
                (at for at, line in enumerate(head) if line.strip(_BLANK_SIGNS)), len(head)
            )
            skipped, head = skipped + blank, head[blank:]
        if len(head) >= LINES_TO_FIND_IT_IN:
            break
    if not head:
        raise refused("file_empty")
    found = find_header(head, decisions)
    rest: Iterator[Sequence[str]] = chain([head[found.lines_above + found.line_count :]], batches)
    table = Table(
        layout=layout_of(found.cells, decisions(found.cells)),
        digest=header_digest(found.cells),
        blocks=blocks,
        batches=record_batches(
            unwrapped(rest) if found.is_unwrapped else rest,
            delimiter=found.delimiter,
            first_line_number=skipped + found.lines_above + found.line_count + 1,
        ),
    )
    above = [bool(line.strip(_BLANK_SIGNS)) for line in head[: found.lines_above]]
    table.leave_out(_above(skipped, above))
    return table


def _above(skipped: int, is_filled: Sequence[bool]) -> list[LeftOut]:
    """The lines above the header."""
    return [
        *(LeftOut(number, BLANK) for number in range(1, skipped + 1)),
        *(
            LeftOut(number, ABOVE_THE_HEADER if filled else BLANK)
            for number, filled in enumerate(is_filled, start=skipped + 1)
        ),
    ]


def _workbook_table(
    first: bytes, stream: BinaryIO, *, max_bytes: int, decisions: Decisions
) -> Table:
    """The first sheet that names the required columns, else the one that names the most."""
    closing = ExitStack()
    content = closing.enter_context(seekable(first, stream, max_bytes=max_bytes))
    workbook = OpenWorkbook(content)
    found = _best_header(workbook, decisions)
    if found is None:
        raise refused("file_empty")
    rows = workbook.rows(found.sheet)
    above = [bool(next(rows)) for _ in range(found.at)]
    next(rows)
    table = Table(
        layout=layout_of(found.cells, decisions(found.cells)),
        digest=header_digest(found.cells),
        batches=_closed_after(
            workbook_batches(rows, first_line_number=found.at + 2, width=len(found.cells)), closing
        ),
    )
    table.leave_out(_above(0, above))
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class _SheetHeader:
    sheet: str
    at: int
    cells: tuple[str, ...]


def _best_header(workbook: OpenWorkbook, decisions: Decisions) -> _SheetHeader | None:
    """The first header that names the required columns, else the one that names the most."""
    best, most = None, -1
    for sheet in workbook.sheet_names():
        for at, row in zip(range(MOST_LINES_BEFORE_ROWS), workbook.rows(sheet), strict=False):
            known = known_columns(row, decisions(row))
            if row and (len(known) > most or known >= set(REQUIRED_COLUMNS)):
                best, most = _SheetHeader(sheet=sheet, at=at, cells=row), len(known)
            if known >= set(REQUIRED_COLUMNS):
                return best
    return best


def _closed_after(batches: Iterator[RecordBatch], closing: ExitStack) -> Iterator[RecordBatch]:
    with closing:
        yield from batches


def require_certainty(layout: Layout, batch: RecordBatch) -> None:
    """Refuse, by a file's first rows, what somebody has to decide."""
    undecided(layout, looks_like(layout, batch.rows))
    _require_split_names(layout, batch)


def _require_split_names(layout: Layout, batch: RecordBatch) -> None:
    """Refuse a file whose column of names has no comma that would tell last from first."""
    position = layout.columns.get(PATIENT_NAME)
    if position is None:
        return
    names = [row[layout.kept[position]] for row in batch.rows if len(row) == layout.file_width]
    if any(name.strip() for name in names) and not any("," in n or "^" in n for n in names):
        raise refused("name_not_split")
