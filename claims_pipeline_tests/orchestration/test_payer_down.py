"""A payer that is down for long: the upload waits and goes on by itself, line 8."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import dagster as dg
import pytest
from sqlalchemy import update

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Outcome, Query, QueryKind, RetryScope, UploadStatus
from claims_pipeline.orchestration import payer_queries
from claims_pipeline.orchestration.payer_backoff import next_try_at
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.pending_uploads import pending_uploads_sensor
from claims_pipeline.orchestration.sensors.reconciliation import attempt_reconciliation_sensor
from claims_pipeline.payers.base import Answer, Payer
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import writing
from claims_pipeline_tests.invariants import asked_again, settled_queries
from claims_pipeline_tests.orchestration.broken_stores import FaultyUpload, make_faulty_upload
from claims_pipeline_tests.pipeline import (
    HastyPayers,
    Pipeline,
    hasty_definitions,
    running_pipeline,
    shown,
)

THREADS = 4
DOWN = {"what": {"status": 503}}
# The first calls are answered; from then on nothing is.
DOWN_IN_MID_RUN = {"match": {"kind": "summary"}, "when": {"from_nth": 12}, **DOWN}
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EIGHT_HOURS = timedelta(hours=8)


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        settings={"CLAIMS_QUERY_THREADS": str(THREADS)},
        definitions=hasty_definitions(),
    ) as pipeline:
        yield pipeline


@pytest.mark.parametrize("on_a_worker", [False, True])
def test_the_name_of_a_dropped_file_is_shown_in_the_outbox_but_not_on_a_worker(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, *, on_a_worker: bool
) -> None:
    process_is_worker = threading.Event()
    if on_a_worker:
        process_is_worker.set()
    monkeypatch.setattr(payer_queries, "is_worker", process_is_worker)
    upload = make_faulty_upload(pipeline, [DOWN])
    with writing(pipeline.engine) as connection:
        connection.execute(update(tables.uploads).values(outbox_name="dropped"))

    pipeline.run(upload.id)

    shown = [*pipeline.settings.resolved_outbox.rglob("*dropped*")]
    assert (shown == []) is on_a_worker


def run_when_due(upload: FaultyUpload) -> dg.ExecuteInProcessResult:
    """Launch the waiting upload as the sensor does once its next try is due."""
    due = upload.pipeline.get(upload.id).next_try_at
    assert due is not None
    engine, ticket = upload.pipeline.engine, str(uuid4())
    assert not attempts.issue_ticket(
        engine, upload.attempt().id, ticket=ticket, now=due - timedelta(milliseconds=1)
    )
    assert attempts.issue_ticket(engine, upload.attempt().id, ticket=ticket, now=due)
    return upload.pipeline.run(upload.id, ticket=ticket)


def warned_of(result: dg.ExecuteInProcessResult) -> bool:
    """Whether the check that every row could be asked has not passed."""
    [check] = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "every_row_could_be_asked"
    ]
    assert check.severity is dg.AssetCheckSeverity.WARN or check.passed
    return not check.passed


def test_an_upload_waits_for_a_payer_that_is_down_and_goes_on_when_it_is_back(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload = make_faulty_upload(pipeline, [DOWN])

    result = pipeline.run(upload.id)

    assert result.success
    assert shown(result) == ["uploaded_csv", "claim_requests", "every_row_is_accounted_for: passed"]
    waiting = pipeline.get(upload.id)
    assert (waiting.status, waiting.waiting_reason) == (
        UploadStatus.PROCESSING,
        "payer_unavailable",
    )
    assert waiting.next_try_at is not None
    assert waiting.next_try_at > datetime.now(UTC) + timedelta(seconds=10)
    assert waiting.counts.failed == waiting.counts.answered == 0
    assert not list(pipeline.settings.resolved_home.rglob("results.csv"))
    attempt = upload.attempt()
    assert (attempt.state, attempt.step_is_held) == ("waiting", False)
    assert attempt.payer_down_since is not None

    sandbox.set_faults([])
    assert run_when_due(upload).success

    upload.assert_promises()
    assert upload.failed() == []
    ended = pipeline.get(upload.id)
    assert (ended.status, ended.attempt) == (UploadStatus.COMPLETED, 1)
    assert (ended.waiting_reason, ended.next_try_at) == (None, None)
    assert upload.attempt().payer_down_since is None


def test_what_was_answered_before_the_payer_went_down_is_not_asked_again(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload = make_faulty_upload(pipeline, [DOWN_IN_MID_RUN])
    assert pipeline.run(upload.id).success
    before = settled_queries(pipeline.engine, upload.id)
    assert 0 < pipeline.get(upload.id).counts.answered < len(upload.sample)
    assert pipeline.get(upload.id).counts.failed == 0

    sandbox.set_faults([])
    assert run_when_due(upload).success

    upload.assert_promises()
    assert upload.failed() == []
    assert asked_again(before, settled_queries(pipeline.engine, upload.id)) == []


def test_the_time_that_the_payer_was_down_is_counted_from_when_it_last_answered(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    upload = make_faulty_upload(pipeline, [DOWN])
    pipeline.run(upload.id)
    first = upload.attempt().payer_down_since
    assert first is not None
    run_when_due(upload)
    assert upload.attempt().payer_down_since == first

    sandbox.set_faults([DOWN_IN_MID_RUN])
    run_when_due(upload)

    again = upload.attempt().payer_down_since
    assert again is not None
    assert again > first


@pytest.mark.parametrize("calls", [10, 40])
def test_a_burst_of_failures_leaves_no_row_without_its_answer(
    pipeline: Pipeline, calls: int
) -> None:
    """Short, it is sat out within the run; longer, the upload waits once or twice."""
    burst = {"match": {"kind": "summary"}, "when": {"from_nth": 12, "times": calls}, **DOWN}
    upload = make_faulty_upload(pipeline, [burst])

    pipeline.run(upload.id)
    while not pipeline.get(upload.id).status.is_terminal:
        run_when_due(upload)

    upload.assert_promises()
    assert upload.failed() == []


def test_a_payer_that_stays_down_is_not_hammered(pipeline: Pipeline, sandbox: Sandbox) -> None:
    upload = make_faulty_upload(pipeline, [DOWN])
    pipeline.run(upload.id)
    begun = sum(sandbox.calls().values())

    for _ in range(4):
        run_when_due(upload)

    # At first until the breaker opens; then one call at a time, a few tries apart.
    assert begun <= 10 + 2 * THREADS
    assert sum(sandbox.calls().values()) - begun <= 4 * 2 * THREADS
    assert pipeline.get(upload.id).status is UploadStatus.PROCESSING


def give_up(upload: FaultyUpload, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the waiting upload when all its hours are over."""
    monkeypatch.setenv("CLAIMS_PAYER_RETRY_HOURS", "0.000001")
    due = upload.pipeline.get(upload.id).next_try_at
    assert due is not None
    ticket = str(uuid4())
    assert attempts.issue_ticket(
        upload.pipeline.engine, upload.attempt().id, ticket=ticket, now=due
    )
    upload.pipeline.run(upload.id, ticket=ticket, raise_on_error=False)


def test_rows_fail_when_the_payer_is_down_for_too_long_and_a_retry_asks_only_those(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_faulty_upload(pipeline, [DOWN_IN_MID_RUN])
    pipeline.run(upload.id)
    answered = pipeline.get(upload.id).counts.answered

    give_up(upload, monkeypatch)

    upload.assert_promises()
    ended = pipeline.get(upload.id)
    assert ended.status is UploadStatus.COMPLETED
    assert ended.counts.answered == answered
    assert {code for _, code in upload.failed()} == {"payer_unavailable"}

    sandbox.reset()
    attempts.request_retry(pipeline.engine, upload.id, RetryScope.FAILED, datetime.now(UTC))
    pipeline.run(upload.id, ticket=pipeline.ticket(upload.id))

    upload.assert_promises()
    assert upload.failed() == []
    # Singles: one search for each row that had failed, or fewer where rows share a patient.
    assert sandbox.calls()["summary"] <= ended.counts.failed + 1


def test_an_upload_of_which_nothing_could_be_asked_fails(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = make_faulty_upload(pipeline, [DOWN])
    pipeline.run(upload.id)

    give_up(upload, monkeypatch)
    pipeline.run(upload.id, job="results_files_job")

    upload.assert_promises()
    ended = pipeline.get(upload.id)
    assert (ended.status, ended.error_code) == (UploadStatus.FAILED, "payer_unavailable")


def test_without_hours_to_wait_rows_fail_at_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_PAYER_RETRY_HOURS", "0")
    upload = make_faulty_upload(pipeline, [DOWN_IN_MID_RUN])

    result = pipeline.run(upload.id)

    assert result.success
    assert warned_of(result)
    upload.assert_promises()
    assert pipeline.get(upload.id).status is UploadStatus.COMPLETED
    assert {code for _, code in upload.failed()} == {"payer_unavailable"}


def test_a_waiting_upload_can_be_cancelled(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [DOWN_IN_MID_RUN])
    pipeline.run(upload.id)
    answered = pipeline.get(upload.id).counts.answered

    attempts.request_cancel(pipeline.engine, upload.id, datetime.now(UTC))
    pipeline.run(upload.id, job="results_files_job")

    ended = pipeline.get(upload.id)
    assert ended.status is UploadStatus.CANCELLED
    assert ended.counts.answered == answered
    assert ended.counts.failed == 0
    unprocessed = [a for _, a in upload.rows() if a.result.outcome is Outcome.UNPROCESSED]
    assert len(unprocessed) == ended.counts.unprocessed > 0


def test_the_sensor_launches_a_waiting_upload_when_it_is_due_and_not_before(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The little patience there is ends before the shortest pause does.
    monkeypatch.setenv("CLAIMS_PAYER_RETRY_HOURS", "0.0003")
    upload = make_faulty_upload(pipeline, [DOWN], rows=3)
    pipeline.run(upload.id)
    due = pipeline.get(upload.id).next_try_at
    assert due is not None

    launches: list[tuple[bool, str | None]] = []
    while not launches:
        launches = [(datetime.now(UTC) >= due, launch) for launch in launched(pipeline)]

    assert launches == [(True, upload.id)]
    assert launched(pipeline) == []


def launched(pipeline: Pipeline) -> list[str | None]:
    context = dg.build_sensor_context(instance=pipeline.instance)
    result = pending_uploads_sensor(context, store=StoreResource())
    if not isinstance(result, dg.SensorResult):
        return []
    return [request.partition_key for request in result.run_requests or []]


def test_runs_that_have_waited_do_not_count_as_runs_that_died(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [DOWN], rows=3)
    pipeline.run(upload.id)
    for _ in range(3):
        run_when_due(upload)
    # A fifth run acquires the attempt and is lost at once: Dagster does not know it.
    hold = attempts.acquire(
        pipeline.engine,
        upload.id,
        str(uuid4()),
        ticket=None,
        has_parent=False,
        run_has_ended=lambda _run_id: True,
        dead_after_s=30,
        dead_between_steps_s=600,
        now=datetime.now(UTC),
    )
    assert isinstance(hold, Hold)

    attempt_reconciliation_sensor(
        dg.build_sensor_context(instance=pipeline.instance), store=StoreResource()
    )

    assert upload.attempt().waiting_reason == "run_lost"
    assert pipeline.get(upload.id).status is UploadStatus.PROCESSING


@pytest.mark.parametrize(
    ("down_for", "pause"),
    [
        (None, timedelta(seconds=30)),
        (timedelta(seconds=31), timedelta(seconds=31)),
        (timedelta(minutes=4), timedelta(minutes=4)),
        (timedelta(hours=3), timedelta(minutes=15)),
        (timedelta(hours=7, minutes=59), timedelta(minutes=1)),
    ],
)
def test_pauses_grow_with_the_time_that_the_payer_is_down(
    down_for: timedelta | None, pause: timedelta
) -> None:
    down_since = None if down_for is None else NOW - down_for

    assert next_try_at(down_since=down_since, patience=EIGHT_HOURS, now=NOW) == NOW + pause


@pytest.mark.parametrize(
    ("down_since", "patience"), [(NOW - EIGHT_HOURS, EIGHT_HOURS), (None, timedelta())]
)
def test_patience_ends(down_since: datetime | None, patience: timedelta) -> None:
    assert next_try_at(down_since=down_since, patience=patience, now=NOW) is None


class _WithoutSweeps:
    """A payer that can be asked for single patients only; the rest is UHC's adapter."""

    def __init__(self, payer: Payer) -> None:
        self._payer = payer
        self.capabilities = replace(payer.capabilities, sweep=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self._payer, name)

    def search(self, query: Query) -> Answer:
        if query.kind is QueryKind.SWEEP:
            raise PayerError(ErrorClass.FIX_INPUT, "patient_missing", "Name a patient.")
        return self._payer.search(query)

    def is_alive(self, like: Query) -> bool:
        try:
            self.search(like)
        except PayerError as error:
            return error.error_class is not ErrorClass.TRANSIENT
        return True


class _PayersWithoutSweeps(HastyPayers):
    def connect(self, payer: str, **wiring: Any) -> Payer:
        return cast("Payer", _WithoutSweeps(super().connect(payer, **wiring)))


def test_a_payer_without_sweeps_is_waited_for_like_any_other(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for a sweep, such a payer says no, which would count as a sign of life."""
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        settings={"CLAIMS_QUERY_THREADS": str(THREADS)},
        definitions=hasty_definitions(_PayersWithoutSweeps()),
    ) as pipeline:
        upload = make_faulty_upload(pipeline, [DOWN], rows=6)

        assert pipeline.run(upload.id).success

        waiting = pipeline.get(upload.id)
        assert (waiting.waiting_reason, waiting.counts.failed) == ("payer_unavailable", 0)
        sandbox.set_faults([])
        assert run_when_due(upload).success
        upload.assert_promises()
        assert upload.failed() == []
