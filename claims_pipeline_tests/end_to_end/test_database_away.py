"""The database goes away under a real daemon, for long enough that several tries fail: line 9."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.files import open_file_store
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.invariants import (
    asked_again,
    broken_promises,
    pages_read,
    settled_queries,
)
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.services import PostgresqlServer, postgresql_server
from claims_pipeline_tests.stack import LOCATION, REPOSITORY

pytestmark = [pytest.mark.stack, pytest.mark.postgres, pytest.mark.timeout(600)]

ROWS = 100
THREADS = 4
# A sensor looks every five seconds: the database is away for half a minute.
FAILED_LOOKS = 6


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=14, latency_ms=400) as sandbox:
        yield sandbox


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """A server of the test's own, as it is stopped."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def drops(tmp_path: Path, sandbox: Sandbox, server: PostgresqlServer) -> Iterator[DropStack]:
    settings = {
        "CLAIMS_DATABASE_URL": server.create_database("claims"),
        "CLAIMS_QUERY_THREADS": str(THREADS),
    }
    with running_drop_stack(tmp_path / "home", sandbox, settings=settings) as drops:
        yield drops


def failed_looks(drops: DropStack) -> int:
    """How often the reconciliation could not see what there is to do."""
    answer = drops.stack.dagster.query(
        """query ($selector: SensorSelector!) { sensor: sensorOrError(sensorSelector: $selector) {
             ... on Sensor { sensorState { ticks(statuses: [FAILURE]) { id } } } } }""",
        selector={
            "repositoryLocationName": LOCATION,
            "repositoryName": REPOSITORY,
            "sensorName": "attempt_reconciliation_sensor",
        },
    )
    return len(answer["sensor"]["sensorState"]["ticks"])


def test_an_upload_goes_on_when_the_database_was_away_for_half_a_minute(
    drops: DropStack, sandbox: Sandbox, server: PostgresqlServer
) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, ROWS)
    drops.drop("away.csv", content)
    upload = drops.wait_for_found("away.csv", ROWS // 10)
    [run] = drops.stack.dagster.runs(partition=upload.id)

    server.stop()
    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run.run_id).has_ended, what="the run's end"
    )
    drops.stack.wait_until(
        lambda: failed_looks(drops) >= FAILED_LOOKS, what="sensors without a database"
    )
    server.start()
    settled = settled_queries(drops.engine, upload.id)

    upload = drops.wait_for_status("away.csv", UploadStatus.COMPLETED)
    latest = attempts.latest_attempt(drops.engine, upload.id)
    assert latest is not None
    assert (latest.number, upload.counts.failed) == (1, 0)
    assert settled
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    extra = calls_of(sandbox)["summary"] - pages_read(drops.engine, upload.id)
    assert extra <= THREADS + 32
    drops.results_in_outbox("away.csv")
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []
