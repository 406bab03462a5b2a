"""A run that is killed, or told to end, goes on where it was and asks nothing answered again."""

import os
import signal
from datetime import UTC, datetime

import psutil
import pytest
from sqlalchemy import func, select

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.uploads import Upload
from claims_pipeline_tests.chaos.rounds import MOST_ASKED_AGAIN, THREADS
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.invariants import (
    asked_again,
    broken_promises,
    pages_read,
    settled_queries,
)
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample

pytestmark = pytest.mark.stack

ROWS = 100


@pytest.fixture
def drops(mortal_drops: DropStack) -> DropStack:
    return mortal_drops


@pytest.fixture
def sandbox(drops: DropStack) -> Sandbox:
    return drops.sandbox


def latest(drops: DropStack, upload: Upload) -> Attempt:
    attempt = attempts.latest_attempt(drops.engine, upload.id)
    assert attempt is not None
    return attempt


def start(drops: DropStack, name: str) -> Upload:
    """Launch an upload and wait until some of its rows have an answer."""
    content, _ = make_sample(drops.sandbox, Shape.PATIENTS, ROWS)
    drops.hand_in(name, content)
    return drops.wait_for_found(name, ROWS // 10)


def assert_promises_hold(drops: DropStack, upload: Upload) -> None:
    drops.stack.wait_until(
        lambda: latest(drops, upload).files_written_at is not None, what="the files"
    )
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []
    assert upload.counts.total == ROWS
    assert upload.counts.failed == upload.counts.unprocessed == 0
    # One attempt, served by more than one run.
    assert latest(drops, upload).number == 1


def calls_begun_after(drops: DropStack, upload: Upload, instant: datetime) -> int:
    """Calls that the run which has ended last began after `instant`, as it has counted them."""
    columns = tables.payer_calls.c
    query = select(func.count()).where(columns.upload_id == upload.id, columns.started_at > instant)
    with reading(drops.engine) as connection:
        return int(connection.execute(query).scalar_one())


def has_let_go(drops: DropStack, upload: Upload, run_id: str | None) -> bool:
    """Whether the run ended by itself and said so, instead of being missed later."""
    attempt_runs = attempts.attempt_runs_of(drops.engine, latest(drops, upload).id)
    return any(run.run_id == run_id and run.let_go_at is not None for run in attempt_runs)


def test_a_run_killed_in_the_middle_and_re_executed_from_the_ui_finishes(
    drops: DropStack, sandbox: Sandbox
) -> None:
    before = calls_of(sandbox)["summary"]
    upload = start(drops, "killed.csv")
    [run] = drops.stack.dagster.runs(partition=upload.id)
    [worker] = drops.stack.worker_pids()

    os.kill(worker, signal.SIGKILL)
    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run.run_id).has_ended, what="the run's end"
    )
    settled = settled_queries(drops.engine, upload.id)
    drops.stack.dagster.reexecute(run.run_id, from_failure=True)

    upload = drops.wait_for_status("killed.csv", UploadStatus.COMPLETED)
    assert settled
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    assert_promises_hold(drops, upload)
    # Every call beyond one per page was in flight.
    asked = calls_of(sandbox)["summary"] - before
    assert asked - pages_read(drops.engine, upload.id) <= MOST_ASKED_AGAIN


def test_a_worker_that_is_told_to_end_begins_no_call_more_and_its_upload_goes_on(
    drops: DropStack,
) -> None:
    upload = start(drops, "ended.csv")
    holder = latest(drops, upload).holder_run_id
    [worker] = drops.stack.worker_pids()

    told_at = datetime.now(UTC)
    os.kill(worker, signal.SIGTERM)
    drops.stack.wait_until(lambda: not psutil.pid_exists(worker), what="the worker's end")
    begun = calls_begun_after(drops, upload, told_at)
    settled = settled_queries(drops.engine, upload.id)

    # A thread may have been about to.
    assert begun <= THREADS
    assert has_let_go(drops, upload, holder)
    upload = drops.wait_for_status("ended.csv", UploadStatus.COMPLETED)
    assert settled
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    assert_promises_hold(drops, upload)


def test_a_code_server_that_is_stopped_with_its_runs_lets_go_of_them(
    drops: DropStack,
) -> None:
    asked_before = calls_of(drops.sandbox)["summary"]
    upload = start(drops, "deployed.csv")
    holder = latest(drops, upload).holder_run_id

    told_at = datetime.now(UTC)
    drops.stack.end_with_its_group("code-server", within_s=60)
    begun = calls_begun_after(drops, upload, told_at)
    settled = settled_queries(drops.engine, upload.id)
    drops.stack.start_code_server()

    assert begun <= THREADS
    assert has_let_go(drops, upload, holder)
    upload = drops.wait_for_status("deployed.csv", UploadStatus.COMPLETED)
    asked = calls_of(drops.sandbox)["summary"] - asked_before
    assert asked - pages_read(drops.engine, upload.id) <= MOST_ASKED_AGAIN
    assert settled
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    assert_promises_hold(drops, upload)
