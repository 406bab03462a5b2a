"""What sensors launch, show and cost, on a real instance and store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Connection, Engine, event

from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.audit_heads import copied_heads, copy_heads
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.inbox import inbox_sensor
from claims_pipeline.orchestration.sensors.pending_uploads import pending_uploads_sensor
from claims_pipeline.orchestration.sensors.reconciliation import (
    attempt_reconciliation_sensor,
    canceled_run_sensor,
    failed_run_sensor,
)
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts, audit, tables
from claims_pipeline.store.attempts.launch_tags import (
    ATTEMPT_TAG,
    CLAIM_STATUS_JOB,
    ORGANIZATION_TAG,
    PARTITION_TAG,
    TICKET_TAG,
)
from claims_pipeline.store.database import writing
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline

_WAITING_UPLOADS = 1_000


def drop(pipeline: Pipeline, name: str = "worklist.csv", *, age_s: float = 60) -> Path:
    """A file in the watched folder, last written some seconds ago."""
    folder = pipeline.settings.resolved_inbox / ORGANIZATION / "uhc"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(
        b"claim_number,first_name,last_name,date_of_birth\nFH1,ADA,EXAMPLE,05/10/1975\n"
    )
    at = datetime.now(UTC).timestamp() - age_s
    os.utime(path, (at, at))
    return path


def tick_inbox(pipeline: Pipeline) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=pipeline.instance)
    result = inbox_sensor(context, store=StoreResource())
    assert isinstance(result, dg.SensorResult)
    return result


def test_a_dropped_file_is_ingested_and_launched_in_one_tick(pipeline: Pipeline) -> None:
    drop(pipeline)

    result = tick_inbox(pipeline)

    [upload] = list_uploads(pipeline.engine, organization_id=ORGANIZATION).uploads
    [request] = result.run_requests or []
    assert request.partition_key == upload.id
    attempt = attempts.latest_attempt(pipeline.engine, upload.id)
    assert attempt is not None
    assert request.tags[TICKET_TAG] == request.run_key == attempt.launch_ticket
    [added] = result.dynamic_partitions_requests or []
    assert (added.partitions_def_name, list(added.partition_keys)) == (
        uploads_partitions.name,
        [upload.id],
    )
    context = dg.build_sensor_context(instance=pipeline.instance)
    assert isinstance(pending_uploads_sensor(context, store=StoreResource()), dg.SkipReason)


def test_a_file_that_was_just_dropped_is_waited_for_in_the_tick_that_sees_it(
    pipeline: Pipeline,
) -> None:
    drop(pipeline, age_s=4.5)
    assert len(tick_inbox(pipeline).run_requests or []) == 1


def test_people_read_three_tags_and_none_is_an_id_that_only_machines_want(
    pipeline: Pipeline,
) -> None:
    drop(pipeline)
    [request] = tick_inbox(pipeline).run_requests or []
    shown = {key for key in request.tags if not key.startswith(".dagster/")}
    assert shown == {ORGANIZATION_TAG, ATTEMPT_TAG}
    assert (request.tags[ORGANIZATION_TAG], request.tags[ATTEMPT_TAG]) == (ORGANIZATION, "1")


class _CountingStore(StoreResource):
    """Counts how often settings are read, in a file: a resource keeps no state."""

    counted_in: str

    def settings(self) -> Settings:
        with Path(self.counted_in).open("a", encoding="utf-8") as stream:
            stream.write("x")
        return super().settings()


@contextmanager
def counted_statements(engine: Engine) -> Iterator[list[str]]:
    """Every statement that the engine executes, beginnings of transactions aside."""
    seen: list[str] = []

    def note(_c: Connection, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SET ", "PRAGMA")):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_tick_of_the_reconciliation_costs_one_query_for_a_thousand_waiting_uploads(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    ids = [pipeline.upload(b"x", with_partition=False) for _ in range(_WAITING_UPLOADS)]
    with writing(pipeline.engine) as connection:
        connection.execute(
            tables.attempts.update().values(
                state="waiting", next_try_at=now + timedelta(hours=1), waiting_reason="down"
            )
        )
    assert len(set(ids)) == _WAITING_UPLOADS
    counter = tmp_path / "settings"
    store = _CountingStore(counted_in=str(counter))
    # The hourly sweep of the file store is not a tick's business, nor is what is done each minute.
    copy_heads(pipeline.engine, pipeline.settings.resolved_audit_heads)
    context = dg.build_sensor_context(instance=pipeline.instance, cursor=now.isoformat())

    with counted_statements(StoreResource().engine()) as statements:
        result = attempt_reconciliation_sensor(context, store=store)

    assert isinstance(result, dg.SensorResult)
    assert (len(statements), counter.read_text(encoding="utf-8")) == (1, "x")


def test_the_reconciliation_copies_the_audit_logs_heads_once_a_minute(pipeline: Pipeline) -> None:
    file = pipeline.settings.resolved_audit_heads
    context = dg.build_sensor_context(instance=pipeline.instance)
    attempt_reconciliation_sensor(context, store=StoreResource())
    assert copied_heads(file) == []

    with writing(pipeline.engine) as connection:
        audit.append(
            connection,
            organization_id="demo",
            actor="user-1",
            action="view",
            upload_id=None,
            outcome="ok",
            now=datetime.now(UTC),
        )
    attempt_reconciliation_sensor(context, store=StoreResource())
    assert copied_heads(file) == []
    os.utime(file, (0, 0))
    attempt_reconciliation_sensor(context, store=StoreResource())
    assert [head.entries for head in copied_heads(file)] == [1]


@pytest.mark.parametrize(
    ("sensor", "status", "becomes", "shown"),
    [
        (canceled_run_sensor, dg.DagsterRunStatus.CANCELED, UploadStatus.CANCELLED, "cancel"),
        (failed_run_sensor, dg.DagsterRunStatus.FAILURE, UploadStatus.PROCESSING, "relaunch"),
    ],
)
def test_a_run_that_failed_or_was_cancelled_is_seen_to_at_once(
    pipeline: Pipeline,
    sensor: dg.SensorDefinition,
    status: dg.DagsterRunStatus,
    becomes: UploadStatus,
    shown: str,
) -> None:
    upload_id = pipeline.upload(b"x")
    job = pipeline.definitions.resolve_job_def(CLAIM_STATUS_JOB)
    run = pipeline.instance.create_run_for_job(
        job_def=job, tags={PARTITION_TAG: upload_id}, status=status
    )
    hold = attempts.acquire(
        pipeline.engine,
        upload_id,
        run.run_id,
        ticket=None,
        has_parent=False,
        run_has_ended=lambda _: False,
        dead_after_s=30,
        dead_between_steps_s=45,
        now=datetime.now(UTC),
    )
    assert isinstance(hold, attempts.Hold)
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name,
        dagster_event=dg.DagsterEvent("PIPELINE_FAILURE", job.name),
        dagster_instance=pipeline.instance,
        dagster_run=run,
    )

    result = sensor(context, store=StoreResource())

    assert isinstance(result, dg.SensorResult)
    [observed] = result.asset_events or []
    assert observed.metadata["reconciled"].value == shown
    assert pipeline.get(upload_id).status is becomes
