"""A killed run goes on where it was, and asks nothing again that was answered."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples import Shape
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.results import count_outcomes, verify_results
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.orchestration.test_samples import calls_of, make_sample

pytestmark = pytest.mark.stack

ROWS = 100
THREADS = 4
# A kill re-asks what was sent and not committed: the threads, and answers of one checkpoint.
MOST_ASKED_AGAIN = THREADS + 32


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=11, latency_ms=300) as sandbox:
        yield sandbox


@pytest.fixture
def drops(tmp_path: Path, sandbox: Sandbox) -> Iterator[DropStack]:
    settings = {"CLAIMS_QUERY_THREADS": str(THREADS)}
    with running_drop_stack(tmp_path / "home", sandbox, settings=settings) as drops:
        yield drops


def worker_of(drops: DropStack) -> int:
    """Process id of the only run's worker: the code server spawns one for each run."""
    server = psutil.Process(drops.stack.process("code-server").pid)
    [worker] = [
        child.pid
        for child in server.children(recursive=True)
        if any("spawn_main" in part for part in child.cmdline())
    ]
    return int(worker)


def settled_queries(drops: DropStack, upload_id: str) -> set[str]:
    columns = tables.queries.c
    with reading(drops.engine) as connection:
        return set(
            connection.execute(
                select(columns.id).where(columns.upload_id == upload_id, columns.state == "settled")
            ).scalars()
        )


def pages_settled(drops: DropStack, upload_id: str) -> int:
    columns = tables.queries.c
    with reading(drops.engine) as connection:
        return int(
            connection.execute(
                select(func.coalesce(func.sum(columns.pages), 0)).where(
                    columns.upload_id == upload_id
                )
            ).scalar_one()
        )


def test_a_run_killed_in_the_middle_and_re_executed_from_the_ui_finishes(
    drops: DropStack, sandbox: Sandbox
) -> None:
    content, sample = make_sample(sandbox, Shape.PATIENTS, ROWS)
    before = calls_of(sandbox)["summary"]
    drops.drop("killed.csv", content)
    upload = drops.wait_for_found("killed.csv", ROWS // 10)
    [run] = drops.stack.dagster.runs(partition=upload.id)

    os.kill(worker_of(drops), signal.SIGKILL)
    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run.run_id).has_ended, what="the run's end"
    )
    settled = settled_queries(drops, upload.id)
    drops.stack.dagster.reexecute(run.run_id, from_failure=True)

    upload = drops.wait_for_status("killed.csv", UploadStatus.COMPLETED)
    assert settled
    assert settled <= settled_queries(drops, upload.id)
    assert verify_results(drops.engine, upload.id) == []
    counts = count_outcomes(drops.engine, upload.id)
    assert counts.settled == counts.total == len(sample)
    assert counts.failed == counts.unprocessed == 0
    # One attempt, served by more than one run; every call beyond one per page was in flight.
    latest = attempts.latest_attempt(drops.engine, upload.id)
    assert latest is not None
    assert latest.number == 1
    asked = calls_of(sandbox)["summary"] - before
    assert asked - pages_settled(drops, upload.id) <= MOST_ASKED_AGAIN
