"""Search calls that made-up workloads cost: row by row, sweeping everything, and ours.

`python -m benchmarks.search_calls`. *Cold* knows nothing of the practice, *warm* what the cold run
learned, *known* what every day holds; the optimum is what *known* could have spent at best on the
windows it had to search. Round trips are counted with 16 threads.
"""

import random
import sys
import time

from rich.console import Console
from rich.table import Table

from claims_pipeline.model import DateWindow
from claims_pipeline.planning import Need, plan
from claims_pipeline_tests.planning.offline import optimum_calls
from claims_pipeline_tests.planning.payer_model import (
    CAPABILITIES,
    OLDEST,
    PAYER_ID,
    TIN,
    TODAY,
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
_TABLE_WIDTH = 140
_PLANNED_ROWS = (10_000, 1_000_000)


def main() -> int:
    """Print the tables; 1 when a promise about search calls is broken."""
    # Wide enough for a log file, where rich would assume eighty columns.
    console = Console(width=max(Console().width, _TABLE_WIDTH))
    table = Table(title="Search calls (and round trips at 16 threads)")
    table.add_column("workload", no_wrap=True)
    for name in ("row by row", "sweep all", "cold", "warm", "known", "optimum", "known ÷ optimum"):
        table.add_column(name, justify="right")
    broken = 0
    ratios = []
    for make in (*NAMED, a_busy_practice_and_very_many_rows):
        workload = make(random.Random(_SEED))
        cold = ask(workload)
        warm = ask(workload, known=cold.observations)
        known = ask(workload, known=day_by_day(workload))
        optimum = sum(optimum_calls(needs, workload) for needs in known.asked)
        by_row, by_sweep = one_per_row_calls(workload), sweep_everything_calls(workload)
        is_dated = not any(row.span.until_found for row in workload.rows)
        broken += is_dated and known.calls > min(by_row, by_sweep)
        ratios.append(known.calls / optimum)
        table.add_row(
            workload.name,
            str(by_row),
            str(by_sweep),
            *(f"{outcome.calls} ({outcome.round_trips})" for outcome in (cold, warm, known)),
            str(optimum),
            f"{ratios[-1]:.2f}",
        )
    mean_ratio = sum(ratios) / len(ratios)
    broken += mean_ratio > 1.25
    console.print(table)
    console.print(f"known ÷ optimum on average: {mean_ratio:.3f} (promised: at most 1.25)")
    for rows in _PLANNED_ROWS:
        singles_s, sweeps_s = (_planning_s(rows, use_sweeps=on) for on in (False, True))
        console.print(
            f"planning {rows:,} rows of one practice: {singles_s:.2f} s of processor time "
            f"for singles alone, {sweeps_s:.2f} s with sweeps"
        )
    return 1 if broken else 0


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
