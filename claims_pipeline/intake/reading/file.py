"""A byte stream to chunks of requests and rejected rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from claims_pipeline.intake.catalogue import WARNINGS, refused
from claims_pipeline.intake.columns import Layout, known_columns, layout_of
from claims_pipeline.intake.context import IntakeContext
from claims_pipeline.intake.reading.lines import TextBlocks, line_batches
from claims_pipeline.intake.reading.records import (
    FirstRecord,
    RecordBatch,
    first_record,
    record_batches,
)
from claims_pipeline.intake.rows import Chunk, IntakeWarning, RowReader
from claims_pipeline.model.gc_pause import collection_paused

DELIMITERS = (",", ";", "\t", "|")

# Spreadsheet programs write this line to tell each other the separator.
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)


class Reading:
    """One file whose header is understood. Its rows can be read once."""

    def __init__(
        self, *, table: "_Table", context: IntakeContext, records: Iterator[RecordBatch]
    ) -> None:
        self._table = table
        self._context = context
        self._records = records
        # Right once every chunk was read, and counted before any row is made of a record.
        self.record_count = 0
        self.left_out: tuple[tuple[int, str], ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        """The file's own column names in order, without columns that we had added."""
        return self._table.layout.header

    @property
    def columns(self) -> dict[str, int]:
        """Canonical column name to its position in the header and in a row's cells."""
        return dict(self._table.layout.columns)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in file order, about 20,000 at a time.

        Raises:
            FileRefusedError: `too_many_rows`, `file_too_large`, `undecodable` or `line_too_long`,
                after any number of chunks.

        """
        reader = RowReader(self._table.layout, self._context)
        while True:
            with collection_paused():
                batch = next(self._records, None)
                self.record_count += len(batch.rows) if batch else 0
                chunk = reader.read(batch) if batch else None
            if chunk is None:
                break
            yield chunk
        counts = {**self._file_warning_counts(), **reader.warning_counts}
        warnings = tuple(
            IntakeWarning(code=code, message=message, count=counts[code])
            for code, message in WARNINGS.items()
            if counts[code]
        )
        if warnings:
            yield Chunk(warnings=warnings)

    def _file_warning_counts(self) -> dict[str, int]:
        layout = self._table.layout
        return {
            "decoded_as_windows_1252": int(self._table.blocks.encoding == "cp1252"),
            "unread_columns": len(layout.header) - len(layout.columns),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Where a file's rows begin, and how they are laid out."""

    blocks: TextBlocks
    layout: Layout
    delimiter: str
    first_line_number: int
    lines: Iterator[Sequence[str]]


def read(stream: BinaryIO, context: IntakeContext) -> Reading:
    """Understand a CSV's encoding, dialect and header; its rows follow from `Reading.chunks`.

    The first megabyte of `stream` is read at once, the rest with the chunks; the stream is not
    closed. Memory does not grow with the file, but for 16 bytes and a number for each row.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    table = _table(stream, max_bytes=context.max_bytes)
    records = _records(table)
    empty_rows = 0
    for batch in records:
        batch.empty_rows += empty_rows
        if batch.rows:
            return Reading(table=table, context=context, records=chain([batch], records))
        empty_rows = batch.empty_rows
    raise refused("header_only")


def count_rows(stream: BinaryIO, *, max_bytes: int) -> int:
    """How many records a CSV holds, rejected ones included, without reading their cells.

    Raises:
        FileRefusedError: with a code of `FILE_ERRORS`.

    """
    return sum(len(batch.rows) for batch in _records(_table(stream, max_bytes=max_bytes)))


def _records(table: _Table) -> Iterator[RecordBatch]:
    return record_batches(
        table.lines, delimiter=table.delimiter, first_line_number=table.first_line_number
    )


def _table(stream: BinaryIO, *, max_bytes: int) -> _Table:
    blocks = TextBlocks(stream, max_bytes=max_bytes)
    batches = line_batches(blocks)
    skipped = 0
    for lines in batches:
        blank = next((at for at, line in enumerate(lines) if line.strip("\ufeff \t\r\n")), None)
        if blank is None:
            skipped += len(lines)
            continue
        return _table_from(blocks, lines[blank:], batches, first_line_number=skipped + blank + 1)
    raise refused("file_empty")


def _table_from(
    blocks: TextBlocks,
    lines: Sequence[str],
    batches: Iterator[Sequence[str]],
    *,
    first_line_number: int,
) -> _Table:
    """Find the delimiter under which the first record names the most columns."""
    delimiters: Sequence[str] = DELIMITERS
    named = _SEPARATOR_LINE.fullmatch(lines[0])
    if named and len(lines) > 1:
        delimiters, lines, first_line_number = named[1], lines[1:], first_line_number + 1
    headers = [(first_record(lines, delimiter=delimiter), delimiter) for delimiter in delimiters]
    header, delimiter = max(headers, key=lambda pair: _known(pair[0]))
    if header is None:
        raise refused("no_usable_header")
    return _Table(
        blocks=blocks,
        layout=layout_of(header.cells),
        delimiter=delimiter,
        first_line_number=first_line_number + header.line_count,
        lines=chain([lines[header.line_count :]], batches),
    )


def _known(header: FirstRecord | None) -> int:
    return known_columns(header.cells) if header else -1
