"""How Dagster is: its daemons' heartbeats, and what waits in its queue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from claims_pipeline.operations.daemons import is_alive
from claims_pipeline.operations.doctor import Finding
from claims_pipeline.operations.doctor.findings import failed, ok, warning

_DAEMONS = {
    "SENSOR": "takes files, launches runs and finds lost ones",
    "QUEUED_RUN_COORDINATOR": "starts runs from the queue",
    "SCHEDULER": "purges every day",
    "MONITORING": "notices runs that do not start",
}
_LONG_IN_QUEUE = timedelta(minutes=10)


def examine_dagster(instance: dg.DagsterInstance, now: datetime) -> Iterator[Finding]:
    """Look at each daemon that we rely on, and at the queue."""
    heartbeats = instance.get_daemon_heartbeats()
    for daemon, purpose in _DAEMONS.items():
        heartbeat = heartbeats.get(daemon)
        if is_alive(heartbeat and datetime.fromtimestamp(heartbeat.timestamp, UTC), now=now):
            yield ok(f"daemon {daemon}", f"it {purpose}")
        else:
            yield failed(f"daemon {daemon}", f"It does not run; it {purpose}.")
    yield _queue(instance, now)


def _queue(instance: dg.DagsterInstance, now: datetime) -> Finding:
    waiting = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    count = instance.get_runs_count(waiting)
    oldest = instance.get_run_records(waiting, limit=1, ascending=True)
    age = now - oldest[0].create_timestamp.replace(tzinfo=UTC) if oldest else timedelta()
    message = f"{count} runs wait, the oldest for {age.total_seconds():.0f} s"
    return (warning if age > _LONG_IN_QUEUE else ok)("queue", message)
