"""Reads from Dagster what the reconciliation wants to know of a run."""

from datetime import UTC, datetime

import dagster as dg

from claims_pipeline.orchestration.partitions import TICKET_TAG
from claims_pipeline.orchestration.reconciliation import RunFacts, RunState
from claims_pipeline.store.attempts import Attempt

# Tags that Dagster itself sets on failed runs (1.13); it offers no public name for them.
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRIED_BY_TAG = "dagster/auto_retry_run_id"
_FAILURE_REASON_TAG = "dagster/failure_reason"
_STEP_FAILURE = "STEP_FAILURE"

_ENDED = {
    dg.DagsterRunStatus.SUCCESS: RunState.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED: RunState.CANCELED,
}


def run_facts(instance: dg.DagsterInstance, attempt: Attempt) -> RunFacts:
    """The run that holds the attempt; before one has taken it, the run of its ticket."""
    record = _record(instance, attempt)
    if record is None:
        return RunFacts(state=RunState.MISSING)
    run = record.dagster_run
    ended_at = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else None
    return RunFacts(
        state=_ENDED.get(run.status, RunState.ALIVE),
        run_id=run.run_id,
        ended_at=ended_at,
        retry_is_coming=_retry_is_coming(instance, run),
        crashed=run.tags.get(_FAILURE_REASON_TAG) != _STEP_FAILURE,
    )


def _record(instance: dg.DagsterInstance, attempt: Attempt) -> dg.RunRecord | None:
    if attempt.state == "running" and attempt.holder_run_id:
        return instance.get_run_record_by_id(attempt.holder_run_id)
    if attempt.launch_ticket:
        records = instance.get_run_records(
            dg.RunsFilter(tags={TICKET_TAG: attempt.launch_ticket}), limit=1
        )
        return records[0] if records else None
    return None


def _retry_is_coming(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether Dagster has promised a retry that is not launched yet, or is not over yet."""
    if run.tags.get(_WILL_RETRY_TAG) != "true":
        return False
    retry_id = run.tags.get(_RETRIED_BY_TAG)
    retry = instance.get_run_by_id(retry_id) if retry_id else None
    return retry is None or not retry.is_finished
