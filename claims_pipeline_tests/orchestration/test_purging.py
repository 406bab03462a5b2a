"""A purge leaves Dagster without what belongs to uploads that are gone, and with all else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import select

from claims_pipeline.definitions import build_defs
from claims_pipeline.operations.retention import Purge, delete_upload_everywhere
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.purging import (
    purge_everything,
    purge_job,
    purge_runs,
    purge_schedule,
)
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import FileStore, file_store_of, open_file_store
from claims_pipeline.store.files.folder import FolderFileStore
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline
from claims_pipeline_tests.store.files.listing import keys_of

_ROWS = 20
_SOON, _LATER = timedelta(minutes=1), timedelta(days=31)


def _purge(pipeline: Pipeline, after: timedelta, *, dry_run: bool = False) -> Purge:
    now = datetime.now(UTC) + after
    return Purge.of(pipeline.settings, pipeline.engine, now=now, dry_run=dry_run)


def _partitions(pipeline: Pipeline) -> list[str]:
    return list(pipeline.instance.get_dynamic_partitions(str(uploads_partitions.name)))


def _delete(settings: Settings, upload_id: str) -> None:
    engine = open_engine(settings.resolved_database_url)
    delete_upload_everywhere(
        engine,
        file_store_of(settings),
        upload_id,
        organization_id=ORGANIZATION,
        outbox=settings.resolved_outbox,
        actor="user-1",
        now=datetime.now(UTC),
    )
    engine.dispose()


def test_the_partition_of_a_deleted_upload_goes_with_the_next_purge(
    pipeline: Pipeline,
) -> None:
    gone, kept = pipeline.upload(b"x"), pipeline.upload(b"x")
    attempts.request_cancel(pipeline.engine, gone, datetime.now(UTC))
    _delete(pipeline.settings, gone)
    assert purge_everything(pipeline.instance, _purge(pipeline, _SOON))["partitions"] == 1
    assert _partitions(pipeline) == [kept]


def test_what_is_old_goes_from_dagster_too(pipeline: Pipeline, sandbox: Sandbox) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, _ROWS)
    upload_id = pipeline.upload(content)
    run_id = pipeline.run(upload_id).run_id
    logs = Path(pipeline.instance.storage_directory()) / run_id / "compute_logs"
    logs.mkdir(parents=True, exist_ok=True)

    counted = purge_everything(pipeline.instance, _purge(pipeline, _LATER, dry_run=True))
    assert (counted["uploads"], counted["partitions"], counted["runs"]) == (1, 0, 1)
    assert pipeline.instance.get_run_by_id(run_id) is not None

    gone = purge_everything(pipeline.instance, _purge(pipeline, _LATER))
    assert (gone["uploads"], gone["partitions"], gone["runs"]) == (1, 1, 1)
    assert pipeline.instance.get_run_by_id(run_id) is None
    assert _left_of(pipeline.instance, run_id) == []
    assert not logs.exists()
    assert _partitions(pipeline) == []


def _left_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Where Dagster's storage still has something of a run: rows by table, and files."""
    storage = instance.event_log_storage
    storage = getattr(storage, "_event_log_storage", storage)
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        tables = [
            table.name
            for table in SqlEventLogStorageMetadata.sorted_tables
            if "run_id" in table.c
            and connection.execute(select(table).where(table.c.run_id == run_id)).first()
        ]
    root = Path(instance.root_directory)
    return tables + [path.name for path in root.rglob("*") if run_id in path.name]


def test_runs_that_materialized_one_asset_go_with_their_upload(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    """As the UI's "Materialize" makes them, of a job of Dagster's own."""
    content, _ = make_sample(sandbox, Shape.PATIENTS, 3)
    upload_id = pipeline.upload(content)
    runs = [pipeline.run(upload_id).run_id]
    runs.append(pipeline.run(upload_id, job="__ASSET_JOB").run_id)
    assert all(_left_of(pipeline.instance, run_id) for run_id in runs)
    _delete(pipeline.settings, upload_id)

    purge_everything(pipeline.instance, _purge(pipeline, _SOON))

    assert [_left_of(pipeline.instance, run_id) for run_id in runs] == [[], []]
    assert pipeline.instance.get_runs_count() == 0


def test_runs_that_have_not_ended_and_those_of_others_stay(pipeline: Pipeline) -> None:
    @dg.job
    def somebody_elses_job() -> None:
        pass

    for job, status in (
        (purge_job, dg.DagsterRunStatus.STARTED),
        (purge_job, dg.DagsterRunStatus.STARTING),
        (somebody_elses_job, dg.DagsterRunStatus.SUCCESS),
    ):
        pipeline.instance.create_run_for_job(job_def=job, status=status)
    later = datetime.now(UTC) + _LATER
    assert purge_runs(pipeline.instance, later, dry_run=True) == 0
    assert purge_runs(pipeline.instance, later, dry_run=False) == 0
    assert pipeline.instance.get_runs_count() == 3


def test_the_job_purges_what_the_settings_say(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, _ROWS)
    upload_id = pipeline.upload(content)
    pipeline.run(upload_id)
    monkeypatch.setattr(
        "claims_pipeline.orchestration.purging.now", lambda: datetime.now(UTC) + _LATER
    )
    result = pipeline.definitions.resolve_job_def("purge_job").execute_in_process(
        instance=pipeline.instance
    )
    assert result.success
    assert keys_of(file_store_of(pipeline.settings)) == []
    assert _partitions(pipeline) == []


def test_the_schedule_runs_every_day_unless_somebody_stops_it() -> None:
    assert purge_schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert str(purge_schedule.cron_schedule).split()[2:] == ["*", "*", "*"]


class _FilesDeletedWhileWritten(FolderFileStore):
    """Somebody deletes the upload as soon as its first results file is there."""

    settings: Settings
    upload_id: str

    def open(self, key: str) -> BinaryIO:
        stream = super().open(key)
        if key.endswith("results.csv"):
            _delete(self.settings, self.upload_id)
        return stream


class _StoreDeletedFrom(StoreResource):
    upload_id: str

    def files(self) -> FileStore:
        settings = self.settings()
        files = _FilesDeletedWhileWritten(Path(settings.resolved_files))
        files.settings, files.upload_id = settings, self.upload_id
        return files


def test_an_upload_deleted_while_its_files_are_written_leaves_none(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    content, _ = make_sample(sandbox, Shape.PATIENTS, _ROWS)
    upload_id = pipeline.upload(content)
    pipeline.run(upload_id)
    deleting = build_defs(resource_overrides={"store": _StoreDeletedFrom(upload_id=upload_id)})

    result = deleting.resolve_job_def("results_files_job").execute_in_process(
        instance=pipeline.instance, partition_key=upload_id
    )

    assert result.success
    assert keys_of(open_file_store(pipeline.settings.resolved_files)) == []
