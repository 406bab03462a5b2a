"""Follow-up as Dagster shows it: the schedule that gathers what is due, and how it all stands."""

from datetime import datetime

import dagster as dg
from sqlalchemy import Engine

from claims_pipeline.errors import SettingsError
from claims_pipeline.folders.change_report import write_change_report
from claims_pipeline.operations.following import Following, Gathered
from claims_pipeline.orchestration.held_step import now, redacted_errors
from claims_pipeline.orchestration.metadata import Metadata
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.store.attempts.launch_tags import FOLLOW_UP_JOB
from claims_pipeline.store.tracked.feeding import feed
from claims_pipeline.store.tracked.gathering import count_tracked
from claims_pipeline.store.uploads import Upload


def follow(engine: Engine, store: StoreResource, upload: Upload) -> None:
    """Tell the tracked claims what the upload has answered, and write the day's changes.

    Nothing for an upload that is not followed; told already, nothing is told again.
    """
    today = store.payer_today()
    fed = feed(engine, upload, today=today, now=now())
    if fed is not None and fed.changes:
        write_change_report(
            engine,
            store.settings().resolved_outbox,
            organization_id=upload.organization_id,
            day=today,
        )


@dg.asset(
    group_name="claims",
    owners=["team:claims-operators"],
    kinds={"table"},
    description=(
        "Claims that are followed until they are final. Materialised when the schedule has made "
        "the day's follow-up uploads, which are partitions like any other. `due` should fall to 0 "
        "once they have run; what stays is beyond CLAIMS_FOLLOW_UP_CALLS_PER_DAY."
    ),
)
def tracked_claims(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """Make the follow-up uploads of all payers whose day has begun; each once."""
    with redacted_errors():
        settings = store.settings()
        engine = store.engine(settings)
        following = Following(settings=settings, engine=engine, files=store.files())
        gathered = following.gather_mornings(now())
        context.log.info(
            "%d follow-up uploads made of %d claims",
            sum(1 for each in gathered if each.upload_id),
            sum(each.claims for each in gathered),
        )
        return dg.MaterializeResult(metadata=_figures(engine, store, gathered))


follow_up_job = dg.define_asset_job(
    FOLLOW_UP_JOB,
    selection=dg.AssetSelection.assets("tracked_claims"),
    description="Make uploads of the followed claims that are due. Safe to run at any time.",
)


@dg.schedule(
    job=follow_up_job,
    # Payers lie in several time zones: whose morning has come is told by the function.
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "At 06:00 where each payer is: one upload for each organization and payer out of the "
        "followed claims that are due. A morning that was missed is made up for within the hour."
    ),
)
def follow_up_schedule(
    context: dg.ScheduleEvaluationContext, store: StoreResource
) -> dg.RunRequest | dg.SkipReason:
    """Launch the job when there is a morning whose uploads are not made yet."""
    with redacted_errors():
        try:
            settings = store.settings()
            engine = store.engine(settings)
        except SettingsError as error:
            return dg.SkipReason(f"not configured: {error.code}")
        following = Following(settings=settings, engine=engine, files=store.files())
        wanted = following.mornings_to_gather(now())
        if not wanted:
            return dg.SkipReason("no payer's morning is waited for")
        return dg.RunRequest(run_key=_run_key(context.scheduled_execution_time))


def _run_key(scheduled: datetime) -> str:
    return f"{scheduled:%Y%m%dT%H%M}"


def _figures(engine: Engine, store: StoreResource, gathered: list[Gathered]) -> Metadata:
    counts = count_tracked(engine, today=store.payer_today())
    return {
        "uploads": dg.MetadataValue.int(sum(1 for each in gathered if each.upload_id)),
        "asked_today": dg.MetadataValue.int(sum(each.claims for each in gathered)),
        "left_for_later": dg.MetadataValue.int(sum(each.left_for_later for each in gathered)),
        "tracked": dg.MetadataValue.int(counts.tracked),
        "due": dg.MetadataValue.int(counts.due),
        "final": dg.MetadataValue.int(counts.final),
        "overdue": dg.MetadataValue.int(counts.overdue),
        "changed_today": dg.MetadataValue.int(counts.changed_today),
        "dagster/row_count": dg.MetadataValue.int(counts.tracked),
    }
