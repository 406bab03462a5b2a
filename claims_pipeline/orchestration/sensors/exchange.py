"""Sends queued inquiries and takes answers, for every partner's mailbox."""

import json
from collections import Counter

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.dropped import FileState
from claims_pipeline.folders.mailbox.exchanging import exchange
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.inbox import EVERY_S
from claims_pipeline.orchestration.sensors.launches import launch_waiting, launched
from claims_pipeline.store.database import reading
from claims_pipeline.store.x12.partners import awaited

X12_EXCHANGE = "x12_exchange"

x12_exchange = dg.AssetSpec(
    X12_EXCHANGE,
    group_name="operations",
    owners=["team:claims-operators"],
    kinds={"file"},
    description=(
        "276 files that went to clearinghouses, and the files that came back. Observed when one "
        "went or came: files, answers, what is awaited and overdue; counts only."
    ),
)


@dg.sensor(
    job=claim_status_job,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Writes queued inquiries to partners' outgoing folders, takes complete files from their "
        "incoming ones, and launches uploads that waited for what they say."
    ),
)
def x12_exchange_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SkipReason | dg.SensorResult:
    """Look into each active partner's mailbox once."""
    with redacted_errors():
        try:
            settings = store.settings()
            engine = store.engine(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        found = exchange(
            engine, settings.x12_folder, seen_before=_file_states(context.cursor), now=now
        )
        if not found.mailboxes:
            return dg.SkipReason("no partner is set up")
        summary = (
            f"{found.counts['files_sent']} files sent, {found.counts['files_taken']} taken, "
            f"{len(found.waiting)} still being written, {found.woken} uploads go on"
        )
        cursor = _cursor(found.waiting)
        events = [_observation(engine, found.counts)] if found.has_news else []
        requests = launch_waiting(engine) if found.woken else []
        if not requests:
            return dg.SensorResult(skip_reason=summary, cursor=cursor, asset_events=events)
        context.log.info(summary)
        return launched(requests, cursor=cursor, events=events)


def _observation(engine: Engine, counts: Counter[str]) -> dg.AssetObservation:
    with reading(engine) as connection:
        owed = awaited(connection, now())
    shown = {
        "files_sent": counts["files_sent"],
        "files_taken": counts["files_taken"],
        "answers": counts["answers"],
        "answers_repeated": counts["repeated"],
        "answers_late": counts["late"],
        "answers_foreign": counts["foreign"],
        "inquiries_refused": counts["refused"],
        "inquiries_queued": sum(one.queued for one in owed),
        "inquiries_awaited": sum(one.awaited for one in owed),
        "inquiries_overdue": sum(one.overdue for one in owed),
    }
    metadata = {name: dg.MetadataValue.int(count) for name, count in shown.items()}
    return dg.AssetObservation(X12_EXCHANGE, metadata=metadata)


def _file_states(cursor: str | None) -> frozenset[FileState]:
    if not cursor:
        return frozenset()
    return frozenset(
        FileState(device=device, inode=inode, size=size, modified_ns=modified_ns)
        for device, inode, size, modified_ns in json.loads(cursor)
    )


def _cursor(waiting: tuple[FileState, ...]) -> str:
    return json.dumps([[one.device, one.inode, one.size, one.modified_ns] for one in waiting])
