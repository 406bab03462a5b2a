"""Cancelling and retrying on a real stack, from Dagster's side, from ours, and from both."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from claims_pipeline.errors import InputError
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.uploads import Upload
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.invariants import (
    asked_again,
    broken_promises,
    pages_read,
    settled_queries,
)
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.upload_api.on_stack import CALM_THREADS, StackApi

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

ROWS = 80
THREADS = CALM_THREADS


@pytest.fixture(scope="module")
def drops(calm_stack: StackApi) -> DropStack:
    calm_stack.answer_after(0.3)
    return calm_stack.drops


@pytest.fixture
def sandbox(drops: DropStack) -> Sandbox:
    return drops.sandbox


def run_of(drops: DropStack, upload: Upload) -> str:
    """The latest run that asks for the upload; the one that writes files is another job's."""
    taken = [
        run.run_id
        for run in attempts.attempt_runs_of(drops.engine, attempt_of(drops, upload))
        if run.run_id
    ]
    return taken[-1]


def attempt_of(drops: DropStack, upload: Upload) -> str:
    latest = attempts.latest_attempt(drops.engine, upload.id)
    assert latest is not None
    return latest.id


def flag(drops: DropStack, upload: Upload) -> None:
    attempts.request_cancel(drops.engine, upload.id, datetime.now(UTC))


def terminate(drops: DropStack, upload: Upload) -> None:
    drops.stack.dagster.terminate(run_of(drops, upload))


def both(drops: DropStack, upload: Upload) -> None:
    flag(drops, upload)
    terminate(drops, upload)


def wait_for_files(drops: DropStack, upload: Upload) -> None:
    def written() -> bool:
        latest = attempts.latest_attempt(drops.engine, upload.id)
        return latest is not None and latest.files_written_at is not None

    drops.stack.wait_until(written, what="the files")


def assert_promises_hold(drops: DropStack, upload: Upload) -> None:
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []


@pytest.mark.parametrize("cancel", [flag, terminate, both])
def test_a_running_upload_is_cancelled_keeps_its_answers_and_can_be_retried(
    drops: DropStack, sandbox: Sandbox, cancel: Callable[[DropStack, Upload], None]
) -> None:
    name = f"{cancel.__name__}.csv"
    content, _ = make_sample(sandbox, Shape.PATIENTS, ROWS)
    drops.hand_in(name, content)
    upload = drops.wait_for_found(name, ROWS // 10)
    run_id = run_of(drops, upload)

    cancel(drops, upload)
    asked = calls_of(sandbox)["summary"]
    upload = drops.wait_for_status(name, UploadStatus.CANCELLED)

    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run_id).status == "CANCELED", what="the run's end"
    )
    # At most one call more for each thread, and then none.
    assert calls_of(sandbox)["summary"] - asked <= THREADS
    wait_for_files(drops, upload)
    assert {line["outcome"] for line in drops.results_in_outbox(name)} >= {"found", "unprocessed"}
    assert_promises_hold(drops, upload)

    # Again, and by the other way: nothing changes, and Dagster launches no retry of its own.
    flag(drops, upload)
    assert drops.stack.dagster.terminate(run_id) == "TerminateRunFailure"
    assert drops.upload_named(name) == upload
    children = [run for run in drops.stack.dagster.runs(partition=upload.id) if run.parent_run_id]
    assert children == []

    settled = settled_queries(drops.engine, upload.id)
    pages = pages_read(drops.engine, upload.id)
    asked = calls_of(sandbox)["summary"]
    try_again(drops, upload, run_id, from_ui=cancel is not flag, from_failure=cancel is both)

    upload = drops.wait_for_status(name, UploadStatus.COMPLETED)
    wait_for_files(drops, upload)
    assert upload.attempt == 2
    assert upload.counts.unprocessed == 0
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    newly_asked = calls_of(sandbox)["summary"] - asked
    assert newly_asked == pages_read(drops.engine, upload.id) - pages
    assert_promises_hold(drops, upload)


def try_again(
    drops: DropStack, upload: Upload, run_id: str, *, from_ui: bool, from_failure: bool
) -> None:
    """Retry as two people at once, or re-execute the run in Dagster's UI."""
    if from_ui:
        drops.stack.dagster.reexecute(run_id, from_failure=from_failure)
        drops.stack.wait_until(
            lambda: attempt_number(drops, upload) == 2, what="the second attempt"
        )
        return
    made: list[int] = []

    def retry() -> None:
        with suppress(InputError):
            attempt = attempts.request_retry(
                drops.engine, upload.id, RetryScope.FAILED, datetime.now(UTC)
            )
            made.append(attempt.number)

    people = [threading.Thread(target=retry) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert made == [2]


def attempt_number(drops: DropStack, upload: Upload) -> int:
    latest = attempts.latest_attempt(drops.engine, upload.id)
    return 0 if latest is None else latest.number


def test_a_completed_upload_that_is_re_executed_asks_nothing(
    drops: DropStack, sandbox: Sandbox
) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, 10)
    drops.hand_in("again.csv", content)
    upload = drops.wait_for_status("again.csv", UploadStatus.COMPLETED)
    asked = calls_of(sandbox)["summary"]

    run_id = drops.stack.dagster.reexecute(run_of(drops, upload), from_failure=False)

    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run_id).status == "SUCCESS", what="the stale run's end"
    )
    after = drops.upload_named("again.csv")
    assert after is not None
    assert (after.status, after.attempt) == (UploadStatus.COMPLETED, 1)
    assert calls_of(sandbox)["summary"] == asked
