"""What is right and wrong in a file and what asking it would cost, before anything is asked.

The command calls it check, the HTTP API verify. No payer is called and nothing is kept; memory
grows by one small `Need` for each row that is to be asked.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import BinaryIO, NamedTuple

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
from claims_pipeline.model import (
    DensityObservation,
    Practice,
    RejectedRow,
    Request,
    billing_provider,
)
from claims_pipeline.model.request_columns import membership_of
from claims_pipeline.names import patient_key, single_key
from claims_pipeline.preflight.forecast import Forecast, PlannedRow, forecast
from claims_pipeline.preflight.pace import Pace, detail_calls
from claims_pipeline.preflight.ways import Way, Ways

_MOST_PAYERS_SHOWN = 100
_LINES_OF_A_GROUP = 10
_LONGEST_PAYER = 60

# What is known of a practice (TIN) at a payer id.
Observations = Callable[[str, str], Sequence[DensityObservation]]


class _Group(NamedTuple):
    """What is planned together."""

    payer: str
    tin: str
    payer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEstimate:
    """Search calls that are expected in all, and those of the two plain ways to ask.

    `least_calls` and `most_calls` are apart where practices were never asked about. `queries` and
    `reasons` are those of the first plan. `detail_calls` come on top. `minutes` is
    payer waiting with the calls side by side, at the most that a call usually takes,
    `least_minutes` at the least; where the payer was asked before they are one. `price` is what
    the searches cost, in US dollars, where answers are billed.
    """

    queries: int = 0
    estimated_calls: int = 0
    least_calls: int = 0
    most_calls: int = 0
    one_per_row_calls: int = 0
    sweep_calls: int = 0
    detail_calls: int = 0
    minutes: float = 0.0
    least_minutes: float = 0.0
    price: Decimal = Decimal(0)
    pace: Pace = field(default_factory=lambda: Pace.measured(None))
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfPayer:
    """How many rows name a payer, and the channel through which they are asked.

    `calls` are the searches expected for them, `price` what those cost in US dollars. `payer` is
    the short name of one that is asked; of one that is not connected, without a channel, what the
    file calls it.
    """

    payer: str = field(repr=False)
    channel: str | None
    rows: int
    calls: int = 0
    price: Decimal = Decimal(0)


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
    ways: Ways,
    observations: Observations,
    most_rejected: int | None = None,
) -> FileCheck:
    """Read the whole file and plan it; never raises for what is wrong with the file.

    `most_rejected` is how many rejected rows are kept to be shown; all by default.
    """
    rejected: list[RejectedRow] = []
    warnings: list[IntakeWarning] = []
    rows: dict[_Group, list[PlannedRow]] = defaultdict(list)
    channels = {payer.payer: payer.channel for payer in context.payers}
    practices = {practice.practice_id: practice for practice in context.practices}
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
                    way = ways(channels[request.payer])
                    group = _Group(request.payer, request.tin, request.payer_id)
                    rows[group].append(_row(request, way, practices))
                else:
                    duplicates += 1
    except FileRefusedError as error:
        refusal = error
        if isinstance(error, HeaderRefusedError):
            readings = error.readings
    estimates = {} if refusal else _estimates(rows, channels, ways, observations)
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
        payers=_shares(asked, not_connected, channels, estimates),
        plan=_total(estimates),
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
    asked: Counter[str],
    not_connected: Counter[str],
    channels: Mapping[str, str],
    estimates: Mapping[str, PlanEstimate],
) -> tuple[RowsOfPayer, ...]:
    def share(payer: str, rows: int) -> RowsOfPayer:
        estimate = estimates.get(payer, PlanEstimate())
        return RowsOfPayer(
            payer=payer,
            channel=channels.get(payer),
            rows=rows,
            calls=estimate.estimated_calls,
            price=estimate.price,
        )

    return (
        *(share(payer, rows) for payer, rows in asked.most_common()),
        *(
            RowsOfPayer(payer=name, channel=None, rows=rows)
            for name, rows in not_connected.most_common()
        ),
    )


def _places_left(kept: Sequence[RejectedRow], most: int | None) -> int | None:
    return None if most is None else max(0, most - len(kept))


def _row(request: Request, way: Way, practices: Mapping[str, Practice]) -> PlannedRow:
    patient = request.patient
    key = patient_key(
        first_name=patient.first_name,
        last_name=patient.last_name,
        date_of_birth=patient.date_of_birth,
        membership=membership_of(request),
    )
    if way.terms.capabilities.by_npi:
        key = single_key(key, billing_provider(request, practices[request.practice_id]).npi)
    return PlannedRow(
        request.row_number,
        key,
        way.terms.span(request),
        way.can_ask(patient),
    )


def _estimates(
    rows: Mapping[_Group, Sequence[PlannedRow]],
    channels: Mapping[str, str],
    ways: Ways,
    observations: Observations,
) -> dict[str, PlanEstimate]:
    """By payer, in the order in which the file names them."""
    found: dict[str, list[Forecast]] = {group.payer: [] for group in rows}
    confirming = 0
    for group, planned in rows.items():
        expected = forecast(
            planned,
            ways(channels[group.payer]).terms,
            tin=group.tin,
            payer_id=group.payer_id,
            known=observations(group.tin, group.payer_id),
            confirming_so_far=confirming,
        )
        confirming += expected.confirming
        found[group.payer].append(expected)
    counts = Counter(group.payer for group, planned in rows.items() for _ in planned)
    return {
        payer: _estimate(forecasts, counts[payer], ways(channels[payer]))
        for payer, forecasts in found.items()
    }


def _estimate(found: Sequence[Forecast], rows: int, way: Way) -> PlanEstimate:
    plans = [each.first for each in found]
    reasons = Counter(query.reason for planned in plans for query in planned.queries)
    calls = sum(each.calls for each in found)
    details = detail_calls(rows, way.terms.options.detail_level) if way.has_details else 0
    turns = ceil((calls + details) / way.terms.threads)
    return PlanEstimate(
        queries=sum(len(planned.queries) for planned in plans),
        estimated_calls=calls,
        least_calls=sum(each.least_calls for each in found),
        most_calls=sum(each.most_calls for each in found),
        detail_calls=details,
        minutes=turns * way.pace.most_s / 60,
        least_minutes=turns * way.pace.least_s / 60,
        price=calls * way.price,
        pace=way.pace,
        one_per_row_calls=sum(each.one_per_row_calls for each in found),
        sweep_calls=sum(each.sweep_calls for each in found),
        reasons=tuple(reasons.most_common()),
    )


def _total(estimates: Mapping[str, PlanEstimate]) -> PlanEstimate:
    """Of all payers; their channels are asked one after the other."""
    found = tuple(estimates.values())
    if len(found) == 1:
        return found[0]
    reasons: Counter[str] = Counter()
    for each in found:
        reasons.update(dict(each.reasons))
    return PlanEstimate(
        queries=sum(each.queries for each in found),
        estimated_calls=sum(each.estimated_calls for each in found),
        least_calls=sum(each.least_calls for each in found),
        most_calls=sum(each.most_calls for each in found),
        detail_calls=sum(each.detail_calls for each in found),
        minutes=sum(each.minutes for each in found),
        least_minutes=sum(each.least_minutes for each in found),
        price=sum((each.price for each in found), Decimal(0)),
        pace=found[0].pace if found else Pace.measured(None),
        one_per_row_calls=sum(each.one_per_row_calls for each in found),
        sweep_calls=sum(each.sweep_calls for each in found),
        reasons=tuple(reasons.most_common()),
    )
