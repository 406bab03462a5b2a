"""A practice's claims beside the design this replaces: one call and one update for row after row.

Payer waiting is the time in which at least one call is out; for row after row that is the sum of
all calls. The token's call is left out on both sides, and the density of each day is known.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from sqlalchemy import select

from benchmarks.held import HeldUpload
from benchmarks.measuring import Line, Pair
from benchmarks.query_phase import THREADS, BarePool, ask, held_upload, singles_drained
from benchmarks.stage import ORGANIZATION, SEED, Size, Stage, as_csv, payer_process, sample, stage
from claims_pipeline.model import (
    DateWindow,
    DensityObservation,
    DetailLevel,
    Outcome,
    Query,
    UploadOptions,
)
from claims_pipeline.payers.base import CallKind
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import COLUMNS, SampleRow, Shape
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.store import tables
from claims_pipeline.store.database import open_engine, reading, writing
from claims_pipeline.store.ledger import densities

_PAYER_ID = "87726"
# Of a file that asks about two years, so many rows hold enough about the last weeks.
_SAMPLED_PER_ROW = 40
_RECENT_DAYS = 70
# Calls of the design this replaces that are made at most; the others take as long as these.
_MOST_CALLS_IN_TURN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Seconds in which a call was out, and seconds in all."""

    payer_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement: so many rows at this latency, and the ratio that was promised."""

    rows: int
    latency_ms: float
    target: float | None = None


def waiting_lines(cells: Sequence[Cell], *, repeats: int) -> Iterator[Line]:
    """For each cell a line of payer waiting and one of wall time."""
    for cell in cells:
        yield from _lines(cell, repeats)


def _lines(cell: Cell, repeats: int) -> Iterator[Line]:
    waits: list[tuple[Waiting, Waiting]] = []
    size = Size(practices=1)
    rows = _recent_rows(cell.rows, size)
    content = as_csv(rows, Shape.PATIENTS)
    with payer_process(latency_ms=0, size=size) as payer, stage(payer, practices=1) as home:
        _, queries = singles_drained(home, rows)
    with payer_process(latency_ms=cell.latency_ms, size=size) as payer:
        # The sandbox makes its claims on the first calls.
        _asked(payer, content, size)
        for _ in range(repeats):
            ours, calls = _asked(payer, content, size)
            waits.append((ours, _in_turn(payer, queries, calls=cell.rows)))
    round_trips = statistics.median(ours.payer_s for ours, _ in waits) * 1000 / cell.latency_ms
    what = f"{cell.rows:,} rows of a practice, {cell.latency_ms:.0f} ms"
    yield Line(
        what=f"{what}: payer waiting",
        peer="a call for row after row",
        unit="s",
        pairs=[Pair(ours=ours.payer_s, peer=theirs.payer_s) for ours, theirs in waits],
        target=cell.target,
        remark=f"{calls} calls in {round_trips:.1f} round trips (at most 6)",
    )
    yield Line(
        what=f"{what}: wall time",
        peer="a call and an update for row after row",
        unit="s",
        pairs=[Pair(ours=ours.wall_s, peer=theirs.wall_s) for ours, theirs in waits],
    )


def _recent_rows(count: int, size: Size) -> list[SampleRow]:
    """So many rows that can be asked, about the last weeks, as a clinic asks them."""
    first = datetime.now(UTC).date() - timedelta(days=_RECENT_DAYS)
    begins = COLUMNS[Shape.PATIENTS].index("first_service_date")
    distinct = {
        row.cells: row
        for row in sample(Shape.PATIENTS, rows=count * _SAMPLED_PER_ROW, size=size)
        if row.outcome is not Outcome.REJECTED and _begins_after(row.cells[begins], first)
    }
    return list(distinct.values())[:count]


def _begins_after(text: str, first: date) -> bool:
    try:
        return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC).date() >= first
    except ValueError:  # a date in another form
        return False


def _teach_densities(home: Stage, size: Size) -> None:
    """What earlier uploads have shown of these days: how many claims each holds."""
    world = World(
        seed=SEED,
        today=today_in(home.settings.payer_timezone)(),
        practices=size.practices,
        claims_per_day=size.claims_per_day,
    )
    (practice,) = world.practices
    days = [world.today - timedelta(days=ago) for ago in range(_RECENT_DAYS + 30)]
    engine = open_engine(home.settings.resolved_database_url)
    with writing(engine) as connection:
        densities.record_observations(
            connection,
            ORGANIZATION,
            [
                DensityObservation(
                    tin=practice.tin,
                    payer_id=_PAYER_ID,
                    window=DateWindow(day, day),
                    claims=len(world.search(practice, DateWindow(day, day))),
                    at_least=False,
                )
                for day in days
            ],
            now=datetime.now(UTC),
        )
    engine.dispose()


def _asked(payer: Sandbox, content: bytes, size: Size) -> tuple[Waiting, int]:
    """Plan and ask a file in a new home; how long that took, and the number of search calls."""
    with stage(payer, practices=size.practices) as home:
        _teach_densities(home, size)
        with held_upload(home, content) as held:
            held.store_rows()
            return _timed(held)


def _timed(held: HeldUpload) -> tuple[Waiting, int]:
    began = time.perf_counter()
    drained = ask(held, threads=THREADS, options=UploadOptions(detail_level=DetailLevel.SUMMARY))
    elapsed_s = time.perf_counter() - began
    calls = tables.payer_calls.c
    with reading(held.engine) as connection:
        made = connection.execute(
            select(calls.kind, calls.started_at, calls.duration_s).where(
                calls.attempt_id == held.hold.attempt_id
            )
        ).all()
    token_s = sum(call.duration_s for call in made if call.kind == CallKind.TOKEN)
    out = [
        (call.started_at.timestamp(), call.started_at.timestamp() + call.duration_s)
        for call in made
        if call.kind != CallKind.TOKEN
    ]
    waiting = Waiting(payer_s=_length_of_union(out), wall_s=elapsed_s - token_s)
    return waiting, drained.search_calls


def _length_of_union(spans: Sequence[tuple[float, float]]) -> float:
    length, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        length += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return length


def _in_turn(payer: Sandbox, queries: Sequence[Query], *, calls: int) -> Waiting:
    """One call, then a database update, for each row; some patients are in several rows."""
    pool = BarePool(payer)
    pool.log_in()
    made = min(calls, _MOST_CALLS_IN_TURN)
    payer_s = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="claims-bench-") as folder,
        closing(sqlite3.connect(Path(folder, "jobs.sqlite"))) as connection,
    ):
        connection.execute("CREATE TABLE jobs (row INTEGER PRIMARY KEY, status INTEGER)")
        connection.executemany(
            "INSERT INTO jobs (row) VALUES (?)", [(number,) for number in range(calls)]
        )
        connection.commit()
        began = time.perf_counter()
        for number, query in enumerate(islice(cycle(queries), made)):
            sent = time.perf_counter()
            status = pool.call(query)
            payer_s += time.perf_counter() - sent
            connection.execute("UPDATE jobs SET status = ? WHERE row = ?", (status, number))
            connection.commit()
        wall_s = time.perf_counter() - began
    return Waiting(payer_s=payer_s * calls / made, wall_s=wall_s * calls / made)
