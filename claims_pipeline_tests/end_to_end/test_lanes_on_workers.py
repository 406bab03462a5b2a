"""Lanes on Celery workers, each in a process group of its own, with a real Redis and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.uploads import Upload
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
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.services import PostgresqlServer, redis_server

pytestmark = [pytest.mark.stack, pytest.mark.postgres, pytest.mark.timeout(600)]

ROWS = 200
THREADS = 4
PAYER_CAP = 6
SETTINGS = {
    "CLAIMS_EXECUTOR": "celery",
    "CLAIMS_QUERY_LANES": "2",
    "CLAIMS_QUERY_THREADS": str(THREADS),
    "CLAIMS_UHC_MAX_CONCURRENCY": str(PAYER_CAP),
    # Work for two lanes for a while.
    "CLAIMS_UHC_CALLS_PER_SECOND": "12",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=14, latency_ms=400) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def drops(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, postgresql: PostgresqlServer
) -> Iterator[DropStack]:
    home: Path = tmp_path_factory.mktemp("lanes") / "home"
    with redis_server() as broker:
        settings = {
            **SETTINGS,
            **postgresql_settings(home, postgresql),
            "CLAIMS_CELERY_BROKER_URL": broker,
        }
        with running_drop_stack(home, sandbox, settings=settings) as drops:
            yield drops


@contextmanager
def workers(drops: DropStack, *names: str) -> Iterator[None]:
    """Workers with a lane each; those that are left at the end are stopped."""
    for name in names:
        drops.stack.start_worker(name)
    try:
        yield
    finally:
        for name in names:
            if drops.stack.is_running(f"worker-{name}"):
                drops.stack.kill(f"worker-{name}")


def drop(drops: DropStack, name: str) -> Upload:
    content, _ = make_sample(drops.sandbox, Shape.PATIENTS, ROWS)
    drops.drop(name, content)
    return drops.wait_for_taken(name)


def lanes_asking(drops: DropStack, upload: Upload) -> int:
    """How many lanes have leased queries of the upload."""
    columns = tables.queries.c
    lanes = select(func.count(columns.lease_token.distinct())).where(
        columns.upload_id == upload.id, columns.state == "leased"
    )
    with reading(drops.engine) as connection:
        return int(connection.execute(lanes).scalar_one())


def wait_for_two_lanes(drops: DropStack, upload: Upload) -> None:
    drops.stack.wait_until(lambda: lanes_asking(drops, upload) == 2, what="two lanes to ask")


def wait_for_files(drops: DropStack, upload: Upload) -> None:
    def are_written() -> bool:
        latest = attempts.latest_attempt(drops.engine, upload.id)
        return latest is not None and latest.files_written_at is not None

    drops.stack.wait_until(are_written, what="the files")


def wait_for_completion(drops: DropStack, upload: Upload) -> None:
    """Wait for the end, in one run and with every promise kept."""
    drops.wait_for_status(upload.file_name, UploadStatus.COMPLETED)
    wait_for_files(drops, upload)
    [run] = drops.stack.dagster.runs(partition=upload.id)
    drops.stack.wait_until(lambda: drops.stack.dagster.run(run.run_id).has_ended, what="the run")
    assert drops.stack.dagster.run(run.run_id).status == "SUCCESS"
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []


def test_a_killed_worker_loses_nothing_and_the_other_takes_over(drops: DropStack) -> None:
    drops.sandbox.reset()
    with workers(drops, "one", "two"):
        upload = drop(drops, "killed.csv")
        wait_for_two_lanes(drops, upload)
        drops.wait_for_found("killed.csv", ROWS // 10)
        settled = settled_queries(drops.engine, upload.id)

        drops.stack.kill("worker-one")

        wait_for_completion(drops, upload)
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    asked_twice = calls_of(drops.sandbox)["summary"] - pages_read(drops.engine, upload.id)
    assert asked_twice <= THREADS + 32
    assert drops.sandbox.stats()["max_concurrency"] == PAYER_CAP


def test_a_worker_that_is_stopped_finishes_its_calls_and_gives_the_rest_back(
    drops: DropStack,
) -> None:
    drops.sandbox.reset()
    with workers(drops, "one", "two"):
        upload = drop(drops, "stopped.csv")
        wait_for_two_lanes(drops, upload)

        drops.stack.stop("worker-one")

        # On a slow machine the other has asked all of the rest by now.
        assert lanes_asking(drops, upload) <= 1
        wait_for_completion(drops, upload)
    assert calls_of(drops.sandbox)["summary"] == pages_read(drops.engine, upload.id)


def test_without_a_worker_the_run_asks_by_itself(drops: DropStack) -> None:
    ada = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
    drops.drop("alone.csv", ada)

    wait_for_completion(drops, drops.wait_for_taken("alone.csv"))


def test_a_run_that_is_terminated_stops_its_lanes(drops: DropStack) -> None:
    with workers(drops, "one", "two"):
        upload = drop(drops, "terminated.csv")
        wait_for_two_lanes(drops, upload)
        [run] = drops.stack.dagster.runs(partition=upload.id)
        asked = calls_of(drops.sandbox)["summary"]

        drops.stack.dagster.terminate(run.run_id)

        drops.wait_for_status("terminated.csv", UploadStatus.CANCELLED)
        drops.stack.wait_until(
            lambda: drops.stack.dagster.run(run.run_id).has_ended, what="the run's end"
        )
        wait_for_files(drops, upload)
        assert drops.stack.dagster.run(run.run_id).status == "CANCELED"
        # One call more for each thread, beside those that were out; not the rest of the file.
        assert calls_of(drops.sandbox)["summary"] - asked <= 4 * 2 * THREADS
