"""The database goes away in mid-run and comes back: the upload goes on where it was."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.store import attempts
from claims_pipeline_tests.invariants import asked_again, pages_read, settled_queries
from claims_pipeline_tests.orchestration.samples import calls_of
from claims_pipeline_tests.orchestration.test_stopping import (
    THREADS,
    promises_kept,
    run_to_its_end,
    tick,
    upload_of,
    when,
)
from claims_pipeline_tests.pipeline import Pipeline, running_pipeline
from claims_pipeline_tests.services import PostgresqlServer, postgresql_server

pytestmark = pytest.mark.postgres


LOCK_THE_UPLOAD = "SELECT id FROM uploads FOR UPDATE"
CUT_WHO_WAITS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A server of these tests' own, as it is stopped."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    settings = {
        "CLAIMS_DATABASE_URL": server.create_database("claims"),
        "CLAIMS_QUERY_THREADS": str(THREADS),
        "CLAIMS_HEARTBEAT_S": "0.1",
    }
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=settings) as pipeline:
        yield pipeline


def test_a_database_that_goes_away_in_mid_run_costs_only_the_calls_in_flight(
    pipeline: Pipeline, sandbox: Sandbox, server: PostgresqlServer
) -> None:
    upload_id = upload_of(pipeline)
    sandbox.set_faults([{"what": {"delay_s": 0.2}}])
    is_away = threading.Event()

    def stop() -> None:
        server.stop()
        is_away.set()

    stopping = when(lambda: is_away.is_set() or pipeline.get(upload_id).counts.found >= 5, stop)
    run_to_its_end(pipeline, upload_id)
    stopping.join()
    with pytest.raises(dg.Failure):
        tick(pipeline)
    server.start()

    settled = settled_queries(pipeline.engine, upload_id)
    assert pipeline.get(upload_id).status is UploadStatus.PROCESSING
    assert tick(pipeline) == []
    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert (latest.state, latest.number) == ("waiting", 1)
    run_to_its_end(pipeline, upload_id)

    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    assert settled
    assert asked_again(settled, settled_queries(pipeline.engine, upload_id)) == []
    extra = calls_of(sandbox)["summary"] - pages_read(pipeline.engine, upload_id)
    assert extra <= THREADS + 32
    assert promises_kept(pipeline, upload_id)


def cut_a_checkpoint(server: PostgresqlServer, database: str | None) -> None:
    """Hold up the next checkpoint, which begins with the upload's row, and cut its connection."""

    def connect() -> psycopg.Connection:
        return psycopg.connect(host=server.socket, user="tester", dbname=database, autocommit=True)

    with connect() as holder, connect() as operator, holder.transaction():
        holder.execute(LOCK_THE_UPLOAD)
        while operator.execute(CUT_WHO_WAITS).fetchone() is None:
            threading.Event().wait(0.01)


def test_a_connection_that_is_cut_while_answers_are_written_costs_the_run_and_not_the_upload(
    pipeline: Pipeline, sandbox: Sandbox, server: PostgresqlServer
) -> None:
    """The database is there again at once, and would take down that the upload has failed."""
    upload_id = upload_of(pipeline)
    sandbox.set_faults([{"what": {"delay_s": 0.2}}])
    cutting = when(
        lambda: pipeline.get(upload_id).counts.found >= 5,
        lambda: cut_a_checkpoint(server, pipeline.engine.url.database),
    )
    run_to_its_end(pipeline, upload_id)
    cutting.join()

    assert pipeline.get(upload_id).status is UploadStatus.PROCESSING
    settled = settled_queries(pipeline.engine, upload_id)
    assert tick(pipeline) == []
    run_to_its_end(pipeline, upload_id)

    upload = pipeline.get(upload_id)
    assert (upload.status, upload.attempt, upload.counts.failed) == (UploadStatus.COMPLETED, 1, 0)
    assert settled
    assert asked_again(settled, settled_queries(pipeline.engine, upload_id)) == []
    assert promises_kept(pipeline, upload_id)
