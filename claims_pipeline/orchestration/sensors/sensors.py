"""Three sensors: one takes files in, one launches, one compares attempts with their runs.

Each is a shell over decisions made elsewhere. Nothing but opaque ids reaches cursors, run keys,
tags and skip reasons.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.inbox import FileState
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.retention import remove_files_of_no_upload
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job, results_files_job
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.reconciliation import Remedy, remedy_for
from claims_pipeline.orchestration.sensors.run_facts import run_facts
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.attempts.launch_tags import launch_tags

# The daemon's loop turns every 5 seconds; asked for 5, some ticks miss a turn.
_EVERY_S = 4
_LAUNCHES_PER_TICK = 50
_FILES_AGAIN_AFTER_S = 300
_SWEEP_EVERY = timedelta(hours=1)
_POISON = (
    "poison",
    "Every run of this upload ended abruptly. Ask the operators before you retry it.",
)
_RUN_FAILED = (
    "run_failed",
    "Something went wrong on our side; operators find it in the run's log. Retry later.",
)
# The first run and as many retries as dagster.yaml allows.
_MAX_RUNS = 3


@dg.sensor(
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Takes complete files from the watched folder in as uploads. Launches nothing.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Look at the watched folder once."""
    with redacted_errors():
        try:
            inbox = store.inbox()
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        inbox.prepare()
        scan = inbox.scan(seen_before=_file_states(context.cursor))
        context.update_cursor(_cursor(scan.waiting))
        return dg.SkipReason(
            f"{len(scan.ingested)} taken, {len(scan.waiting)} still being written, "
            f"{scan.left} left, {scan.refused} refused"
        )


def _file_states(cursor: str | None) -> frozenset[FileState]:
    if not cursor:
        return frozenset()
    return frozenset(
        FileState(device=device, inode=inode, size=size, modified_ns=modified_ns)
        for device, inode, size, modified_ns in json.loads(cursor)
    )


def _cursor(waiting: tuple[FileState, ...]) -> str:
    return json.dumps([[s.device, s.inode, s.size, s.modified_ns] for s in waiting])


@dg.sensor(
    job=claim_status_job,
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Launches a run for each upload that waits for one.",
)
def pending_uploads_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Give each waiting attempt a ticket and a run."""
    with redacted_errors():
        try:
            engine = store.engine()
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        waiting = attempts.pending_attempts(engine, now(), _LAUNCHES_PER_TICK)
        requests = list(_launches(engine, waiting))
        if not requests:
            return dg.SkipReason("no upload waits for a run")
        context.log.info("launching %d runs", len(requests))
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=[
                uploads_partitions.build_add_request(
                    [request.partition_key for request in requests if request.partition_key]
                )
            ],
        )


def _launches(engine: Engine, waiting: list[Attempt]) -> Iterator[dg.RunRequest]:
    for attempt in waiting:
        ticket = str(uuid.uuid4())
        if attempts.issue_ticket(engine, attempt.id, ticket=ticket, now=now()):
            yield dg.RunRequest(
                run_key=ticket,
                partition_key=attempt.upload_id,
                tags=launch_tags(
                    ticket=ticket,
                    organization_id=attempt.organization_id,
                    correlation_id=attempt.correlation_id,
                ),
            )


@dg.sensor(
    job=results_files_job,
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Finds attempts whose run died, was cancelled or got lost, and sets them right.",
)
def attempt_reconciliation_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Compare every open attempt with its run; write the files of those that ended without."""
    with redacted_errors():
        try:
            engine = store.engine()
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        _sweep_now_and_then(context, store)
        acted = sum(
            _reconcile(context.instance, engine, store, attempt)
            for attempt in attempts.open_attempts(engine)
        )
        requests = [
            dg.RunRequest(
                run_key=_files_run_key(attempt.id, now()), partition_key=attempt.upload_id
            )
            for attempt in attempts.finished_without_files(engine, _LAUNCHES_PER_TICK)
        ]
        if not requests:
            return dg.SkipReason(f"{acted} attempts set right")
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=[
                uploads_partitions.build_add_request(
                    [request.partition_key for request in requests if request.partition_key]
                )
            ],
        )


def _sweep_now_and_then(context: dg.SensorEvaluationContext, store: StoreResource) -> None:
    """Remove what killed processes left in the file store, half written or without an upload."""
    at = now()
    swept_at = datetime.fromisoformat(context.cursor) if context.cursor else None
    if swept_at is None or at - swept_at >= _SWEEP_EVERY:
        store.files().remove_unfinished(at - _SWEEP_EVERY)
        remove_files_of_no_upload(store.engine(), store.files(), before=at - _SWEEP_EVERY)
        context.update_cursor(at.isoformat())


def _files_run_key(attempt_id: str, at: datetime) -> str:
    """The same for some minutes: files that could not be written are tried again, not at once."""
    return f"files-{attempt_id}-{int(at.timestamp() // _FILES_AGAIN_AFTER_S)}"


def _reconcile(
    instance: dg.DagsterInstance, engine: Engine, store: StoreResource, attempt: Attempt
) -> bool:
    settings = store.settings()
    facts = run_facts(instance, attempt)
    action = remedy_for(
        attempt,
        facts,
        runs_so_far=sum(
            run.let_go_at is None for run in attempts.attempt_runs_of(engine, attempt.id)
        ),
        max_runs=_MAX_RUNS,
        dead_after_s=settings.dead_after_s,
        dead_between_steps_s=settings.dead_between_steps_s,
        now=now(),
    )
    match action:
        case Remedy.NOTHING:
            return False
        case Remedy.CANCEL:
            _finish(engine, attempt, UploadStatus.CANCELLED, None, None)
        case Remedy.ASK_TO_STOP:
            attempts.request_cancel(engine, attempt.upload_id, now())
        case Remedy.FAIL:
            _finish(engine, attempt, UploadStatus.FAILED, *_RUN_FAILED)
        case Remedy.POISON:
            _finish(engine, attempt, UploadStatus.FAILED, *_POISON)
        case Remedy.RELAUNCH:
            attempts.relaunch(engine, attempt.id, reason="run_lost", now=now())
        case Remedy.REPORT_RUN_FAILED:
            _report_run_failed(instance, facts.run_id)
    return True


def _finish(
    engine: Engine,
    attempt: Attempt,
    status: UploadStatus,
    code: str | None,
    message: str | None,
) -> None:
    attempts.finish(
        engine,
        attempt.upload_id,
        status,
        attempt_id=attempt.id,
        error_code=code,
        error_message=message,
        now=now(),
    )


def _report_run_failed(instance: dg.DagsterInstance, run_id: str | None) -> None:
    run = instance.get_run_by_id(run_id) if run_id else None
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, "The worker of this run is gone: no heartbeat.")
