"""One worklist asked by lanes on one, two and four Celery workers; one of the four is killed.

Workers are processes in groups of their own, with a real Redis and PostgreSQL, one lane each. The
payer's cap is below what four lanes could ask at once. Ratios say little where two cores are short
for the lanes, the payer and the servers together.

python -m benchmarks.lanes [--rows 20000]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks.measuring import machine
from benchmarks.stage import Size, as_csv, payer_process, sample
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline_tests.end_to_end.drops import (
    DropStack,
    postgresql_settings,
    running_drop_stack,
)
from claims_pipeline_tests.invariants import (
    asked_again,
    broken_promises,
    pages_read,
    settled_queries,
)
from claims_pipeline_tests.services import PostgresqlServer, postgresql_server, redis_server

_LATENCY_MS = 50
_THREADS = 8
_PAYER_CAP = 24
_WORLD = Size(practices=2, claims_per_day=50)
_NAME = "worklist.csv"
_ENDS_WITHIN_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How one worklist went; `again` are search calls beyond those needed."""

    what: str
    asking_s: float
    calls: int
    again: int
    most_at_once: int


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    content = as_csv(sample(Shape.PATIENTS, rows=rows, size=_WORLD), Shape.PATIENTS)
    asked = []
    with postgresql_server() as server, payer_process(latency_ms=_LATENCY_MS, size=_WORLD) as payer:
        for lanes in (1, 2, 4):
            asked.append(ask(server, payer, content, lanes=lanes))
            show(rows, asked)
        asked.append(ask(server, payer, content, lanes=4, kill_one=True))
    show(rows, asked)
    return 0


def ask(
    server: PostgresqlServer, payer: Sandbox, content: bytes, *, lanes: int, kill_one: bool = False
) -> Asked:
    """Ask the worklist on a new stack.

    Raises:
        RuntimeError: a promise did not hold.

    """
    payer.reset()
    with stack_of_lanes(server, payer, lanes) as drops:
        for number in range(lanes):
            drops.stack.start_worker(str(number))
        drops.drop(_NAME, content)
        upload_id = drops.wait_for_taken(_NAME).id
        settled = {}
        if kill_one:
            drops.wait_for_found(_NAME, content.count(b"\n") // 10)
            settled = settled_queries(drops.engine, upload_id)
            drops.stack.kill("worker-0")
        drops.stack.wait_until(
            lambda: _status(drops).is_terminal, what="the answers", timeout_s=_ENDS_WITHIN_S
        )
        files = open_file_store(str(drops.stack.home / "files"))
        broken = broken_promises(drops.engine, files, upload_id)
        broken += asked_again(settled, settled_queries(drops.engine, upload_id))
        if broken or _status(drops) is not UploadStatus.COMPLETED:
            raise RuntimeError(f"{_status(drops)}: {broken}")
        first, last = _first_and_last_answer(drops, upload_id)
        calls = payer.calls()
        return Asked(
            what=f"lanes: {lanes}" + (", one worker killed" if kill_one else ""),
            asking_s=(last - first).total_seconds(),
            calls=sum(calls.values()) - calls["token"],
            again=calls["summary"] - pages_read(drops.engine, upload_id),
            most_at_once=int(str(payer.stats()["max_concurrency"])),
        )


@contextmanager
def stack_of_lanes(server: PostgresqlServer, payer: Sandbox, lanes: int) -> Iterator[DropStack]:
    """Everything but the workers, with the time limits of production."""
    with tempfile.TemporaryDirectory(prefix="claims-bench-") as folder, redis_server() as broker:
        home = Path(folder) / "home"
        settings = {
            **postgresql_settings(home, server),
            "CLAIMS_EXECUTOR": "celery",
            "CLAIMS_CELERY_BROKER_URL": broker,
            "CLAIMS_QUERY_LANES": str(lanes),
            "CLAIMS_QUERY_THREADS": str(_THREADS),
            "CLAIMS_UHC_MAX_CONCURRENCY": str(_PAYER_CAP),
            "CLAIMS_HEARTBEAT_S": "5",
            "CLAIMS_LEASE_S": "60",
            "CLAIMS_DEAD_AFTER_S": "30",
        }
        with running_drop_stack(home, payer, settings=settings) as drops:
            yield drops
            drops.stack.kill_all()


def _status(drops: DropStack) -> UploadStatus:
    upload = drops.upload_named(_NAME)
    return upload.status if upload is not None else UploadStatus.PENDING


def _first_and_last_answer(drops: DropStack, upload_id: str) -> tuple[datetime, datetime]:
    columns = tables.queries.c
    query = select(func.min(columns.settled_at), func.max(columns.settled_at)).where(
        columns.upload_id == upload_id
    )
    with reading(drops.engine) as connection:
        first, last = connection.execute(query).one()
    return first, last


def show(rows: int, asked: list[Asked]) -> None:
    """The table."""
    table = Table(title=f"{rows:,} rows at {_LATENCY_MS} ms, {_THREADS} threads a lane")
    for name in ("what", "first to last answer", "ratio", "calls", "asked again", "at once"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for line in asked:
        table.add_row(
            line.what,
            f"{line.asking_s:.0f} s",
            f"{line.asking_s / asked[0].asking_s:.2f}",
            f"{line.calls:,}",
            str(line.again),
            f"{line.most_at_once} of {_PAYER_CAP}",
        )
    console = Console()
    console.print(machine())
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
