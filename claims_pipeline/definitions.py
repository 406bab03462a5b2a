"""The wiring of everything Dagster sees, and nothing else.

Assets, sensors and resources are made in `claims_pipeline.orchestration`; a new one is listed
here. Loading this module reads no setting and opens nothing.
"""

from collections.abc import Mapping

import dagster as dg

from claims_pipeline.orchestration.assets import (
    claim_requests,
    claim_results,
    claim_statuses,
    results_files,
    uploaded_csv,
)
from claims_pipeline.orchestration.executor import claims_executor
from claims_pipeline.orchestration.jobs import claim_status_job, results_files_job
from claims_pipeline.orchestration.purging import purge_job, purge_schedule
from claims_pipeline.orchestration.resources import PayerResource, StoreResource
from claims_pipeline.orchestration.sensors.alerts import alerts_sensor, operator_alerts
from claims_pipeline.orchestration.sensors.exchange import x12_exchange, x12_exchange_sensor
from claims_pipeline.orchestration.sensors.inbox import inbox_sensor
from claims_pipeline.orchestration.sensors.pending_uploads import pending_uploads_sensor
from claims_pipeline.orchestration.sensors.reconciliation import (
    attempt_reconciliation_sensor,
    canceled_run_sensor,
    failed_run_sensor,
)


def build_defs(*, resource_overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """Fresh definitions; `resource_overrides` replaces resources by name, for tests."""
    resources: dict[str, object] = {"store": StoreResource(), "payers": PayerResource()}
    return dg.Definitions(
        assets=[
            operator_alerts,
            x12_exchange,
            uploaded_csv,
            claim_requests,
            claim_statuses,
            claim_results,
            results_files,
        ],
        jobs=[claim_status_job, results_files_job, purge_job],
        schedules=[purge_schedule],
        sensors=[
            inbox_sensor,
            x12_exchange_sensor,
            pending_uploads_sensor,
            failed_run_sensor,
            canceled_run_sensor,
            attempt_reconciliation_sensor,
            alerts_sensor,
        ],
        resources={**resources, **(resource_overrides or {})},
        executor=claims_executor,
    )


defs = build_defs()
