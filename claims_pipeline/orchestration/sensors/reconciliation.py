"""Sets right what runs leave: attempts whose run died, was cancelled or got lost.

Failures and cancellations are seen by run status sensors, within a turn of the daemon's loop. What
Dagster never tells, such as a lost machine, is found by comparing every open attempt with its run.
"""

from datetime import datetime, timedelta

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.audit_heads import copies_are_due, copy_heads
from claims_pipeline.operations.retention import remove_files_of_no_upload
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job, results_files_job
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.inbox import EVERY_S
from claims_pipeline.orchestration.sensors.launches import LAUNCHES_PER_TICK, launched
from claims_pipeline.orchestration.sensors.remedies import Remedy, RunFacts, remedy_for
from claims_pipeline.orchestration.sensors.run_facts import run_facts
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import WatchedAttempt
from claims_pipeline.store.attempts.launch_tags import PARTITION_TAG

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


@dg.sensor(
    job=results_files_job,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Finds attempts whose run died without a word, and uploads that ended without their "
        "files, and sets them right. What it did stands as an observation of `claim_results`."
    ),
)
def attempt_reconciliation_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Compare every open attempt with its run; write the files of those that ended without."""
    with redacted_errors():
        try:
            settings = store.settings()
            engine = store.engine(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        cursor = _sweep_now_and_then(context.cursor, store, settings, engine)
        _copy_audit_heads(context, settings, engine)
        watched = attempts.watched_attempts(engine, LAUNCHES_PER_TICK)
        events = _set_right(context.instance, engine, settings, watched)
        requests = [
            dg.RunRequest(
                run_key=_files_run_key(one.attempt.id, now()), partition_key=one.attempt.upload_id
            )
            for one in watched
            if one.attempt.state == "finished"
        ]
        if requests:
            return launched(requests, cursor=cursor, events=events)
        return dg.SensorResult(
            skip_reason=f"{len(events)} attempts set right", cursor=cursor, asset_events=events
        )


def _copy_audit_heads(
    context: dg.SensorEvaluationContext, settings: Settings, engine: Engine
) -> None:
    """Uploads are set right all the same where the copies cannot be written."""
    file = settings.resolved_audit_heads
    try:
        if copies_are_due(file, now()):
            copy_heads(engine, file)
    except (SettingsError, OSError) as error:
        reason = error.code if isinstance(error, SettingsError) else type(error).__name__
        context.log.warning("the audit log's heads are not copied: %s", reason)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    monitored_jobs=[claim_status_job],
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sets an upload right as soon as Dagster says that its run has failed.",
)
def failed_run_sensor(
    context: dg.RunStatusSensorContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """See to the upload of one run that has failed."""
    return _see_to_run(context, store)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    monitored_jobs=[claim_status_job],
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends an upload as soon as Dagster says that its run was cancelled.",
)
def canceled_run_sensor(
    context: dg.RunStatusSensorContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """See to the upload of one run that was cancelled."""
    return _see_to_run(context, store)


def _see_to_run(
    context: dg.RunStatusSensorContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    with redacted_errors():
        upload_id = context.dagster_run.tags.get(PARTITION_TAG)
        try:
            settings = store.settings()
            engine = store.engine(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        # Its files are left to the reconciliation: two sensors would launch two runs for them.
        watched = attempts.watched_attempts(engine, 0, upload_id=upload_id)
        events = _set_right(context.instance, engine, settings, watched)
        return dg.SensorResult(skip_reason=f"{len(events)} attempts set right", asset_events=events)


def _set_right(
    instance: dg.DagsterInstance,
    engine: Engine,
    settings: Settings,
    watched: list[WatchedAttempt],
) -> list[dg.AssetObservation]:
    """Do what is to be done about each attempt that is open; an observation of each deed."""
    open_ones = [one for one in watched if one.attempt.state != "finished"]
    facts = run_facts(instance, [one.attempt for one in open_ones])
    return [
        _observation(one, remedy)
        for one in open_ones
        if (remedy := _reconcile(instance, engine, settings, one, facts[one.attempt.id]))
        is not Remedy.NOTHING
    ]


def _sweep_now_and_then(
    cursor: str | None, store: StoreResource, settings: Settings, engine: Engine
) -> str:
    """Remove what killed processes left in the file store, half written or without an upload."""
    at = now()
    if cursor and at - datetime.fromisoformat(cursor) < _SWEEP_EVERY:
        return cursor
    files = store.files(settings)
    files.remove_unfinished(at - _SWEEP_EVERY)
    remove_files_of_no_upload(engine, files, before=at - _SWEEP_EVERY)
    return at.isoformat()


def _files_run_key(attempt_id: str, at: datetime) -> str:
    """The same for some minutes: files that could not be written are tried again, not at once."""
    return f"files-{attempt_id}-{int(at.timestamp() // _FILES_AGAIN_AFTER_S)}"


def _observation(watched: WatchedAttempt, remedy: Remedy) -> dg.AssetObservation:
    return dg.AssetObservation(
        "claim_results",
        partition=watched.attempt.upload_id,
        metadata={"reconciled": dg.MetadataValue.text(remedy.value)},
    )


def _reconcile(
    instance: dg.DagsterInstance,
    engine: Engine,
    settings: Settings,
    watched: WatchedAttempt,
    facts: RunFacts,
) -> Remedy:
    attempt = watched.attempt
    remedy = remedy_for(
        attempt,
        facts,
        runs_so_far=watched.runs_that_died,
        # The first run, and as many retries as dagster.yaml allows.
        max_runs=1 + instance.run_retries_max_retries,
        dead_after_s=settings.dead_after_s,
        dead_between_steps_s=settings.dead_between_steps_s,
        now=now(),
    )
    match remedy:
        case Remedy.NOTHING:
            pass
        case Remedy.CANCEL:
            _finish(engine, watched, UploadStatus.CANCELLED, None, None)
        case Remedy.ASK_TO_STOP:
            attempts.request_cancel(engine, attempt.upload_id, now())
        case Remedy.FAIL:
            _finish(engine, watched, UploadStatus.FAILED, *_RUN_FAILED)
        case Remedy.POISON:
            _finish(engine, watched, UploadStatus.FAILED, *_POISON)
        case Remedy.RELAUNCH:
            attempts.relaunch(engine, attempt.id, reason="run_lost", now=now())
        case Remedy.REPORT_RUN_FAILED:
            _report_run_failed(instance, facts.run_id)
    return remedy


def _finish(
    engine: Engine,
    watched: WatchedAttempt,
    status: UploadStatus,
    code: str | None,
    message: str | None,
) -> None:
    attempts.finish(
        engine,
        watched.attempt.upload_id,
        status,
        attempt_id=watched.attempt.id,
        error_code=code,
        error_message=message,
        now=now(),
    )


def _report_run_failed(instance: dg.DagsterInstance, run_id: str | None) -> None:
    run = instance.get_run_by_id(run_id) if run_id else None
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, "The worker of this run is gone: no heartbeat.")
