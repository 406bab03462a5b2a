"""A run that is cancelled, or that has lost its attempt, stops and leaves things in order."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from sqlalchemy import func, select

from claims_pipeline.model import DetailLevel, RetryScope, UploadOptions, UploadStatus
from claims_pipeline.orchestration.celery.shutdown import worker_is_stopping
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.reconciliation import attempt_reconciliation_sensor
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Attempt, Hold
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.rows.results import count_outcomes
from claims_pipeline_tests.invariants import asked_again, broken_promises, settled_queries
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample, with_notes
from claims_pipeline_tests.pipeline import Pipeline, running_pipeline, shown

THREADS = 4
ROWS = 60
# Every call takes so long that a heartbeat comes before any checkpoint.
SLOW = [{"what": {"delay_s": 1.0}}]
SETTINGS = {"CLAIMS_QUERY_THREADS": str(THREADS), "CLAIMS_HEARTBEAT_S": "0.1"}


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=SETTINGS) as pipeline:
        yield pipeline


def latest(pipeline: Pipeline, upload_id: str) -> Attempt:
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    return attempt


def when(condition: Callable[[], bool], then: Callable[[], object]) -> threading.Thread:
    """Do something in a thread as soon as the condition holds; join it to be sure it was done."""
    tick = threading.Event()

    def watch() -> None:
        while not condition():
            tick.wait(0.01)
        then()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def upload_of(pipeline: Pipeline, rows: int = ROWS) -> str:
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, rows)
    return pipeline.upload(content)


def run_to_its_end(pipeline: Pipeline, upload_id: str) -> None:
    """Run the job; a cancelled one is interrupted, as Dagster does it itself."""
    try:
        pipeline.run(upload_id, ticket=pipeline.ticket(upload_id), raise_on_error=False)
    except dg.DagsterExecutionInterruptedError:
        return


def tick(pipeline: Pipeline) -> list[str]:
    """One tick of the reconciliation; partitions whose files it wants written."""
    context = dg.build_sensor_context(instance=pipeline.instance)
    result = attempt_reconciliation_sensor(context, store=StoreResource())
    if isinstance(result, dg.SkipReason):
        return []
    assert isinstance(result, dg.SensorResult)
    return [str(request.partition_key) for request in result.run_requests or []]


def write_files(pipeline: Pipeline, upload_id: str) -> None:
    assert tick(pipeline) == [upload_id]
    assert pipeline.run(upload_id, job="results_files_job").success


def rows_answered_by(pipeline: Pipeline, upload_id: str, *, attempt: int) -> int:
    columns = tables.results.c
    query = select(func.count()).where(columns.upload_id == upload_id, columns.attempt == attempt)
    with reading(pipeline.engine) as connection:
        return int(connection.execute(query).scalar_one())


def promises_kept(pipeline: Pipeline, upload_id: str) -> bool:
    files = open_file_store(pipeline.settings.resolved_files)
    return broken_promises(pipeline.engine, files, upload_id) == []


def test_a_run_that_lost_its_attempt_does_not_end_the_upload(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload_id = upload_of(pipeline)
    sandbox.set_faults(SLOW)

    def take_over() -> None:
        taken = attempts.acquire(
            pipeline.engine,
            upload_id,
            str(uuid4()),
            ticket=None,
            has_parent=True,
            run_has_ended=lambda _: True,
            dead_after_s=30,
            dead_between_steps_s=600,
            now=datetime.now(UTC),
        )
        assert isinstance(taken, Hold)

    other = when(lambda: calls_of(sandbox)["summary"] >= THREADS, take_over)
    run_to_its_end(pipeline, upload_id)
    other.join()

    assert pipeline.get(upload_id).status is UploadStatus.PROCESSING
    assert latest(pipeline, upload_id).state == "running"
    assert settled_queries(pipeline.engine, upload_id) == {}
    # One call more for each thread at most, and none since.
    assert calls_of(sandbox)["summary"] <= 2 * THREADS


@pytest.mark.parametrize("told_by", ["a heartbeat", "a checkpoint"])
def test_a_cancelled_run_stops_soon_keeps_its_answers_and_is_cancelled_in_dagster(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    monkeypatch.setenv("CLAIMS_HEARTBEAT_S", "0.1" if told_by == "a heartbeat" else "3600")
    upload_id = upload_of(pipeline)
    sandbox.set_faults([{"when": {"after_s": 1.0}, **SLOW[0]}, {"what": {"delay_s": 0.05}}])
    asked: list[int] = []

    def cancel() -> None:
        attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))
        asked.append(calls_of(sandbox)["summary"])

    cancelling = when(lambda: pipeline.get(upload_id).counts.found >= 1, cancel)
    run_to_its_end(pipeline, upload_id)
    cancelling.join()

    upload = pipeline.get(upload_id)
    assert upload.status is UploadStatus.CANCELLED
    assert upload.counts.found
    assert upload.counts.unprocessed
    assert calls_of(sandbox)["summary"] - asked[0] <= THREADS
    run = pipeline.instance.get_runs()[0]
    assert run.status is dg.DagsterRunStatus.CANCELED
    write_files(pipeline, upload_id)
    assert promises_kept(pipeline, upload_id)


def is_waiting_for_calls_in_flight() -> bool:
    """Whether the run, which the main thread executes, has begun no call more and waits."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code.co_name != "_wait_for_calls":
        frame = frame.f_back
    return frame is not None


def test_calls_are_counted_though_the_run_is_terminated_while_it_stops(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload_id = upload_of(pipeline)
    sandbox.set_faults(SLOW)

    def cancel() -> None:
        attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))

    def terminate() -> None:
        pipeline.instance.report_run_canceling(pipeline.instance.get_runs()[0])
        os.kill(os.getpid(), signal.SIGINT)

    cancelling = when(lambda: calls_of(sandbox)["summary"] >= THREADS, cancel)
    terminating = when(is_waiting_for_calls_in_flight, terminate)
    run_to_its_end(pipeline, upload_id)
    cancelling.join()
    terminating.join()

    assert pipeline.get(upload_id).status is UploadStatus.CANCELLED
    assert latest(pipeline, upload_id).search_calls == calls_of(sandbox)["summary"]


def test_a_cancelled_run_that_is_slow_to_stop_does_not_cancel_the_retry(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload_id = upload_of(pipeline)
    sandbox.set_faults(SLOW)

    def cancel_and_retry() -> None:
        attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))
        attempts.finish(
            pipeline.engine,
            upload_id,
            UploadStatus.CANCELLED,
            attempt_id=latest(pipeline, upload_id).id,
            now=datetime.now(UTC),
        )
        attempts.request_retry(pipeline.engine, upload_id, RetryScope.FAILED, datetime.now(UTC))

    retrying = when(lambda: calls_of(sandbox)["summary"] >= THREADS, cancel_and_retry)
    run_to_its_end(pipeline, upload_id)
    retrying.join()

    assert pipeline.get(upload_id).status is UploadStatus.PENDING
    assert latest(pipeline, upload_id).number == 2


def test_an_upload_that_is_cancelled_while_its_files_are_written_ends_as_was_said(
    pipeline: Pipeline,
) -> None:
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, ROWS)
    upload_id = pipeline.upload(with_notes(content))
    folder = Path(pipeline.settings.resolved_files) / "demo" / upload_id
    said: list[UploadStatus] = []

    def cancel() -> None:
        said.append(attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC)))

    cancelling = when(
        lambda: any(folder.glob(".unfinished*")) or pipeline.get(upload_id).status.is_terminal,
        cancel,
    )
    run_to_its_end(pipeline, upload_id)
    cancelling.join()

    ends = {UploadStatus.CANCELLING: UploadStatus.CANCELLED}
    upload = pipeline.get(upload_id)
    assert upload.status is ends.get(said[0], said[0])
    assert (upload.counts.failed, upload.counts.unprocessed) == (0, 0)
    for partition in tick(pipeline):
        assert pipeline.run(partition, job="results_files_job").success
    assert promises_kept(pipeline, upload_id)


def test_cancelling_again_or_after_the_end_changes_nothing(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline, 5)
    run_to_its_end(pipeline, upload_id)
    before = pipeline.get(upload_id)

    said = [
        attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC)) for _ in range(2)
    ]

    assert said == [UploadStatus.COMPLETED] * 2
    assert pipeline.get(upload_id) == before
    assert tick(pipeline) == []


def test_a_launched_upload_that_is_cancelled_before_its_run_begins_is_left_alone_by_it(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload_id = upload_of(pipeline, 5)
    ticket = pipeline.ticket(upload_id)
    assert (
        attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))
        is UploadStatus.CANCELLED
    )

    assert pipeline.run(upload_id, ticket=ticket).success

    assert pipeline.get(upload_id).status is UploadStatus.CANCELLED
    assert calls_of(sandbox)["summary"] == 0


def test_a_run_that_is_terminated_in_the_queue_cancels_its_upload(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline, 5)
    run = pipeline.instance.create_run_for_job(
        job_def=pipeline.definitions.resolve_job_def("claim_status_job"),
        tags={TICKET_TAG: pipeline.ticket(upload_id), "dagster/partition": upload_id},
        status=dg.DagsterRunStatus.NOT_STARTED,
    )
    assert tick(pipeline) == []
    assert pipeline.get(upload_id).status is UploadStatus.PENDING

    pipeline.instance.report_run_canceled(run)
    assert tick(pipeline) == []  # Nothing was read, so there is no file to write.

    assert pipeline.get(upload_id).status is UploadStatus.CANCELLED
    assert latest(pipeline, upload_id).files_written_at is not None


def test_a_retry_of_a_cancelled_upload_asks_only_what_was_left(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload_id = upload_of(pipeline)
    sandbox.set_faults([{"what": {"delay_s": 0.1}}])
    cancelling = when(
        lambda: pipeline.get(upload_id).counts.found >= 5,
        lambda: attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC)),
    )
    run_to_its_end(pipeline, upload_id)
    cancelling.join()
    settled = settled_queries(pipeline.engine, upload_id)
    left = pipeline.get(upload_id).counts.unprocessed
    sandbox.reset()

    attempts.request_retry(pipeline.engine, upload_id, RetryScope.FAILED, datetime.now(UTC))
    run_to_its_end(pipeline, upload_id)

    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    assert asked_again(settled, settled_queries(pipeline.engine, upload_id)) == []
    assert count_outcomes(pipeline.engine, upload_id).unprocessed == 0
    assert rows_answered_by(pipeline, upload_id, attempt=2) == left
    assert promises_kept(pipeline, upload_id)


def test_half_written_files_of_killed_runs_are_removed_but_not_those_being_written(
    pipeline: Pipeline,
) -> None:
    upload_id = upload_of(pipeline, 1)
    folder = Path(pipeline.settings.resolved_files) / "demo" / upload_id
    left, fresh = folder / ".unfinished-left", folder / ".unfinished-fresh"
    for path in (left, fresh):
        path.write_bytes(b"row_number")
    two_hours_ago = datetime.now(UTC).timestamp() - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))

    tick(pipeline)

    assert (left.exists(), fresh.exists()) == (False, True)


def test_a_run_for_files_alone_does_not_complete_an_upload_that_is_retried_meanwhile(
    pipeline: Pipeline,
) -> None:
    upload_id = upload_of(pipeline, 5)
    run_to_its_end(pipeline, upload_id)
    attempts.request_retry(pipeline.engine, upload_id, RetryScope.ALL, datetime.now(UTC))

    run = pipeline.run(upload_id, job="results_files_job")

    assert (run.success, shown(run)) == (True, [])
    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert (latest.state, latest.waiting_reason, latest.started_at) == ("pending", None, None)
    run_to_its_end(pipeline, upload_id)
    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    assert pipeline.get(upload_id).counts.failed == 0
    assert promises_kept(pipeline, upload_id)


def test_an_upload_whose_run_could_not_write_its_error_down_is_launched_again(
    pipeline: Pipeline,
) -> None:
    upload_id = upload_of(pipeline, 5)
    hold_and_fail(pipeline, upload_id)

    assert tick(pipeline) == []

    assert latest(pipeline, upload_id).state == "waiting"
    run_to_its_end(pipeline, upload_id)
    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED


def hold_and_fail(pipeline: Pipeline, upload_id: str) -> None:
    """A run acquires the attempt, then fails, and cannot say so to the database."""
    run = pipeline.instance.create_run_for_job(
        job_def=pipeline.definitions.resolve_job_def("claim_status_job"),
        tags={"dagster/partition": upload_id, "dagster/will_retry": "false"},
        status=dg.DagsterRunStatus.STARTED,
    )
    held = attempts.acquire(
        pipeline.engine,
        upload_id,
        run.run_id,
        ticket=pipeline.ticket(upload_id),
        has_parent=False,
        run_has_ended=lambda _: False,
        dead_after_s=30,
        dead_between_steps_s=600,
        now=datetime.now(UTC),
    )
    assert isinstance(held, Hold)
    pipeline.instance.report_run_failed(run)


def test_a_search_that_ends_after_its_worker_was_told_to_leave_is_kept_with_its_details(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, 1)
    upload_id = pipeline.upload(content, options=UploadOptions(detail_level=DetailLevel.FULL))
    sandbox.set_faults(SLOW)
    leaving = when(lambda: calls_of(sandbox)["summary"] == 1, worker_is_stopping.set)
    try:
        run_to_its_end(pipeline, upload_id)
    finally:
        leaving.join()
        worker_is_stopping.clear()

    assert len(settled_queries(pipeline.engine, upload_id)) == 1
    assert calls_of(sandbox)["detail"] == 1
    assert count_outcomes(pipeline.engine, upload_id).found == 1
