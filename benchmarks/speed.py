"""Speed beside peers that do the same work in the same run; docs/performance.md explains each line.

`python -m benchmarks.speed` takes half an hour, with `--quick` a few minutes, with `--million` an
hour more. The exit code says nothing of speed: a busy machine is no defect.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import fixed_costs as fixed
from benchmarks.api import ApiPlan, api_lines, timed_api
from benchmarks.channels import channel_lines
from benchmarks.measuring import Line, Pair, machine, table_of
from benchmarks.payer_waiting import Cell, waiting_lines
from benchmarks.query_phase import THREADS, BarePool, singles_drained
from benchmarks.search_calls import costs_of_workloads, estimate_lines, search_call_lines
from benchmarks.stage import Size, Usage, as_csv, payer_process, sample, stage, used_by
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline_tests.services import postgresql_server

_TABLE_WIDTH = 160
_LATENCY_MS = 300.0
_BUSY = Size(practices=2, claims_per_day=60)
_WARM_UP_ROWS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured, and how often."""

    repeats: int
    queries: int
    drops: int
    other_cells: tuple[tuple[float, int], ...]
    waiting: tuple[Cell, ...]
    intake_rows: int
    end_to_end_rows: tuple[int, ...]
    channel_rows: int
    api: ApiPlan


_WHOLE = Plan(
    repeats=3,
    queries=2000,
    drops=5,
    other_cells=((50.0, 8), (50.0, 16), (50.0, 32), (50.0, 64), (300.0, 64)),
    waiting=(
        Cell(rows=100, latency_ms=1000, target=0.04),
        Cell(rows=1000, latency_ms=1000, target=0.00667),
        Cell(rows=100, latency_ms=300, target=0.04),
        Cell(rows=1000, latency_ms=300, target=0.00667),
        Cell(rows=100, latency_ms=50, target=0.04),
        Cell(rows=1000, latency_ms=50, target=0.00667),
    ),
    intake_rows=1_000_000,
    end_to_end_rows=(10_000, 100_000),
    channel_rows=2000,
    api=ApiPlan(uploads=10_000, times=300, progress_s=30),
)
_QUICK = Plan(
    repeats=1,
    queries=320,
    drops=1,
    other_cells=(),
    waiting=(Cell(rows=100, latency_ms=100),),
    intake_rows=50_000,
    end_to_end_rows=(1000, 3000),
    channel_rows=200,
    api=ApiPlan(uploads=1000, times=50, progress_s=5),
)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="less of everything")
    amount.add_argument("--million", action="store_true", help="end to end with as many rows, too")
    arguments = parser.parse_args()
    plan = _QUICK if arguments.quick else _WHOLE
    if arguments.million:
        plan = replace(plan, end_to_end_rows=(*plan.end_to_end_rows, 1_000_000))
    console = Console(width=max(Console().width, _TABLE_WIDTH))
    lines: list[Line] = []
    for measure in (
        search_calls,
        query_phase,
        one_practice,
        fixed_costs,
        intake_of_many,
        intake_on_postgresql,
        end_to_end,
        channels,
        api,
    ):
        try:
            for line in measure(plan):
                console.print(f"{line.what}: {line.ratio:.3g}")
                lines.append(line)
        except pytest.skip.Exception as missing:
            console.print(f"left out: {measure.__name__}. {missing}")
    console.print(table_of(lines, title="Speed"))
    console.print(machine())
    return 0


def search_calls(_: Plan) -> Iterator[Line]:
    """What made-up workloads cost, planned without a payer."""
    costs = costs_of_workloads()
    yield from search_call_lines(costs)
    yield from estimate_lines(costs)


def query_phase(plan: Plan) -> Iterator[Line]:
    """Singles drained by a lane beside the same calls by a bare pool, and beside the ideal."""
    cells = ((_LATENCY_MS, THREADS), *plan.other_cells)
    for latency_ms, threads in cells:
        is_main = (latency_ms, threads) == cells[0]
        repeats = plan.repeats if is_main else 1
        with payer_process(latency_ms=latency_ms, size=_BUSY) as payer:
            # Of ten rows about three are bad, repetitions, or of a patient asked already.
            asked = sample(Shape.PATIENTS, rows=plan.queries * 7 // 5, size=_BUSY)
            with stage(payer) as home:
                # The sandbox makes its indexes on the first calls.
                singles_drained(home, asked[:_WARM_UP_ROWS])
            beside_pool, beside_ideal = [], []
            for _ in range(repeats):
                with stage(payer) as home:
                    ours, queries = singles_drained(home, asked, threads=threads)
                bare_s = BarePool(payer).ask(queries, threads=threads)
                ideal_s = ours.search_calls * latency_ms / 1000 / threads
                beside_pool.append(Pair(ours=ours.elapsed_s, peer=bare_s))
                beside_ideal.append(Pair(ours=ours.elapsed_s, peer=ideal_s))
        what = f"{ours.search_calls:,} queries, {latency_ms:.0f} ms, {threads} threads"
        yield Line(
            what=what,
            peer="bare requests pool",
            unit="s",
            pairs=beside_pool,
            target=1.05 if is_main else None,
        )
        yield Line(
            what=what,
            peer="calls × latency ÷ threads",
            unit="s",
            pairs=beside_ideal,
            target=1.10 if is_main else None,
        )


def one_practice(plan: Plan) -> Iterator[Line]:
    """A practice's recent rows beside a call and an update for row after row."""
    return waiting_lines(plan.waiting, repeats=plan.repeats)


def fixed_costs(plan: Plan) -> Iterator[Line]:
    """What an upload costs however small it is."""
    repeats = max(3, plan.repeats)
    yield from fixed.imported(repeats=repeats)
    yield from fixed.one_row_run(repeats=repeats)
    yield from fixed.dropped(repeats=plan.drops)


def intake_of_many(plan: Plan) -> Iterator[Line]:
    """Reading, validating and storing a large file beside the same done by hand, in SQLite."""
    with tempfile.TemporaryDirectory(prefix="claims-bench-") as folder:
        databases = (f"{folder}/{number}.sqlite" for number in range(plan.repeats))
        yield from _intake(plan, databases, settings={}, what="SQLite", peer="executemany")


def intake_on_postgresql(plan: Plan) -> Iterator[Line]:
    """The same in PostgreSQL, whose processor time is not counted; elapsed time is with it."""
    with postgresql_server() as server:
        databases = (server.create_database("by_hand") for _ in range(plan.repeats))
        settings = {"CLAIMS_DATABASE_URL": server.create_database("ours")}
        yield from _intake(plan, databases, settings=settings, what="PostgreSQL", peer="COPY")


def _intake(
    plan: Plan, databases: Iterable[str], *, settings: Mapping[str, str], what: str, peer: str
) -> Iterator[Line]:
    pairs, elapsed, peaks = [], [], []
    with (
        payer_process(latency_ms=0, size=Size()) as payer,
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
    ):
        file = Path(folder, "patients.csv")
        file.write_text("".join(_patients(plan.intake_rows)), encoding="utf-8")
        for database in databases:
            with stage(payer, settings=settings) as home:
                upload_id = home.upload(file.read_bytes())
                ours = used_by(
                    ("-m", "benchmarks.intake_ours", upload_id), environment=home.environment
                )
                by_hand = used_by(
                    ("-m", "benchmarks.intake_by_hand", str(file), database),
                    environment=home.environment,
                )
            pairs.append(Pair(ours=ours.processor_s, peer=by_hand.processor_s))
            elapsed.append(Pair(ours=ours.elapsed_s, peer=by_hand.elapsed_s))
            peaks.append(ours.peak_mib)
    what = f"intake of {plan.intake_rows:,} rows, {what}"
    yield Line(
        what=what,
        peer=f"read_csv, pandera, {peer}",
        unit="s CPU",
        pairs=pairs,
        target=1.5,
        remark=f"peak {max(peaks):.0f} MiB (at most 512)",
    )
    # With what the database makes both wait for: its disk, and its own processes.
    yield Line(what=what, peer=f"read_csv, pandera, {peer}", unit="s", pairs=elapsed)


def end_to_end(plan: Plan) -> Iterator[Line]:
    """Whole runs, one of them larger: what a row costs must not grow."""
    smallest: Usage | None = None
    base = min(plan.end_to_end_rows)
    for rows in plan.end_to_end_rows:
        # The world grows with the file: as many claims and rows in each practice.
        size = Size(practices=2 * rows // base)
        asked = as_csv(sample(Shape.PRACTICES, rows=rows, size=size), Shape.PRACTICES)
        with (
            payer_process(latency_ms=0, size=size) as payer,
            stage(payer, practices=size.practices) as home,
        ):
            used = home.run(home.upload(asked))
        smallest = smallest or used
        yield Line(
            what=f"{rows:,} rows end to end, no latency",
            peer=f"{base:,} rows, for each row",
            unit="ms CPU",
            pairs=[
                Pair(ours=1000 * used.processor_s / rows, peer=1000 * smallest.processor_s / base)
            ],
            target=1.3,
            remark=f"{used.elapsed_s:.0f} s, peak {used.peak_mib:.0f} MiB (at most 768)",
        )


def channels(plan: Plan) -> Iterator[Line]:
    """The same rows through each channel."""
    yield from channel_lines(plan.channel_rows)


def api(plan: Plan) -> Iterator[Line]:
    """The upload API's lists, uploads and progress."""
    return api_lines(timed_api(plan.api))


def _patients(rows: int) -> Iterator[str]:
    """A patients' file in which every row is another patient."""
    yield "first_name,last_name,date_of_birth,first_service_date,last_service_date\n"
    for number in range(rows):
        yield (
            f"{_letters(number % 997)},{_letters(number)},"
            f"{number % 12 + 1:02}/{number % 28 + 1:02}/{1940 + number % 70},"
            f"{number % 6 + 1:02}/{number % 27 + 1:02}/2026,"
            f"{number % 6 + 1:02}/{number % 27 + 2:02}/2026\n"
        )


def _letters(number: int) -> str:
    """A made-up name, another one for each number."""
    letters = "NAME"
    while number:
        number, digit = divmod(number, 26)
        letters += chr(ord("A") + digit)
    return letters


if __name__ == "__main__":
    sys.exit(main())
