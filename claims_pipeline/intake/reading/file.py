"""A byte stream to chunks of requests and rejected rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from claims_pipeline.intake.catalogue import WARNINGS, refused
from claims_pipeline.intake.columns import ColumnMap
from claims_pipeline.intake.context import IntakeContext
from claims_pipeline.intake.headers.readings import ColumnReading
from claims_pipeline.intake.reading.header_line import decisions_for
from claims_pipeline.intake.reading.records import LeftOut, RecordBatch
from claims_pipeline.intake.reading.table import Table, open_table, require_certainty
from claims_pipeline.intake.rows import Chunk, RowReader
from claims_pipeline.intake.tally import IntakeWarning
from claims_pipeline.model.gc_pause import collection_paused

_NOTHING_REMEMBERED: Mapping[str, ColumnMap] = {}


class Reading:
    """One file whose header is understood. Its rows can be read once."""

    def __init__(
        self, *, table: Table, context: IntakeContext, records: Iterator[RecordBatch]
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
    table = open_table(stream, max_bytes=context.max_bytes, decisions=decisions)
    records = table.records()
    for batch in records:
        if batch.rows:
            require_certainty(table.layout, batch)
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
    table = open_table(stream, max_bytes=max_bytes, decisions=decisions)
    for batch in table.records():
        if batch.rows and table.rows == len(batch.rows):
            require_certainty(table.layout, batch)
    return Survey(rows=table.rows, header_digest=table.digest)


def count_rows(stream: BinaryIO, *, max_bytes: int) -> int:
    """As `survey`, for who wants the number of rows only."""
    return survey(stream, max_bytes=max_bytes).rows
