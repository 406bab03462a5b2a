"""What is right and wrong in a file and what asking it would cost, before anything is asked.

The command calls it check, the HTTP API verify. No payer is called and nothing is kept; memory
grows by one small `Need` for each row that is to be asked.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import BinaryIO

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake import (
    ColumnReading,
    HeaderRefusedError,
    IntakeContext,
    IntakeWarning,
    LeftOut,
    Reading,
    read,
)
from claims_pipeline.intake.columns import header_of
from claims_pipeline.model import DensityObservation, RejectedRow, Request
from claims_pipeline.model.request_columns import membership_of
from claims_pipeline.names import patient_key, wire_name
from claims_pipeline.planning import Terms
from claims_pipeline.preflight.forecast import Forecast, PlannedRow, forecast
from claims_pipeline.preflight.pace import Pace, detail_calls

_MOST_PAYERS_SHOWN = 100
_LINES_OF_A_GROUP = 10
_LONGEST_PAYER = 60

# What is known of a practice (TIN) at a payer id.
Observations = Callable[[str, str], Sequence[DensityObservation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEstimate:
    """Search calls that are expected in all, and those of the two plain ways to ask.

    `queries` and `reasons` are those of the first plan. `detail_calls` come on top. `minutes` is
    payer waiting with the calls side by side, at the most that a call usually takes,
    `least_minutes` at the least; where the payer was asked before they are one.
    """

    queries: int = 0
    estimated_calls: int = 0
    one_per_row_calls: int = 0
    sweep_calls: int = 0
    detail_calls: int = 0
    minutes: float = 0.0
    least_minutes: float = 0.0
    pace: Pace = field(default_factory=lambda: Pace.measured(None))
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfPayer:
    """How many rows name a payer, and the channel through which they are asked.

    `payer` is the short name of one that is asked; of one that is not connected, without a
    channel, what the file calls it.
    """

    payer: str = field(repr=False)
    channel: str | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Rejected rows with the same fault: how many, and the lines of the first ten."""

    code: str
    column: str | None
    rows: int
    line_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """The findings. `file_error` is set when the file was refused, at once or further down.

    `column_readings` say what each column was read as, also of a file whose columns were refused.
    `left_out` are the first of the `left_out_lines` that are no rows. `rejected` are the first of
    the `rejected_rows`, as many as were asked for; their cells stand in the order of `header`, in
    which `columns` tells where our columns are. `error_groups` count all of them, the most frequent
    fault first. `duplicates` are accepted rows that ask exactly
    what an earlier row asks. `payers` are those that are asked, then the first hundred others.
    """

    header: tuple[str, ...] = field(default=(), repr=False)
    columns: Mapping[str, int] = field(default_factory=dict)
    column_readings: tuple[ColumnReading, ...] = field(default=(), repr=False)
    left_out: tuple[LeftOut, ...] = ()
    left_out_lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected_rows: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    error_groups: tuple[ErrorGroup, ...] = ()
    warnings: tuple[IntakeWarning, ...] = ()
    payers: tuple[RowsOfPayer, ...] = ()
    plan: PlanEstimate = PlanEstimate()
    file_error: FileRefusedError | None = None

    def header_of(self, column: str | None) -> str | None:
        """The file's own name for a canonical column; None when it has no such column."""
        return header_of(self.header, self.columns, column)


def check_file(
    stream: BinaryIO,
    *,
    context: IntakeContext,
    terms: Terms,
    observations: Observations,
    pace: Pace | None = None,
    most_rejected: int | None = None,
) -> FileCheck:
    """Read the whole file and plan it; never raises for what is wrong with the file.

    `most_rejected` is how many rejected rows are kept to be shown; all by default.
    """
    rejected: list[RejectedRow] = []
    warnings: list[IntakeWarning] = []
    rows: dict[tuple[str, str], list[PlannedRow]] = defaultdict(list)
    accepted = duplicates = rejected_rows = 0
    asked: Counter[str] = Counter()
    not_connected: Counter[str] = Counter()
    groups = _Groups()
    refusal: FileRefusedError | None = None
    reading: Reading | None = None
    readings: tuple[ColumnReading, ...] = ()
    try:
        reading = read(stream, context)
        readings = reading.column_readings
        for chunk in reading.chunks():
            accepted += len(chunk.requests)
            rejected_rows += len(chunk.rejected)
            rejected += chunk.rejected[: _places_left(rejected, most_rejected)]
            warnings += chunk.warnings
            asked.update(chunk.requests.payer)
            groups.add(chunk.rejected)
            _count_not_connected(chunk.rejected, reading.columns, not_connected)
            for request in chunk.requests:
                if request.duplicate_of is None:
                    rows[request.tin, request.payer_id].append(_row(request, terms))
                else:
                    duplicates += 1
    except FileRefusedError as error:
        refusal = error
        if isinstance(error, HeaderRefusedError):
            readings = error.readings
    return FileCheck(
        header=reading.header if reading else (),
        columns=reading.columns if reading else {},
        column_readings=readings,
        left_out=reading.left_out_lines if reading else (),
        left_out_lines=reading.left_out if reading else 0,
        accepted=accepted,
        duplicates=duplicates,
        rejected_rows=rejected_rows,
        rejected=tuple(rejected),
        error_groups=groups.all(),
        warnings=tuple(warnings),
        payers=_shares(asked, not_connected, context),
        plan=(
            PlanEstimate()
            if refusal
            else _estimate(rows, terms, observations, pace or Pace.measured(None))
        ),
        file_error=refusal,
    )


class _Groups:
    """Counts rejected rows by what is wrong with them."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str | None]] = Counter()
        self._lines: dict[tuple[str, str | None], list[int]] = defaultdict(list)

    def add(self, rejected: Sequence[RejectedRow]) -> None:
        for row in rejected:
            key = row.code, row.column
            self._rows[key] += 1
            if len(self._lines[key]) < _LINES_OF_A_GROUP:
                self._lines[key].append(row.line_number)

    def all(self) -> tuple[ErrorGroup, ...]:
        return tuple(
            ErrorGroup(
                code=code, column=column, rows=rows, line_numbers=tuple(self._lines[code, column])
            )
            for (code, column), rows in self._rows.most_common()
        )


def _count_not_connected(
    rejected: Sequence[RejectedRow], columns: Mapping[str, int], counts: Counter[str]
) -> None:
    for row in rejected:
        if row.code == "payer_not_connected":
            cells = [row.cells[columns[name]] for name in ("payer", "payer_id") if name in columns]
            name = next((cell.strip() for cell in cells if cell.strip()), "")
            if len(counts) < _MOST_PAYERS_SHOWN or name in counts:
                counts[name[:_LONGEST_PAYER]] += 1


def _shares(
    asked: Counter[str], not_connected: Counter[str], context: IntakeContext
) -> tuple[RowsOfPayer, ...]:
    channels = {payer.payer: payer.channel for payer in context.payers}
    return (
        *(
            RowsOfPayer(payer=payer, channel=channels.get(payer), rows=rows)
            for payer, rows in asked.most_common()
        ),
        *(
            RowsOfPayer(payer=name, channel=None, rows=rows)
            for name, rows in not_connected.most_common()
        ),
    )


def _places_left(kept: Sequence[RejectedRow], most: int | None) -> int | None:
    return None if most is None else max(0, most - len(kept))


def _row(request: Request, terms: Terms) -> PlannedRow:
    patient = request.patient
    return PlannedRow(
        request.row_number,
        patient_key(
            first_name=patient.first_name,
            last_name=patient.last_name,
            date_of_birth=patient.date_of_birth,
            membership=membership_of(request),
        ),
        terms.span(request),
        bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name)),
    )


def _estimate(
    rows: dict[tuple[str, str], list[PlannedRow]],
    terms: Terms,
    observations: Observations,
    pace: Pace,
) -> PlanEstimate:
    found: list[Forecast] = []
    for (tin, payer_id), group in rows.items():
        found.append(
            forecast(
                group,
                terms,
                tin=tin,
                payer_id=payer_id,
                known=observations(tin, payer_id),
                confirming_so_far=sum(each.confirming for each in found),
            )
        )
    plans = [each.first for each in found]
    reasons = Counter(query.reason for planned in plans for query in planned.queries)
    calls = sum(each.calls for each in found)
    details = detail_calls(sum(map(len, rows.values())), terms.options.detail_level)
    turns = ceil((calls + details) / terms.threads)
    return PlanEstimate(
        queries=sum(len(planned.queries) for planned in plans),
        estimated_calls=calls,
        detail_calls=details,
        minutes=turns * pace.most_s / 60,
        least_minutes=turns * pace.least_s / 60,
        pace=pace,
        one_per_row_calls=sum(each.one_per_row_calls for each in found),
        sweep_calls=sum(each.sweep_calls for each in found),
        reasons=tuple(reasons.most_common()),
    )
