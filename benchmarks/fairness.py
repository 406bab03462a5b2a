"""How long ten rows of one organization wait while half a million of another's are asked.

A real daemon takes both from the watched folder, with the time limits and the payer's caps of
production, on PostgreSQL; the sandbox answers after 300 ms, so that the many use up the caps.

python -m benchmarks.fairness [--rows 500000] [--times 3]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.measuring import machine
from benchmarks.stage import ORGANIZATION, Size, as_csv, payer_process, practices_of_world, sample
from claims_pipeline.model import Practice
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload, list_uploads
from claims_pipeline_tests.end_to_end.drops import (
    DropStack,
    postgresql_settings,
    running_drop_stack,
)
from claims_pipeline_tests.services import postgresql_server

_LATENCY_MS = 300
_WORLD = Size(practices=100, claims_per_day=20)
_OTHER = "other"
_FEW = 10
_MANY_NAME = "many.csv"
_PROMISED_S = 30
_ASKING_WITHIN_S = 1800.0
_ANSWERED_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """Seconds from the drop of the few; `answered_meanwhile` are searches for the many."""

    first_answer_s: float
    all_answers_s: float
    answered_meanwhile: int


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    many = as_csv(sample(Shape.PRACTICES, rows=arguments.rows, size=_WORLD), Shape.PRACTICES)
    others = sample(Shape.PATIENTS, rows=_FEW * arguments.times, size=_WORLD)
    few = [
        as_csv(others[first : first + _FEW], Shape.PATIENTS)
        for first in range(0, len(others), _FEW)
    ]
    with (
        payer_process(latency_ms=_LATENCY_MS, size=_WORLD) as payer,
        stack_of_two(payer) as drops,
    ):
        drops.drop(_MANY_NAME, many)
        _wait_for_asking(drops)
        show(arguments.rows, [wait_beside(drops, file, n) for n, file in enumerate(few)])
    return 0


def wait_beside(drops: DropStack, few: bytes, number: int) -> Waited:
    """Drop the few rows and wait for their answers."""
    folder = drops.stack.home / "inbox" / _OTHER / "uhc"
    part, name = folder / f"few-{number}.csv.part", f"few-{number}.csv"
    before = _answered_of_many(drops)
    dropped_at, began = datetime.now(UTC), time.perf_counter()
    part.write_bytes(few)
    part.rename(folder / name)

    def upload() -> Upload | None:
        return next((one for one in _uploads(drops, _OTHER) if one.file_name == name), None)

    def is_answered() -> bool:
        found = upload()
        return found is not None and found.status.is_terminal

    drops.stack.wait_until(is_answered, what="the few", timeout_s=_ANSWERED_WITHIN_S)
    all_answers_s = time.perf_counter() - began
    taken = upload()
    if taken is None or taken.counts.failed or taken.counts.unprocessed:
        raise RuntimeError("the few were not answered")
    columns = tables.queries.c
    first = select(func.min(columns.settled_at)).where(columns.upload_id == taken.id)
    with reading(drops.engine) as connection:
        answered_at = connection.execute(first).scalar_one()
    return Waited(
        first_answer_s=(answered_at - dropped_at).total_seconds(),
        all_answers_s=all_answers_s,
        answered_meanwhile=_answered_of_many(drops) - before,
    )


@contextmanager
def stack_of_two(payer: Sandbox) -> Iterator[DropStack]:
    """Everything on PostgreSQL, for two organizations."""
    with tempfile.TemporaryDirectory(prefix="claims-bench-") as folder, postgresql_server() as base:
        home = Path(folder) / "home"
        settings = {
            **postgresql_settings(home, base),
            "CLAIMS_UHC_CALLS_PER_SECOND": "100",
            "CLAIMS_HEARTBEAT_S": "5",
            "CLAIMS_LEASE_S": "60",
            "CLAIMS_DEAD_AFTER_S": "30",
        }
        with running_drop_stack(home, payer, settings=settings) as drops:
            practices = practices_of_world(_WORLD.practices)
            ensure_organization(drops.engine, ORGANIZATION, "Demo", practices)
            others = [
                Practice(
                    practice_id=f"o-{one.practice_id}",
                    tin=one.tin,
                    name=one.name,
                    is_default=one.is_default,
                )
                for one in practices
            ]
            ensure_organization(drops.engine, _OTHER, "Other", others)
            (home / "inbox" / _OTHER / "uhc").mkdir(parents=True, exist_ok=True)
            yield drops
            drops.stack.kill_all()


def _wait_for_asking(drops: DropStack) -> None:
    drops.stack.wait_until(
        lambda: _answered_of_many(drops) > 0, what="the many", timeout_s=_ASKING_WITHIN_S
    )


def _answered_of_many(drops: DropStack) -> int:
    columns = tables.queries.c
    query = select(func.count()).where(
        columns.organization_id == ORGANIZATION, columns.state == "settled"
    )
    with reading(drops.engine) as connection:
        return int(connection.execute(query).scalar_one())


def _uploads(drops: DropStack, organization: str) -> list[Upload]:
    return list(list_uploads(drops.engine, organization_id=organization, page_size=100).uploads)


def show(rows: int, waited: list[Waited]) -> None:
    """The table."""
    table = Table(title=f"{_FEW} rows beside {rows:,} of another organization, {_LATENCY_MS} ms")
    for name in ("first answer", "promised", "all answers", "searches for the many meanwhile"):
        table.add_column(name, justify="right")
    for line in waited:
        table.add_row(
            f"{line.first_answer_s:.1f} s",
            f"{_PROMISED_S} s",
            f"{line.all_answers_s:.1f} s",
            f"{line.answered_meanwhile:,}",
        )
    console = Console()
    console.print(machine())
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
