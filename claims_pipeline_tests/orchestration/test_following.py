"""Follow-up on a real Dagster instance: gathered by the job, asked as any upload, told in files."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from claims_pipeline.folders.outbox import outbox_files
from claims_pipeline.follow_up.cadence import CadenceRule
from claims_pipeline.model import UploadOptions, UploadStatus
from claims_pipeline.orchestration.following import follow_up_schedule
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.tracked.rules import save_cadence_rules, switch_follow_up
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline
from claims_pipeline_tests.store.tracked.builders import told, tracked


def _make_all_due(pipeline: Pipeline) -> None:
    """Everything is to be asked again today, and looked otherwise the last time."""
    with writing(pipeline.engine) as connection:
        connection.execute(
            update(tables.tracked_claims).values(
                next_check_on=pipeline.settings.payer_today(),
                final_at=None,
                status="PENDING",
                next_action="wait_for_decision",
            )
        )


def _follow_up_uploads(pipeline: Pipeline) -> list[str]:
    with reading(pipeline.engine) as connection:
        query = select(tables.uploads.c.id).where(tables.uploads.c.source == "follow_up")
        return list(connection.execute(query).scalars())


def _gather(pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    return pipeline.definitions.resolve_job_def("follow_up_job").execute_in_process(
        instance=pipeline.instance
    )


def _results(pipeline: Pipeline, upload_id: str) -> list[dict[str, str]]:
    [path] = pipeline.settings.resolved_home.glob(f"files/{ORGANIZATION}/{upload_id}/results.csv")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def always_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The payer's time zone is one in which it is later than six."""
    offset = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"
    monkeypatch.setenv("CLAIMS_PAYER_TIMEZONE", zone)


def test_a_followed_upload_is_asked_again_and_told_what_changed(
    pipeline: Pipeline, always_morning: None
) -> None:
    del always_morning
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, 40)
    first = pipeline.upload(content, options=UploadOptions(follow_up=True))
    pipeline.run(first)
    assert {line["changed"] for line in _results(pipeline, first)} == {"", "new"}
    followed = tracked(pipeline.engine)
    assert len(followed) > 20
    _make_all_due(pipeline)

    gathered = _gather(pipeline)

    assert gathered.success
    [upload_id] = _follow_up_uploads(pipeline)
    [materialization] = gathered.asset_materializations_for_node("tracked_claims")
    figures = {name: value.value for name, value in materialization.metadata.items()}
    assert (figures["uploads"], figures["asked_today"]) == (1, len(followed))
    assert (figures["due"], figures["tracked"]) == (0, len(followed))
    assert _gather(pipeline).success
    assert _follow_up_uploads(pipeline) == [upload_id]

    pipeline.instance.add_dynamic_partitions("uploads", [upload_id])
    pipeline.run(upload_id)

    upload = pipeline.get(upload_id)
    assert (upload.status, upload.source) == (UploadStatus.COMPLETED, "follow_up")
    lines = _results(pipeline, upload_id)
    assert {line["previous_status"] for line in lines if line["changed"]} == {"PENDING"}
    assert "status" in {line["changed"] for line in lines}
    assert {line["checks"] for line in lines if line["changed"]} == {"2"}
    changes = [kind for kind, _, _ in told(pipeline.engine) if kind != "new"]
    day = pipeline.settings.payer_today()
    outbox = pipeline.settings.resolved_outbox
    report = outbox / ORGANIZATION / f"changes.{day:%Y%m%d}.csv"
    with report.open(encoding="utf-8-sig", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == len(changes)
    book = load_workbook(report.with_suffix(".xlsx"))
    assert book["Changes"].max_row == len(changes) + 1
    assert report in set(outbox_files(outbox))
    assert not list((outbox / ORGANIZATION).glob(".*"))


def test_running_an_upload_again_tells_nothing_again(pipeline: Pipeline) -> None:
    switch_follow_up(pipeline.engine, ORGANIZATION, is_on=True, now=datetime.now(UTC))
    content, _ = make_sample(pipeline.sandbox, Shape.CLAIMS, 15)
    upload_id = pipeline.upload(content)
    pipeline.run(upload_id)
    before = told(pipeline.engine)
    assert before

    pipeline.run(upload_id)
    pipeline.run(upload_id, job="results_files_job")

    assert told(pipeline.engine) == before


def test_an_organization_has_its_own_cadence(pipeline: Pipeline) -> None:
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, 15)
    save_cadence_rules(pipeline.engine, ORGANIZATION, [CadenceRule(then=3)])
    upload_id = pipeline.upload(content, options=UploadOptions(follow_up=True))
    pipeline.run(upload_id)
    today = pipeline.settings.payer_today()
    assert {claim.next_check_on for claim in tracked(pipeline.engine)} == {
        today + timedelta(days=3)
    }


def test_a_file_that_cannot_be_read_leaves_its_claims_due(
    pipeline: Pipeline, always_morning: None, tmp_path: Path
) -> None:
    del always_morning, tmp_path
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, 5)
    pipeline.run(pipeline.upload(content, options=UploadOptions(follow_up=True)))
    _make_all_due(pipeline)
    _gather(pipeline)
    [upload_id] = _follow_up_uploads(pipeline)
    key = pipeline.get(upload_id).file_key
    (pipeline.settings.resolved_home / "files" / key).write_bytes(b"no header\n1\n")

    pipeline.instance.add_dynamic_partitions("uploads", [upload_id])
    pipeline.run(upload_id, raise_on_error=False)
    pipeline.run(upload_id, job="results_files_job", raise_on_error=False)

    assert pipeline.get(upload_id).status is UploadStatus.FAILED
    assert {claim.check_upload_id for claim in tracked(pipeline.engine)} == {None}
    assert {claim.checks for claim in tracked(pipeline.engine)} == {1}


def test_the_schedule_launches_the_job_once_a_morning(
    pipeline: Pipeline, always_morning: None
) -> None:
    del always_morning
    store = StoreResource()

    def tick() -> dg.RunRequest | dg.SkipReason:
        context = dg.build_schedule_context(
            instance=pipeline.instance, scheduled_execution_time=datetime.now(UTC)
        )
        outcome = follow_up_schedule(context, store=store)
        assert isinstance(outcome, dg.RunRequest | dg.SkipReason)
        return outcome

    assert isinstance(tick(), dg.SkipReason)
    switch_follow_up(pipeline.engine, ORGANIZATION, is_on=True, now=datetime.now(UTC))
    assert isinstance(tick(), dg.RunRequest)
    _gather(pipeline)
    assert isinstance(tick(), dg.SkipReason)
