"""How Dagster is: its daemons, its sensors, what waits in its queue, how many partitions it has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus

from claims_pipeline.operations.daemons import is_alive
from claims_pipeline.operations.doctor import Finding
from claims_pipeline.operations.doctor.findings import failed, ok, warning
from claims_pipeline.orchestration.partitions import uploads_partitions

_DAEMONS = {
    "SENSOR": "ingests files, launches runs and finds lost ones",
    "QUEUED_RUN_COORDINATOR": "starts runs from the queue",
    "SCHEDULER": "purges every day",
    "MONITORING": "notices runs that do not start",
}
_LONG_IN_QUEUE = timedelta(minutes=10)
# Users report trouble from here on (dagster#10330, #15679); the documentation says 100,000.
_MANY_PARTITIONS = 33_000


def examine_dagster(instance: dg.DagsterInstance, now: datetime) -> Iterator[Finding]:
    """Look at each daemon, sensor and schedule that we rely on, at the queue and the partitions."""
    heartbeats = instance.get_daemon_heartbeats()
    for daemon, purpose in _DAEMONS.items():
        heartbeat = heartbeats.get(daemon)
        if is_alive(heartbeat and datetime.fromtimestamp(heartbeat.timestamp, UTC), now=now):
            yield ok(f"daemon {daemon}", f"it {purpose}")
        else:
            yield failed(f"daemon {daemon}", f"It does not run; it {purpose}.")
    yield from _instigators(instance)
    yield _queue(instance, now)
    yield _partitions(instance)


def _instigators(instance: dg.DagsterInstance) -> Iterator[Finding]:
    """Those that somebody has switched off in the UI; all are on by default."""
    for kind, what in (
        (InstigatorType.SENSOR, "sensor"),
        (InstigatorType.SCHEDULE, "schedule"),
    ):
        for state in instance.all_instigator_state(instigator_type=kind):
            if state.status is InstigatorStatus.STOPPED:
                yield failed(
                    f"{what} {state.instigator_name}",
                    "Somebody has switched it off; switch it on in Dagster's UI, Automation.",
                )
            else:
                yield ok(f"{what} {state.instigator_name}", "it is switched on")


def _queue(instance: dg.DagsterInstance, now: datetime) -> Finding:
    waiting = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    count = instance.get_runs_count(waiting)
    oldest = instance.get_run_records(waiting, limit=1, ascending=True)
    age = now - oldest[0].create_timestamp.replace(tzinfo=UTC) if oldest else timedelta()
    message = f"{count} runs wait, the oldest for {age.total_seconds():.0f} s"
    return (warning if age > _LONG_IN_QUEUE else ok)("queue", message)


def _partitions(instance: dg.DagsterInstance) -> Finding:
    count = len(instance.get_dynamic_partitions(str(uploads_partitions.name)))
    if count > _MANY_PARTITIONS:
        message = f"{count} uploads are kept; lower CLAIMS_RETENTION_DAYS, Dagster slows down"
        return warning("partitions", message)
    return ok("partitions", f"{count} uploads are kept, one partition each")
