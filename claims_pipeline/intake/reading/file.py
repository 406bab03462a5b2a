"""A byte stream to chunks of requests and rejected rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from claims_pipeline.intake.catalogue import WARNINGS, refused
from claims_pipeline.intake.columns import (
    REQUIRED_COLUMNS,
    ColumnMap,
    ColumnReading,
    Layout,
    known_columns,
    layout_of,
    undecided,
)
from claims_pipeline.intake.context import IntakeContext
from claims_pipeline.intake.headers.cells import looks_like
from claims_pipeline.intake.headers.digest import header_digest
from claims_pipeline.intake.headers.meanings import PATIENT_NAME
from claims_pipeline.intake.reading.header_line import (
    LINES_TO_FIND_IT_IN,
    MOST_LINES_BEFORE_ROWS,
    Decisions,
    decisions_for,
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
from claims_pipeline.intake.rows import Chunk, RowReader
from claims_pipeline.intake.tally import IntakeWarning
from claims_pipeline.model.gc_pause import collection_paused

_BLANK_SIGNS = "\ufeff \t\r\n\0"
_NOTHING_REMEMBERED: Mapping[str, ColumnMap] = {}


@dataclass(slots=True, kw_only=True)
class _Table:
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


class Reading:
    """One file whose header is understood. Its rows can be read once."""

    def __init__(
        self, *, table: _Table, context: IntakeContext, records: Iterator[RecordBatch]
    ) -> None:
        self._table = table
        self._context = context
        self._records = records

    @property
    def header(self) -> tuple[str, ...]:
        """The file's own column names in order, without columns that we had added."""
        return self._table.layout.header

    @property
    def columns(self) -> dict[str, int]:
        """Canonical column name to its position in the header and in a row's cells."""
        return dict(self._table.layout.columns)

    @property
    def column_readings(self) -> tuple[ColumnReading, ...]:
        """What each column of the header was read as."""
        return self._table.layout.readings

    @property
    def header_digest(self) -> str:
        """What decisions about the columns of such a file are kept by."""
        return self._table.digest

    @property
    def records(self) -> int:
        """How many records the file has, those left out included; right once all was read."""
        return self._table.record_count

    @property
    def left_out(self) -> int:
        """How many of the records were left out; right once all was read."""
        return self._table.left_out.count

    @property
    def left_out_lines(self) -> tuple[LeftOut, ...]:
        """The first ten thousand of the lines left out, with why; right once all was read."""
        return tuple(self._table.left_out.listed)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in file order, about 20,000 at a time.

        Raises:
            FileRefusedError: `too_many_rows`, `file_too_large`, `line_too_long`,
                `workbook_too_large` or `workbook_unreadable`, after any number of chunks.

        """
        reader = RowReader(self._table.layout, self._context)
        while True:
            with collection_paused():
                batch = next(self._records, None)
                chunk = reader.read(batch) if batch else None
            if chunk is None:
                break
            yield chunk
        counts = {**self._file_warning_counts(), **reader.tally.all_counts()}
        warnings = tuple(
            IntakeWarning(
                code=code,
                message=message,
                count=counts[code],
                line_numbers=tuple(reader.tally.lines.get(code, ())),
            )
            for code, message in WARNINGS.items()
            if counts.get(code)
        )
        if warnings:
            yield Chunk(warnings=warnings)

    def _file_warning_counts(self) -> dict[str, int]:
        layout, blocks = self._table.layout, self._table.blocks
        return {
            "decoded_as_windows_1252": int(blocks is not None and blocks.encoding == "cp1252"),
            "unread_columns": len(layout.header) - len(layout.columns),
            "lines_left_out": self._table.left_out.count,
        }


def read(stream: BinaryIO, context: IntakeContext) -> Reading:
    """Understand a file's kind, encoding, dialect and header; rows follow from `Reading.chunks`.

    The first megabyte of a text is read at once, the rest with the chunks; the stream is not
    closed. A workbook is read to its end at once, and unpacked with the chunks. Memory does not
    grow with the rows, but for 16 bytes and a number for each.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    decisions = decisions_for(context.column_map, context.remembered)
    table = _table(stream, max_bytes=context.max_bytes, decisions=decisions)
    records = table.records()
    for batch in records:
        if batch.rows:
            _require_certainty(table.layout, batch)
            return Reading(table=table, context=context, records=chain([batch], records))
    raise refused("header_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How many rows a file has, and the digest of its header, by which decisions are kept."""

    rows: int
    header_digest: str


def survey(
    stream: BinaryIO,
    *,
    max_bytes: int,
    column_map: ColumnMap | None = None,
    remembered: Mapping[str, ColumnMap] = _NOTHING_REMEMBERED,
) -> Survey:
    """Count a file's rows, rejected ones included, without reading their cells.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    decisions = decisions_for(column_map or {}, remembered)
    table = _table(stream, max_bytes=max_bytes, decisions=decisions)
    for batch in table.records():
        if batch.rows and table.rows == len(batch.rows):
            _require_certainty(table.layout, batch)
    return Survey(rows=table.rows, header_digest=table.digest)


def count_rows(stream: BinaryIO, *, max_bytes: int) -> int:
    """As `survey`, for who wants the number of rows only."""
    return survey(stream, max_bytes=max_bytes).rows


def _require_certainty(layout: Layout, batch: RecordBatch) -> None:
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


def _table(stream: BinaryIO, *, max_bytes: int, decisions: Decisions) -> _Table:
    first = first_block(stream)
    if first.startswith(ZIP_SIGNATURE):
        if len(first) > max_bytes:
            raise refused("file_too_large")
        refuse_other_archives(first)
        return _workbook_table(first, stream, max_bytes=max_bytes, decisions=decisions)
    return _text_table(first, stream, max_bytes=max_bytes, decisions=decisions)


def _text_table(first: bytes, stream: BinaryIO, *, max_bytes: int, decisions: Decisions) -> _Table:
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
    table = _Table(
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
) -> _Table:
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
    table = _Table(
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
