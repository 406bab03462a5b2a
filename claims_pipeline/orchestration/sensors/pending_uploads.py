"""Launches what waits for a run: uploads of the API, retries, and payers that may be back."""

import dagster as dg

from claims_pipeline.errors import SettingsError
from claims_pipeline.orchestration.held_step import redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.inbox import EVERY_S
from claims_pipeline.orchestration.sensors.launches import launch_waiting, launched


@dg.sensor(
    job=claim_status_job,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Launches a run for each upload that waits for one: handed in through the API while "
        "Dagster was away, retried, or waiting for its payer until now."
    ),
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
        requests = launch_waiting(engine)
        if not requests:
            return dg.SkipReason("no upload waits for a run")
        context.log.info("launching %d runs", len(requests))
        return launched(requests)
