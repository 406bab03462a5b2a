"""Takes dropped files in as uploads, and launches their runs in the same tick."""

import json

import dagster as dg

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.dropped import FileState
from claims_pipeline.orchestration.held_step import redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.launches import launch_waiting, launched

# The daemon's loop turns every 5 seconds; asked for 5, some ticks miss a turn.
EVERY_S = 4


@dg.sensor(
    job=claim_status_job,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Ingests complete files from the watched folder and launches a run for each. A file that "
        "stays there is still being written, or cannot be read; `claims-pipeline doctor` says so."
    ),
)
def inbox_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Scan the watched folder once, waiting a moment for files that were just dropped."""
    with redacted_errors():
        try:
            settings = store.settings()
            inbox = store.inbox(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        inbox.prepare()
        scan = inbox.scan_until_stable(seen_before=_file_states(context.cursor))
        summary = (
            f"{len(scan.ingested)} ingested, {len(scan.waiting)} still being written, "
            f"{scan.left} left, {scan.refused} refused"
        )
        context.log.info(summary)
        cursor = _cursor(scan.waiting)
        requests = launch_waiting(inbox.engine) if scan.ingested else []
        if not requests:
            return dg.SensorResult(skip_reason=summary, cursor=cursor)
        return launched(requests, cursor=cursor)


def _file_states(cursor: str | None) -> frozenset[FileState]:
    if not cursor:
        return frozenset()
    return frozenset(
        FileState(device=device, inode=inode, size=size, modified_ns=modified_ns)
        for device, inode, size, modified_ns in json.loads(cursor)
    )


def _cursor(waiting: tuple[FileState, ...]) -> str:
    return json.dumps([[s.device, s.inode, s.size, s.modified_ns] for s in waiting])
