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


@dg.sensor(
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells operators of uploads that failed or wait for their payer.",
)
def alerts_sensor(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.SkipReason:
    """Send what is due; what cannot be sent is due again later."""
    del context
    with redacted_errors():
        try:
            receiver = receiver_of(store.settings())
            engine = store.engine()
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        if receiver is None:
            return dg.SkipReason("nobody is to be told: CLAIMS_ALERT_WEBHOOK_URL is not set")
        due = due_alerts(engine, now(), limit=_ALERTS_PER_TICK)
        sent = sum(_send(engine, receiver, alert) for alert in due)
        return dg.SkipReason(f"{sent} alerts sent, {len(due) - sent} to be sent later")


def _send(engine: Engine, receiver: Receiver, alert: Alert) -> bool:
    if receiver.send(alert, now()):
        mark_sent(engine, alert, now())
        return True
    try_again_later(engine, alert, now())
    return False
