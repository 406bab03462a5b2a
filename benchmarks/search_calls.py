"""Search calls that made-up workloads cost: row by row, sweeping everything, and ours.

`python -m benchmarks.search_calls`. *Cold* knows nothing of the practice, *warm* what the cold run
learned, *known* what every day holds; the optimum is what *known* could have spent at best on the
windows it had to search. Round trips are counted with 16 threads.
"""

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Line, Pair
from claims_pipeline.model import DateWindow, DensityObservation, UploadOptions
from claims_pipeline.planning import Need, Terms, plan
from claims_pipeline.preflight.forecast import Forecast, PlannedRow, forecast
from claims_pipeline_tests.planning.offline import optimum_calls
from claims_pipeline_tests.planning.payer_model import (
    CAPABILITIES,
    OLDEST,
    PAYER_ID,
    TIN,
    TODAY,
    Outcome,
    Workload,
    ask,
    day_by_day,
    one_per_row_calls,
    sweep_everything_calls,
)
from claims_pipeline_tests.planning.workloads import (
    NAMED,
    a_busy_practice_and_very_many_rows,
)

_SEED = 7
_TARGET = 1.25
_FARTHEST = 1.5
_SLACK_DAYS, _THREADS = 7, 16
_TABLE_WIDTH = 140
_PLANNED_ROWS = (10_000, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """What a check would have said before the cold, the warm and the known asking."""

    cold: Forecast
    warm: int
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Search calls of one workload; `is_dated` when every row has dates of service."""

    name: str
    is_dated: bool
    by_row: int
    by_sweep: int
    cold: Outcome
    warm: Outcome
    known: Outcome
    optimum: int
    estimates: Estimates

    @property
    def cheaper(self) -> int:
        """What the better of two simple ways costs."""
        return min(self.by_row, self.by_sweep)


def main() -> int:
    """Print the tables; 1 when a promise about search calls is broken."""
    # Wide enough for a log file, where rich would assume eighty columns.
    console = Console(width=max(Console().width, _TABLE_WIDTH))
    costs = costs_of_workloads()
    table = Table(title="Search calls (and round trips at 16 threads)")
    table.add_column("workload", no_wrap=True)
    for name in ("row by row", "sweep all", "cold", "warm", "known", "optimum", "known ÷ optimum"):
        table.add_column(name, justify="right")
    for one in costs:
        table.add_row(
            one.name,
            str(one.by_row),
            str(one.by_sweep),
            *(f"{asked.calls} ({asked.round_trips})" for asked in (one.cold, one.warm, one.known)),
            str(one.optimum),
            f"{one.known.calls / one.optimum:.2f}",
        )
    console.print(table)
    table = Table(title="Calls that a check expects, and those made")
    table.add_column("workload", no_wrap=True)
    for name in ("never asked before", "range", "made", "warm", "made", "known", "made"):
        table.add_column(name, justify="right")
    for one in costs:
        table.add_row(
            one.name,
            str(one.estimates.cold.calls),
            f"{one.estimates.cold.least_calls}–{one.estimates.cold.most_calls}",
            *map(
                str,
                (
                    one.cold.calls,
                    one.estimates.warm,
                    one.warm.calls,
                    one.estimates.known,
                    one.known.calls,
                ),
            ),
        )
    mean_ratio = statistics.mean(one.known.calls / one.optimum for one in costs)
    console.print(table)
    console.print(f"known ÷ optimum on average: {mean_ratio:.3f} (promised: at most {_TARGET})")
    for rows in _PLANNED_ROWS:
        singles_s, sweeps_s = (_planning_s(rows, use_sweeps=on) for on in (False, True))
        console.print(
            f"planning {rows:,} rows of one practice: {singles_s:.2f} s of processor time "
            f"for singles alone, {sweeps_s:.2f} s with sweeps"
        )
    is_dearer = any(one.is_dated and one.known.calls > one.cheaper for one in costs)
    return 1 if is_dearer or mean_ratio > _TARGET else 0


def costs_of_workloads() -> list[Costs]:
    """Every workload, asked without a payer."""
    return [
        _costs_of(make(random.Random(_SEED)))
        for make in (*NAMED, a_busy_practice_and_very_many_rows)
    ]


def search_call_lines(costs: Sequence[Costs]) -> Iterator[Line]:
    """Every workload is a repeat: ours beside the optimum, and beside the cheaper simple way."""
    what = f"search calls, {len(costs)} workloads"
    dated = [one for one in costs if one.is_dated]
    undated = [one for one in costs if not one.is_dated]
    yield Line(
        what=f"{what}, densities known: mean",
        peer="offline optimum",
        unit="calls",
        pairs=[Pair(ours=one.known.calls, peer=one.optimum) for one in costs],
        target=_TARGET,
        summary=statistics.mean,
    )
    for which, name, pairs in (
        ("dated", "known", [Pair(ours=one.known.calls, peer=one.cheaper) for one in dated]),
        ("dated", "cold", [Pair(ours=one.cold.calls, peer=one.cheaper) for one in dated]),
        ("undated", "known", [Pair(ours=one.known.calls, peer=one.cheaper) for one in undated]),
    ):
        yield Line(
            what=f"search calls, {len(pairs)} {which} workloads, {name}: dearest",
            peer="the cheaper of row by row and sweeping all",
            unit="calls",
            pairs=pairs,
            target=1.0 if name == "known" else 2.0,
            summary=max,
        )


def _costs_of(workload: Workload) -> Costs:
    cold = ask(workload)
    known = ask(workload, known=day_by_day(workload))
    return Costs(
        name=workload.name,
        is_dated=not any(row.span.until_found for row in workload.rows),
        by_row=one_per_row_calls(workload),
        by_sweep=sweep_everything_calls(workload),
        cold=cold,
        warm=ask(workload, known=cold.observations),
        known=known,
        optimum=sum(optimum_calls(needs, workload) for needs in known.asked),
        estimates=Estimates(
            cold=_estimated(workload, ()),
            warm=_estimated(workload, cold.observations).calls,
            known=_estimated(workload, day_by_day(workload)).calls,
        ),
    )


def _estimated(workload: Workload, known: Sequence[DensityObservation]) -> Forecast:
    """As a check expects it; confirming is left out here, as it is where the calls are counted."""
    rows = [
        PlannedRow(number, row.patient, row.span, not row.sweep_only)
        for number, row in enumerate(workload.rows, start=1)
    ]
    terms = Terms(
        capabilities=CAPABILITIES,
        options=UploadOptions(),
        today=TODAY,
        slack_days=_SLACK_DAYS,
        threads=_THREADS,
    )
    return forecast(rows, terms, tin=TIN, payer_id=PAYER_ID, known=known)


def estimate_lines(costs: Sequence[Costs]) -> Iterator[Line]:
    """The estimate before asking, beside the calls made: how far off it is, either way."""
    for name in ("known", "warm"):
        pairs = [
            Pair(
                ours=max(getattr(one.estimates, name), getattr(one, name).calls),
                peer=min(getattr(one.estimates, name), getattr(one, name).calls),
            )
            for one in costs
        ]
        for which, summary, target in (
            ("mean", statistics.mean, _TARGET),
            ("farthest", max, _FARTHEST),
        ):
            yield Line(
                what=f"estimate beside calls, {len(costs)} workloads, {name}: {which}",
                peer="the calls made",
                unit="calls",
                pairs=pairs,
                target=target,
                summary=summary,
            )


def _planning_s(rows: int, *, use_sweeps: bool) -> float:
    dice = random.Random(_SEED)
    days = (TODAY - OLDEST).days - 14
    needs = []
    for number in range(1, rows + 1):
        first = OLDEST.toordinal() + dice.randrange(days)
        window = DateWindow(OLDEST.fromordinal(first), OLDEST.fromordinal(first + 14))
        needs.append(Need(row_number=number, patient_key=dice.randrange(rows), windows=(window,)))
    began = time.process_time()
    plan(
        needs,
        tin=TIN,
        payer_id=PAYER_ID,
        capabilities=CAPABILITIES,
        observations=(),
        use_sweeps=use_sweeps,
        concurrency=16,
        today=TODAY,
    )
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
