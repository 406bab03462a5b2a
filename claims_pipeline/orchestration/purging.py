"""The daily purge: what has had its time goes from our store, then from Dagster's own."""

from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.operations.retention import Purge
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.run_removal import remove_run
from claims_pipeline.store.attempts.launch_tags import (
    CLAIM_STATUS_JOB,
    FOLLOW_UP_JOB,
    PARTITION_TAG,
    PURGE_JOB,
    RESULTS_FILES_JOB,
)
from claims_pipeline.store.retention.removal import uploads_that_are_gone

_RUNS_AT_ONCE = 100
_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def purge_everything(instance: dg.DagsterInstance, purge: Purge) -> dict[str, int]:
    """Remove what has had its time from the store and from Dagster; how many of each kind.

    An upload's partition goes last: while it is there, an interrupted purge finds what is left.
    """
    removed = purge.run()
    runs = purge_runs(instance, purge.before, dry_run=purge.dry_run)
    partitions = purge_partitions(instance, purge.engine, dry_run=purge.dry_run)
    return {**removed, "runs": runs + partitions.runs, "partitions": partitions.partitions}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedPartitions:
    """How many partitions went, and how many runs of theirs."""

    partitions: int
    runs: int


def purge_partitions(
    instance: dg.DagsterInstance, engine: Engine, *, dry_run: bool
) -> PurgedPartitions:
    """Remove the partitions of uploads that are gone, with their runs of whatever job.

    `dagster asset materialize` and the UI's "Materialize" make runs of a job of Dagster's own. A
    partition's key is never used again.
    """
    name = str(uploads_partitions.name)
    # Read before the uploads: a partition is added after its upload.
    keys = instance.get_dynamic_partitions(name)
    gone = sorted(uploads_that_are_gone(engine, keys))
    runs = 0
    for key in gone:
        of_partition = dg.RunsFilter(tags={PARTITION_TAG: key}, statuses=_ENDED)
        runs += _remove_runs(instance, of_partition, dry_run=dry_run)
        if not dry_run:
            instance.delete_dynamic_partition(name, key)
    return PurgedPartitions(partitions=len(gone), runs=runs)


def purge_runs(instance: dg.DagsterInstance, before: datetime, *, dry_run: bool) -> int:
    """Remove our jobs' runs that ended, and began before then, with their events and logs."""
    return sum(
        _remove_runs(
            instance,
            dg.RunsFilter(job_name=job, statuses=_ENDED, created_before=before),
            dry_run=dry_run,
        )
        for job in (CLAIM_STATUS_JOB, RESULTS_FILES_JOB, PURGE_JOB, FOLLOW_UP_JOB)
    )


def _remove_runs(instance: dg.DagsterInstance, which: dg.RunsFilter, *, dry_run: bool) -> int:
    if dry_run:
        return instance.get_runs_count(which)
    removed = 0
    while portion := instance.get_run_ids(which, limit=_RUNS_AT_ONCE):
        for run_id in portion:
            remove_run(instance, run_id)
            removed += 1
    return removed


@dg.op(out=dg.Out(dg.Nothing))
def purge_expired(context: dg.OpExecutionContext, store: StoreResource) -> None:
    """Remove uploads, files, sessions, runs and audit entries that were kept long enough."""
    with redacted_errors():
        purge = Purge.of(store.settings(), store.engine(), now=now())
        gone = purge_everything(context.instance, purge)
        context.log.info(", ".join(f"{kind} {count}" for kind, count in gone.items()))


@dg.job(name=PURGE_JOB, description="Removes what was kept for as long as the settings say.")
def purge_job() -> None:
    """One op; interrupted, it goes on the next time."""
    purge_expired()


purge_schedule = dg.ScheduleDefinition(
    name="purge_schedule",
    job=purge_job,
    # In the small hours where the payers are.
    cron_schedule="15 8 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
