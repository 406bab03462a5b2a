from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg

from claims_pipeline.definitions import defs
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.sensors.remedies import RunState
from claims_pipeline.orchestration.sensors.run_facts import run_facts
from claims_pipeline.store.attempts.launch_tags import CLAIM_STATUS_JOB, TICKET_TAG
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline_tests.orchestration.sensors.test_remedies import make_attempt


def test_a_run_that_was_made_and_never_queued_is_not_waited_for_as_one_in_the_queue() -> None:
    upload_id, ticket = str(uuid4()), str(uuid4())
    attempt = make_attempt(
        AttemptState.PENDING, launch_ticket=ticket, launched_at=datetime.now(UTC)
    )
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(str(uploads_partitions.name), [upload_id])
        job = defs.resolve_job_def(CLAIM_STATUS_JOB)
        instance.create_run_for_job(job_def=job, tags={TICKET_TAG: ticket})

        facts = run_facts(instance, [attempt])[attempt.id]

    assert facts.state is RunState.ALIVE
    assert facts.started_at is not None
