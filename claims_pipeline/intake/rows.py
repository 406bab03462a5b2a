"""Records to requests and rejected rows, a batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from itertools import compress

from claims_pipeline.intake.catalogue import ROW_ERRORS, refused
from claims_pipeline.intake.cells.payers import PayerDirectory
from claims_pipeline.intake.cells.practices import PracticeDirectory
from claims_pipeline.intake.channel_rules import RulesOfPayers
from claims_pipeline.intake.columns import Layout
from claims_pipeline.intake.context import IntakeContext
from claims_pipeline.intake.parsing import CellReader, ParsedColumns, checked_frame
from claims_pipeline.intake.reading.records import RecordBatch
from claims_pipeline.intake.schema import Fault, RowSchema
from claims_pipeline.intake.tally import IntakeWarning, Tally
from claims_pipeline.model import DateWindow, Practice, RejectedRow
from claims_pipeline.model.request_columns import NO_REQUESTS, RequestColumns
from claims_pipeline.results_file.formulas import restored

# What one cell of a spreadsheet can hold.
MAX_CELL_CHARACTERS = 32_767
_BEFORE_A_CELL = '\n\r",;\t|'
_OTHER_END = {
    "first_service_date": "last_service_date",
    "last_service_date": "first_service_date",
}
# Few files have these: the others need not be told apart by them.
_ASKED_FOR_TOO = ("gender", "subscriber_first_name", "subscriber_last_name", "npi")
_REPLACEMENT_CHARACTER = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some of a file's rows; requests and rejected rows each in file order.

    `warnings` come with the last chunk, each code once for the whole file.
    """

    requests: RequestColumns = NO_REQUESTS
    rejected: tuple[RejectedRow, ...] = ()
    warnings: tuple[IntakeWarning, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _SoundRows:
    """The records whose cells can be told apart, as columns of one length."""

    row_numbers: Sequence[int]
    line_numbers: Sequence[int]
    cells: Sequence[tuple[str, ...]]

    def only(self, kept: Sequence[bool]) -> "_SoundRows":
        """The rows at the positions that are `kept`."""
        return _SoundRows(
            row_numbers=list(compress(self.row_numbers, kept)),
            line_numbers=list(compress(self.line_numbers, kept)),
            cells=list(compress(self.cells, kept)),
        )


class RowReader:
    """Reads one file's records. Remembers, of all rows read, 16 bytes and a number each."""

    def __init__(self, layout: Layout, context: IntakeContext) -> None:
        self._layout = layout
        self._context = context
        self._cells = CellReader(
            layout.columns,
            directory=PracticeDirectory(context.practices),
            payers=PayerDirectory(
                context.payers,
                provider=context.provider,
                channels=context.channels,
                further_ids=[
                    practice.payer_id for practice in context.practices if practice.payer_id
                ],
            ),
            today=context.today,
        )
        oldest_day = context.capabilities.oldest_day(context.today)
        self._schema = RowSchema(today=context.today, oldest_day=oldest_day)
        self._of_payers = RulesOfPayers(context.payers, context.rules, oldest_day=oldest_day)
        self._first_asked_in: dict[bytes, int] = {}
        self._row_count = 0
        self.tally = Tally()

    def read(self, batch: RecordBatch) -> Chunk:
        """Sort a batch of records into requests and rejected rows.

        Raises:
            FileRefusedError: `too_many_rows`.

        """
        if not batch.rows:
            return Chunk()
        first_row_number = self._row_count + 1
        self._row_count += len(batch.rows)
        if self._row_count > self._context.max_rows:
            raise refused("too_many_rows")
        _restore_formulas(batch)
        broken = _broken_records(batch, width=self._layout.file_width)
        rejected = [
            _rejected(
                first_row_number + position,
                batch.line_numbers[position],
                self._layout.kept_cells(batch.rows[position]),
                [Fault(column=None, code=code)],
                self._layout,
            )
            for position, code in broken.items()
        ]
        is_sound = [position not in broken for position in range(len(batch.rows))]
        rows = _SoundRows(
            row_numbers=list(compress(range(first_row_number, self._row_count + 1), is_sound)),
            line_numbers=list(compress(batch.line_numbers, is_sound)),
            cells=list(map(self._layout.kept_cells, compress(batch.rows, is_sound))),
        )
        parsed = self._cells.read(rows.cells)
        frame = checked_frame(parsed, self._layout.columns, today=self._context.today)
        faults = self._schema.faults(frame)
        faults |= self._of_payers.faults(parsed, faults)
        rejected.extend(
            _rejected(
                rows.row_numbers[at], rows.line_numbers[at], rows.cells[at], found, self._layout
            )
            for at, found in faults.items()
        )
        rejected.sort(key=lambda row: row.row_number)
        requests = self._requests(rows, parsed, faults)
        self._take_note(rows, parsed)
        self.tally.add("duplicate_rows", len(requests) - requests.duplicate_of.count(None))
        return Chunk(requests=requests, rejected=tuple(rejected))

    def _take_note(self, rows: _SoundRows, parsed: ParsedColumns) -> None:
        for code, count in parsed.notes.items():
            self.tally.add(code, count)
        unread = parsed.unread_amounts
        self.tally.add("amount_ignored", len(unread), [rows.line_numbers[at] for at in unread[:10]])
        if "claim_number" in self._layout.columns:
            self.tally.look_at_numbers(parsed.texts["claim_number"])

    def _requests(
        self, rows: _SoundRows, parsed: ParsedColumns, faults: dict[int, list[Fault]]
    ) -> RequestColumns:
        if faults:
            is_accepted = [at not in faults for at in range(len(rows.cells))]
            rows, parsed = rows.only(is_accepted), parsed.only(is_accepted)
        # What is wrong with a practice or a day has rejected its row.
        practices = [found.practice for found in parsed.practices if found.practice]
        births = [read.day for read in parsed.births if read.day]
        texts = parsed.texts
        payer_ids = [found.payer_id for found in parsed.payers]
        return RequestColumns(
            row_number=rows.row_numbers,
            line_number=rows.line_numbers,
            practice_id=[practice.practice_id for practice in practices],
            tin=[practice.tin for practice in practices],
            payer=[found.payer for found in parsed.payers],
            payer_id=payer_ids,
            first_name=texts["first_name"],
            last_name=texts["last_name"],
            date_of_birth=births,
            gender=_none_for_empty(texts["gender"]),
            claim_number=_none_for_empty(texts["claim_number"]),
            patient_account_number=_none_for_empty(texts["patient_account_number"]),
            subscriber_id=_none_for_empty(texts["subscriber_id"]),
            subscriber_first_name=_none_for_empty(texts["subscriber_first_name"]),
            subscriber_last_name=_none_for_empty(texts["subscriber_last_name"]),
            npi=_none_for_empty(texts["npi"]),
            service=[
                _service_window(first.day, last.day, self._context.today)
                for first, last in zip(parsed.firsts, parsed.lasts, strict=True)
            ],
            total_charged=parsed.amounts,
            cells=rows.cells,
            duplicate_of=self._duplicates(rows.row_numbers, parsed, practices, payer_ids),
        )

    def _duplicates(
        self,
        row_numbers: Sequence[int],
        parsed: ParsedColumns,
        practices: Sequence[Practice],
        payer_ids: Sequence[str],
    ) -> list[int | None]:
        """For each row the first row of the file that asks exactly the same, if there is one."""
        texts = parsed.texts
        spans = zip(parsed.firsts, parsed.lasts, strict=True)
        asked = zip(
            [practice.practice_id for practice in practices],
            payer_ids,
            texts["last_name"],
            texts["first_name"],
            [read.iso for read in parsed.births],
            texts["claim_number"],
            texts["patient_account_number"],
            texts["subscriber_id"],
            *(texts[column] for column in _ASKED_FOR_TOO if column in self._layout.columns),
            [f"{first.iso or last.iso}{last.iso or first.iso}" for first, last in spans],
            map(str, parsed.amounts),
            strict=True,
        )
        # The texts cannot hold a unit separator: a control character rejects the row.
        digests = [
            blake2b(text.encode(), digest_size=16).digest() for text in map("\x1f".join, asked)
        ]
        first_rows = map(self._first_asked_in.setdefault, digests, row_numbers)
        return [
            None if first_row == row_number else first_row
            for first_row, row_number in zip(first_rows, row_numbers, strict=True)
        ]


def _none_for_empty(texts: Sequence[str]) -> list[str | None]:
    return [text or None for text in texts]


def _restore_formulas(batch: RecordBatch) -> None:
    """Take off the apostrophes that our files put before formula text."""
    before_apostrophes = batch.text.split("'")[:-1]
    if not any(text[-1:] in _BEFORE_A_CELL for text in before_apostrophes):
        return
    batch.rows = [tuple(map(restored, row)) for row in batch.rows]


def _broken_records(batch: RecordBatch, *, width: int) -> dict[int, str]:
    """The code of what is wrong with a record as a whole, by position."""
    broken = {
        position: "wrong_number_of_columns"
        for position, row in enumerate(batch.rows)
        if len(row) != width
    }
    if batch.longest_record > MAX_CELL_CHARACTERS:
        for position, row in enumerate(batch.rows):
            if any(len(cell) > MAX_CELL_CHARACTERS for cell in row):
                broken[position] = "cell_too_long"
    if "\0" in batch.text:
        for position, row in enumerate(batch.rows):
            if any("\0" in cell for cell in row):
                # No database keeps a NUL; the mark of damage in its place does not get lost.
                batch.rows[position] = tuple(
                    cell.replace("\0", _REPLACEMENT_CHARACTER) for cell in row
                )
                broken[position] = "nul_byte"
    return broken | dict.fromkeys(batch.unclosed, "unclosed_quote")


def _rejected(
    row_number: int,
    line_number: int,
    cells: tuple[str, ...],
    faults: Sequence[Fault],
    layout: Layout,
) -> RejectedRow:
    """The row with its first fault; the message names the other columns to be corrected too."""
    first = faults[0]
    message = ROW_ERRORS[first.code]
    column = _column_that_is_there(first.column, layout)
    others = dict.fromkeys(
        other
        for fault in faults
        if (other := _column_that_is_there(fault.column, layout)) and other != column
    )
    if others:
        named = dict.fromkeys(layout.header_of(other) or other for other in others)
        message = f"{message} Also wrong: {', '.join(named).removesuffix('.')}."
    return RejectedRow(
        row_number=row_number,
        line_number=line_number,
        column=column,
        code=first.code,
        message=message,
        cells=cells,
        also_wrong=tuple(others),
    )


def _column_that_is_there(column: str | None, layout: Layout) -> str | None:
    """Of the two dates of service, the one that the file has."""
    other = _OTHER_END.get(column or "")
    return other if other in layout.columns and column not in layout.columns else column


@lru_cache(maxsize=100_000)
def _service_window(first: date | None, last: date | None, today: date) -> DateWindow | None:
    """The dates of service, the one standing in for the other, cut to today."""
    start, end = first or last, last or first
    if start is None or end is None:
        return None
    return DateWindow(min(start, today), min(end, today))
