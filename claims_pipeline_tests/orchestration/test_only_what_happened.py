"""I10: Dagster shows as materialised, and as passed, only what happened."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

import dagster as dg
import pytest
from sqlalchemy import text

from claims_pipeline.definitions import build_defs
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts
from claims_pipeline.store.database import writing
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.files.folder import FolderFileStore
from claims_pipeline_tests.orchestration.broken_stores import make_faulty_upload
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.orchestration.test_payer_faults import SUMMARY, last_name
from claims_pipeline_tests.pipeline import Pipeline, hasty_definitions, running_pipeline, shown

DOWN = {"what": {"status": 503}}
EVERYTHING = [
    "claim_requests",
    "claim_results",
    "claim_statuses",
    "every_row_could_be_asked: passed",
    "every_row_is_accounted_for: passed",
    "files_equal_the_table: passed",
    "results_files",
    "results_keep_their_promises: passed",
    "uploaded_csv",
]


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home", sandbox, monkeypatch, definitions=hasty_definitions()
    ) as pipeline:
        yield pipeline


def upload_of(pipeline: Pipeline, rows: int = 5) -> str:
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, rows)
    return pipeline.upload(content)


def finished(pipeline: Pipeline) -> str:
    upload_id = upload_of(pipeline)
    assert pipeline.run(upload_id, ticket=pipeline.ticket(upload_id)).success
    return upload_id


def said(pipeline: Pipeline, run: dg.ExecuteInProcessResult, what: str) -> bool:
    """Whether a line of the run's log says so."""
    return any(what in record.user_message for record in pipeline.instance.all_logs(run.run_id))


def test_a_run_that_does_it_all_shows_it_all(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    run = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id))
    assert sorted(shown(run)) == EVERYTHING
    [statuses] = run.asset_materializations_for_node("claim_statuses.settle_remaining_queries")
    assert {"total", "found", "search_calls", "one_per_row_calls", "seconds", "payer_p95_s"} <= set(
        statuses.metadata
    )
    assert statuses.metadata["total"].value == 5


def test_while_the_payer_is_down_only_the_reading_of_the_file_is_shown(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    pipeline.sandbox.set_faults([DOWN])

    run = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id))

    assert run.success
    assert sorted(shown(run)) == [
        "claim_requests",
        "every_row_is_accounted_for: passed",
        "uploaded_csv",
    ]
    assert pipeline.get(upload_id).waiting_reason == "payer_unavailable"
    assert said(pipeline, run, "the payer is down")


def test_a_launch_with_an_unknown_ticket_shows_nothing_and_says_why(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    run = pipeline.run(upload_id, ticket="no ticket of ours")
    assert (run.success, shown(run)) == (True, [])
    assert said(pipeline, run, "this launch is not one that the upload waits for")


def test_the_second_of_two_launches_shows_nothing(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    ticket = pipeline.ticket(upload_id)
    assert pipeline.run(upload_id, ticket=ticket).success
    again = pipeline.run(upload_id, ticket=ticket)
    assert (again.success, shown(again)) == (True, [])


def test_a_finished_upload_repeats_its_figures_as_an_observation_and_nothing_else(
    pipeline: Pipeline,
) -> None:
    upload_id = finished(pipeline)
    calls = pipeline.sandbox.calls()

    again = pipeline.run(upload_id)

    assert (again.success, shown(again)) == (True, [])
    assert pipeline.sandbox.calls() == calls
    assert said(pipeline, again, "nothing to ask; complete since")
    [observation] = [
        event.asset_observation_data.asset_observation
        for event in again.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    ]
    assert observation.asset_key == dg.AssetKey("claim_requests")
    assert observation.metadata["total"].value == 5
    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert (latest.number, latest.status) == (1, UploadStatus.COMPLETED)


@pytest.mark.parametrize("asset", ["claim_requests", "claim_statuses", "claim_results"])
def test_one_asset_of_a_finished_upload_run_alone_shows_nothing(
    pipeline: Pipeline, asset: str
) -> None:
    upload_id = finished(pipeline)
    alone = pipeline.run(upload_id, assets=[asset])
    assert (alone.success, shown(alone)) == (True, [])
    assert said(pipeline, alone, "nothing to ask; complete since")


def test_a_cancelled_upload_shows_nothing_when_its_run_comes(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    ticket = pipeline.ticket(upload_id)
    attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))
    run = pipeline.run(upload_id, ticket=ticket)
    assert (run.success, shown(run)) == (True, [])


def test_files_of_a_finished_upload_can_be_written_again_alone(pipeline: Pipeline) -> None:
    upload_id = finished(pipeline)
    run = pipeline.run(upload_id, job="results_files_job")
    assert shown(run) == ["results_files", "files_equal_the_table: passed"]


def test_files_queued_for_a_cancelled_upload_leave_its_retry_alone(pipeline: Pipeline) -> None:
    upload_id = upload_of(pipeline)
    attempts.request_cancel(pipeline.engine, upload_id, datetime.now(UTC))
    attempts.request_retry(pipeline.engine, upload_id, RetryScope.FAILED, datetime.now(UTC))

    files = pipeline.run(upload_id, job="results_files_job")

    assert (files.success, shown(files)) == (True, [])
    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert (latest.state, latest.waiting_reason, latest.holder_run_id) == ("pending", None, None)
    whole = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id))
    assert sorted(shown(whole)) == EVERYTHING


SPOIL = {
    "a row that is lost between the reader and the table": (
        "AFTER INSERT ON requests WHEN NEW.row_number = 3",
        "DELETE FROM requests WHERE upload_id = NEW.upload_id AND row_number = 3",
        ("every_row_is_accounted_for", "rows_lost"),
    ),
    "a result that is lost": (
        "AFTER INSERT ON results WHEN NEW.row_number = 3",
        "DELETE FROM results WHERE upload_id = NEW.upload_id AND row_number = 3",
        ("results_keep_their_promises", "results_inconsistent"),
    ),
}


@pytest.mark.parametrize("spoiled", list(SPOIL))
def test_a_store_that_loses_something_fails_its_check_and_the_upload(
    pipeline: Pipeline, spoiled: str
) -> None:
    when, what, (check, code) = SPOIL[spoiled]
    upload_id = upload_of(pipeline)
    _spoil_by_trigger(pipeline, when, what)

    run = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id), raise_on_error=False)

    assert not run.success
    assert f"{check}: failed" in shown(run)
    assert "results_files" not in shown(run)
    upload = pipeline.get(upload_id)
    assert (upload.status, upload.error_code) == (UploadStatus.FAILED, code)
    assert not pipeline.settings.resolved_outbox.exists()


_CALLED = "EXECUTE FUNCTION spoil()"


def _spoil_by_trigger(pipeline: Pipeline, when: str, what: str) -> None:
    """Let the database itself lose something, in whatever dialect it speaks."""
    if pipeline.engine.dialect.name == "sqlite":
        statements = [f"CREATE TRIGGER spoiled {when} BEGIN {what}; END"]
    else:
        event, condition = when.split(" WHEN ")
        body = f"BEGIN {what}; RETURN NULL; END"
        statements = [
            f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
            f"CREATE TRIGGER spoiled {event} FOR EACH ROW WHEN ({condition}) {_CALLED}",
        ]
    with writing(pipeline.engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_rows_that_failed_are_warned_of(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [], rows=10)
    patient = last_name(upload.sample[0])
    pipeline.sandbox.set_faults([{"match": {**SUMMARY, "patient_last_name": patient}, **DOWN}])

    run = pipeline.run(upload.id)

    assert run.success
    assert "every_row_could_be_asked: failed" in shown(run)
    assert "results_keep_their_promises: passed" in shown(run)


def _without_last_line(stream: BinaryIO) -> BinaryIO:
    return io.BytesIO(b"".join(stream.readlines()[:-1]))


def _without_last_row(stream: BinaryIO) -> BinaryIO:
    """A workbook whose sheet of claims has lost its last row."""
    lost = io.BytesIO()
    with ZipFile(stream) as whole, ZipFile(lost, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "xl/worksheets/sheet2.xml":
                before, _, last = content.rpartition(b"<row ")
                content = before + last.partition(b"</row>")[2]
            archive.writestr(name, content)
    lost.seek(0)
    return lost


class _LosingFiles(FolderFileStore):
    """A disk that has lost the end of a file when it is read back."""

    def __init__(self, root: Path, ending: str) -> None:
        super().__init__(root)
        self._ending = ending

    def open(self, key: str) -> BinaryIO:
        stream = super().open(key)
        if not key.endswith(self._ending):
            return stream
        with stream:
            lose = _without_last_row if key.endswith(".xlsx") else _without_last_line
            return lose(stream)


class _LosingStore(StoreResource):
    ending: str

    def files(self, settings: Settings | None = None) -> FileStore:
        return _LosingFiles(Path((settings or self.settings()).resolved_files), self.ending)


@pytest.mark.parametrize("ending", ["results.csv", "results.xlsx", "lines.csv", "rejected.csv"])
def test_files_that_lost_something_fail_their_check_and_are_not_published(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    sandbox.reset()
    definitions = build_defs(resource_overrides={"store": _LosingStore(ending=ending)})
    with running_pipeline(
        tmp_path / "home", sandbox, monkeypatch, definitions=definitions
    ) as pipeline:
        content, _ = make_sample(sandbox, Shape.PATIENTS, 5)
        bad_row = content.splitlines()[1].replace(b",", b",?", 1) + b",one cell too many"
        upload_id = pipeline.upload(content + bad_row + b"\n")

        run = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id), raise_on_error=False)

        assert not run.success
        assert "files_equal_the_table: failed" in shown(run)
        assert "results_files" not in shown(run)
        upload = pipeline.get(upload_id)
        assert (upload.status, upload.error_code) == (UploadStatus.FAILED, "files_differ")
        assert not pipeline.settings.resolved_outbox.exists()
