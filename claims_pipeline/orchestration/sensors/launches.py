"""Turns attempts that wait for a run into launches. Nothing but opaque ids is in them."""

import uuid
from collections.abc import Sequence

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.orchestration.held_step import now
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts.launch_tags import launch_tags

LAUNCHES_PER_TICK = 50


def launch_waiting(engine: Engine) -> list[dg.RunRequest]:
    """A ticket and a launch for each attempt that waits for a run, oldest first.

    Both sensors that launch call this: of two that see the same attempt, one gets its ticket.
    """
    requests = []
    for attempt in attempts.pending_attempts(engine, now(), LAUNCHES_PER_TICK):
        ticket = str(uuid.uuid4())
        if attempts.issue_ticket(engine, attempt.id, ticket=ticket, now=now()):
            requests.append(
                dg.RunRequest(
                    run_key=ticket,
                    partition_key=attempt.upload_id,
                    tags=launch_tags(
                        ticket=ticket,
                        organization_id=attempt.organization_id,
                        attempt_number=attempt.number,
                    ),
                )
            )
    return requests


def launched(
    requests: Sequence[dg.RunRequest],
    *,
    cursor: str | None = None,
    events: Sequence[dg.AssetObservation] = (),
) -> dg.SensorResult:
    """The result of a tick that launches runs, each for a partition that may be new."""
    keys = [request.partition_key for request in requests if request.partition_key]
    return dg.SensorResult(
        run_requests=list(requests),
        dynamic_partitions_requests=[uploads_partitions.build_add_request(keys)],
        asset_events=list(events),
        cursor=cursor,
    )
