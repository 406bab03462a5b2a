"""Reads from Dagster what the reconciliation wants to know of a run."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import dagster as dg

from claims_pipeline.orchestration.sensors.remedies import RunFacts, RunState
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG

# Tags that Dagster itself sets on failed runs (1.13); it offers no public name for them.
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRIED_BY_TAG = "dagster/auto_retry_run_id"
_FAILURE_REASON_TAG = "dagster/failure_reason"
_STEP_FAILURE = "STEP_FAILURE"

# A run that was made and never put into the queue, its webserver having died in between, is as
# lost as one whose worker does not come.
_WITH_WORKER = frozenset(
    {
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    }
)
_ENDED = {
    dg.DagsterRunStatus.SUCCESS: RunState.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED: RunState.CANCELED,
}


_RUNS_AT_ONCE = 500


def run_facts(instance: dg.DagsterInstance, watched: Sequence[Attempt]) -> dict[str, RunFacts]:
    """By attempt: the run that holds it; before one has acquired it, the run of its ticket.

    When Dagster has launched a retry of it, the retry. Asked for all attempts at once, because a
    thousand of them may be waiting in the queue.
    """
    by_run_id = _records(
        instance,
        [attempt.holder_run_id for attempt in watched if _is_held(attempt)],
        lambda ids: dg.RunsFilter(run_ids=ids),
        lambda run: run.run_id,
    )
    by_ticket = _records(
        instance,
        [attempt.launch_ticket for attempt in watched if not _is_held(attempt)],
        lambda tickets: dg.RunsFilter(tags={TICKET_TAG: tickets}),
        lambda run: run.tags.get(TICKET_TAG),
    )
    return {
        attempt.id: _facts(
            instance,
            attempt,
            by_run_id.get(attempt.holder_run_id)
            if _is_held(attempt)
            else by_ticket.get(attempt.launch_ticket),
        )
        for attempt in watched
    }


def _is_held(attempt: Attempt) -> bool:
    return attempt.state == "running" and attempt.holder_run_id is not None


def _records(
    instance: dg.DagsterInstance,
    wanted: Sequence[str | None],
    filter_of: Callable[[list[str]], dg.RunsFilter],
    key_of: Callable[[dg.DagsterRun], str | None],
) -> dict[str | None, dg.RunRecord]:
    """Records of the wanted runs by key; of several with the same, the latest."""
    keys = [key for key in wanted if key is not None]
    found: dict[str | None, dg.RunRecord] = {}
    for first in range(0, len(keys), _RUNS_AT_ONCE):
        some = keys[first : first + _RUNS_AT_ONCE]
        for record in instance.get_run_records(filter_of(some)):
            found.setdefault(key_of(record.dagster_run), record)
    return found


def _facts(instance: dg.DagsterInstance, attempt: Attempt, first: dg.RunRecord | None) -> RunFacts:
    record = _latest_retry(instance, first)
    if record is None:
        return RunFacts(state=RunState.MISSING)
    run = record.dagster_run
    ended_at = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else None
    return RunFacts(
        state=_ENDED.get(run.status, RunState.ALIVE),
        run_id=run.run_id,
        ended_at=ended_at,
        retry_is_coming=_retry_is_coming(instance, run),
        started_at=_started_at(record),
        holds=run.run_id == attempt.holder_run_id,
        crashed=run.tags.get(_FAILURE_REASON_TAG) != _STEP_FAILURE,
    )


def _started_at(record: dg.RunRecord) -> datetime | None:
    """Since when the run has, or should have, a worker; None while it waits in the queue."""
    if record.dagster_run.status not in _WITH_WORKER:
        return None
    if record.start_time:
        return datetime.fromtimestamp(record.start_time, UTC)
    return record.update_timestamp.replace(tzinfo=UTC)


def _retry_is_coming(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    promise = run.tags.get(_WILL_RETRY_TAG)
    if promise is None:
        # Dagster sets the tag a moment after the failure.
        return instance.run_retries_enabled
    return promise == "true"


def _latest_retry(instance: dg.DagsterInstance, record: dg.RunRecord | None) -> dg.RunRecord | None:
    """Follow Dagster's retries: one may have died, and been retried, before it acquired."""
    while record is not None:
        retry_id = record.dagster_run.tags.get(_RETRIED_BY_TAG)
        retry = instance.get_run_record_by_id(retry_id) if retry_id else None
        if retry is None:
            return record
        record = retry
    return None
