"""Sends alerts to whom the settings name. A receiver that is away holds up nothing else."""

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.operations.alerts import Receiver, receiver_of
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.store.attempts.alerts import Alert, due_alerts, mark_sent, try_again_later

_EVERY_S = 10
# Dagster gives a tick 60 seconds; each alert may take 8.
_ALERTS_PER_TICK = 5


OPERATOR_ALERTS = "operator_alerts"

operator_alerts = dg.AssetSpec(
    OPERATOR_ALERTS,
    group_name="operations",
    owners=["team:claims-operators"],
    kinds={"webhook"},
    description=(
        "What operators were told by CLAIMS_ALERT_WEBHOOK_URL: uploads that failed or wait for "
        "their payer. Materialised when something was sent; ids and codes only."
    ),
)


@dg.sensor(
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells operators of uploads that failed or wait for their payer.",
)
def alerts_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Send what is due; what cannot be sent is due again later."""
    del context
    with redacted_errors():
        try:
            settings = store.settings()
            receiver = receiver_of(settings)
            engine = store.engine(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        if receiver is None:
            return dg.SkipReason("nobody is to be told: CLAIMS_ALERT_WEBHOOK_URL is not set")
        due = due_alerts(engine, now(), limit=_ALERTS_PER_TICK)
        sent = sum(_send(engine, receiver, alert) for alert in due)
        said = f"{sent} alerts sent, {len(due) - sent} to be sent later"
        if not due:
            return dg.SkipReason(said)
        counts = {
            "sent": dg.MetadataValue.int(sent),
            "to_be_sent_later": dg.MetadataValue.int(len(due) - sent),
        }
        event = dg.AssetMaterialization(OPERATOR_ALERTS, metadata=counts)
        return dg.SensorResult(skip_reason=said, asset_events=[event] if sent else [])


def _send(engine: Engine, receiver: Receiver, alert: Alert) -> bool:
    if receiver.send(alert, now()):
        mark_sent(engine, alert, now())
        return True
    try_again_later(engine, alert, now())
    return False
