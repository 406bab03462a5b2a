"""Sends queued inquiries and takes answers, for every partner's mailbox."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import dagster as dg
from sqlalchemy import Connection, Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.dropped import FileState
from claims_pipeline.folders.mailbox.mailbox import Mailbox
from claims_pipeline.folders.mailbox.sending import send_out
from claims_pipeline.folders.mailbox.taking import take_in
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.jobs import claim_status_job
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.inbox import EVERY_S
from claims_pipeline.orchestration.sensors.launches import launch_waiting, launched
from claims_pipeline.store.database import reading
from claims_pipeline.store.x12.partners import all_partners, awaited
from claims_pipeline.store.x12.waking import wake

X12_EXCHANGE = "x12_exchange"

# A file is begun when its upload has queued all that it asks.
_QUIET = timedelta(seconds=2)

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
        mailboxes = [
            Mailbox(organization_id=organization_id, partner=partner, base=settings.x12_folder)
            for organization_id, partner in all_partners(engine)
        ]
        if not mailboxes:
            return dg.SkipReason("no partner is set up")
        counts: Counter[str] = Counter()
        waiting: list[FileState] = []
        seen_before = _file_states(context.cursor)
        for mailbox in mailboxes:
            try:
                _exchange(engine, mailbox, seen_before, counts, waiting)
            except OSError as error:
                # Its folder is away; the other partners' are not.
                counts["mailboxes_unreachable"] += 1
                context.log.warning("a mailbox is not reachable: %s", type(error).__name__)
        summary = (
            f"{counts['files_sent']} files sent, {counts['files_taken']} taken, "
            f"{len(waiting)} still being written"
        )
        cursor = _cursor(waiting)
        has_news = bool(counts["files_sent"] or counts["files_taken"])
        events = [_observation(engine, counts)] if has_news else []
        requests = launch_waiting(engine) if has_news else []
        if not requests:
            return dg.SensorResult(skip_reason=summary, cursor=cursor, asset_events=events)
        context.log.info(summary)
        return launched(requests, cursor=cursor, events=events)


def _exchange(
    engine: Engine,
    mailbox: Mailbox,
    seen_before: frozenset[FileState],
    counts: Counter[str],
    waiting: list[FileState],
) -> None:
    def on_answered(connection: Connection, references: Iterable[str]) -> None:
        wake(connection, references, now=now())

    taken = take_in(engine, mailbox, seen_before=seen_before, on_answered=on_answered, now=now)
    # What was refused, or met a payer that was down, may go out again in the same tick.
    counts["files_sent"] += send_out(engine, mailbox, now=now, quiet=_QUIET)
    counts["files_taken"] += taken.files.total()
    counts.update(taken.counts)
    waiting.extend(taken.waiting)


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


def _cursor(waiting: list[FileState]) -> str:
    return json.dumps([[one.device, one.inode, one.size, one.modified_ns] for one in waiting])
