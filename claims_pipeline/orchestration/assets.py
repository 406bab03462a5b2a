"""The asset graph of one upload: requests, statuses, results, files.

A step that has no business with its upload (a stale or doubled run, a payer that is down, a
cancelled upload) yields nothing, so that Dagster shows no materialization and no check, and what
follows is skipped. Dagster lets an asset leave out its checks only where it may be subset, which
is why these are written as multi-assets of one asset each.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from claims_pipeline.errors import NothingAnsweredError, RowsLostError
from claims_pipeline.model import OutcomeCounts
from claims_pipeline.orchestration import checks
from claims_pipeline.orchestration.files import WrittenFiles, write_files
from claims_pipeline.orchestration.held_step import HeldStep, attempt_held, fail_upload, now
from claims_pipeline.orchestration.metadata import (
    Metadata,
    calls_metadata,
    column_schema,
    counts_metadata,
    page_metadata,
    row_count_metadata,
)
from claims_pipeline.orchestration.partitions import LANE_TAG, UPLOADED_CSV, uploads_partitions
from claims_pipeline.orchestration.payer_queries import ask_open_rows, plan_open_rows
from claims_pipeline.orchestration.requests import stored_rows
from claims_pipeline.orchestration.resources import PayerResource, StoreResource
from claims_pipeline.results_file.columns import RESULT_COLUMNS
from claims_pipeline.store import attempts
from claims_pipeline.store.rows import results

_GROUP = "claims"
_OWNERS = ["team:claims-operators"]

StepResult = Iterator[dg.MaterializeResult | dg.AssetCheckResult]

uploaded_csv = dg.AssetSpec(
    UPLOADED_CSV,
    partitions_def=uploads_partitions,
    group_name=_GROUP,
    owners=_OWNERS,
    kinds={"csv"},
    description=(
        "The file as it was handed in: dropped into the watched folder, uploaded, or given to the "
        "command line. Its name and its content are patients' data and are not shown here."
    ),
)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "claim_requests",
            deps=[uploaded_csv],
            skippable=True,
            group_name=_GROUP,
            owners=_OWNERS,
            kinds={"csv", "pandera"},
            code_version="2",
            description=(
                "Every row of the uploaded file, either to be asked of the payer or rejected with "
                "its reason. When it fails, the upload's page and `….refused.txt` in the outbox "
                "say what is wrong with the file."
            ),
        )
    ],
    check_specs=[checks.every_row_is_accounted_for],
    partitions_def=uploads_partitions,
    can_subset=True,
)
def claim_requests(context: dg.AssetExecutionContext, store: StoreResource) -> StepResult:
    """Read the file in chunks; rows and rejected rows go to the database."""
    accounted: OutcomeCounts | RowsLostError | None = None
    link: Metadata = {}
    with attempt_held(context, store) as step:
        if step is not None:
            link = page_metadata(step.settings, step.upload.id)
            try:
                accounted = stored_rows(context, step, store)
            except RowsLostError as lost:
                fail_upload(step, lost.code, lost.message)
                accounted = lost
    if accounted is not None:
        figures = counts_metadata(accounted) if isinstance(accounted, OutcomeCounts) else None
        yield from _shown(
            context, "claim_requests", figures, link, [checks.rows_accounted_for(accounted)]
        )


@dg.op(
    ins={"claim_requests": dg.In(dg.Nothing)},
    out=dg.DynamicOut(dg.Nothing, is_required=False),
)
def plan_queries(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> Iterator[dg.DynamicOutput[None]]:
    """Plan the fewest queries that cover every row, and open the lanes that will ask them."""
    lanes = 0
    with attempt_held(context, store) as step:
        if step is not None:
            plan_open_rows(context, step, payers)
            lanes = step.settings.query_lanes
    for lane in range(1, lanes + 1):
        yield dg.DynamicOutput(None, mapping_key=f"lane_{lane}")


@dg.op(
    ins={"lane": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing, is_required=False),
    tags={LANE_TAG: "true"},
)
def query_batches(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> Iterator[dg.Output[None]]:
    """Take batches of planned queries from the ledger and ask the payer, until none is left."""
    asked = False
    with attempt_held(context, store) as step:
        if step is not None:
            ask_open_rows(context, step, payers)
            asked = True
    if asked:
        yield dg.Output(None)


@dg.op(ins={"lanes": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing, is_required=False))
def settle_remaining_queries(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> Iterator[dg.Output[None]]:
    """Ask what no lane has asked: after a crash Dagster may leave lanes out without a word."""
    figures: Metadata | None = None
    with attempt_held(context, store) as step:
        if step is not None:
            ask_open_rows(context, step, payers)
            figures = _answered(step)
    if figures is not None:
        yield dg.Output(None, metadata=figures)


@dg.graph_asset(
    partitions_def=uploads_partitions,
    ins={"claim_requests": dg.AssetIn(dagster_type=dg.Nothing)},
    group_name=_GROUP,
    owners=_OWNERS,
    kinds={"rest"},
    code_version="2",
    description=(
        "The payer's answers, asked in batches, each kept the moment it is matched to its rows. "
        "While a run is on, observations count the answered rows. Materialised when every row was "
        "asked: an upload whose payer is down waits without a run, and shows nothing new here."
    ),
)
def claim_statuses(claim_requests: Any) -> Any:  # Dagster's wiring, not values
    """Plan, ask in lanes, and ask what is left."""
    lanes = plan_queries(claim_requests).map(query_batches)
    return settle_remaining_queries(lanes.collect())


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "claim_results",
            deps=[claim_statuses],
            skippable=True,
            group_name=_GROUP,
            owners=_OWNERS,
            kinds={"table"},
            code_version="2",
            metadata=column_schema(RESULT_COLUMNS),
            description=(
                "One answer for every row of the file, complete and checked. Rows that failed are "
                "counted and can be retried; they are never reported as not found."
            ),
        )
    ],
    check_specs=[checks.results_keep_their_promises, checks.every_row_could_be_asked],
    partitions_def=uploads_partitions,
    can_subset=True,
)
def claim_results(
    context: dg.AssetExecutionContext, store: StoreResource, payers: PayerResource
) -> StepResult:
    """Complete the results table and hold it against the promises."""
    counts, broken = None, list[str]()
    link: Metadata = {}
    with attempt_held(context, store) as step:
        if step is not None:
            link = page_metadata(step.settings, step.upload.id)
            # Re-executed alone, this step finds rows that nobody has asked.
            ask_open_rows(context, step, payers)
            broken = results.verify_results(step.engine, step.upload.id)
            found = results.count_outcomes(step.engine, step.upload.id)
            if broken:
                fail_upload(step, *_BROKEN)
            elif found.failed and not found.answered:
                raise NothingAnsweredError(
                    *results.most_frequent_failure(step.engine, step.upload.id)
                )
            counts = found
    if counts is not None:
        figures = (
            None if broken else {**counts_metadata(counts), **row_count_metadata(counts.total)}
        )
        yield from _shown(
            context,
            "claim_results",
            None if broken else figures,
            link,
            list(checks.results_checked(counts, broken)),
        )


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "results_files",
            deps=["claim_results"],
            skippable=True,
            group_name=_GROUP,
            owners=_OWNERS,
            kinds={"csv", "xlsx"},
            code_version="2",
            metadata=column_schema(RESULT_COLUMNS),
            description=(
                "The results as CSV and workbook and the rejected rows, in the file store and the "
                "outbox. Ends the upload. Of an upload that has ended already (cancelled, failed) "
                "it writes what there is; materialize it alone to write the files again."
            ),
        )
    ],
    check_specs=[checks.files_equal_the_table],
    partitions_def=uploads_partitions,
    can_subset=True,
)
def results_files(context: dg.AssetExecutionContext, store: StoreResource) -> StepResult:
    """Write the files, read them back, end the upload."""
    written: WrittenFiles | None = write_files(context, store)
    if written is not None:
        link = page_metadata(store.settings(), context.partition_key)
        figures = None if written.differences else row_count_metadata(written.lines)
        yield from _shown(
            context, "results_files", figures, link, [checks.files_checked(written.differences)]
        )


_BROKEN = (
    "results_inconsistent",
    "The results do not add up, so nothing was published. Ask the operators before you retry.",
)


def _answered(step: HeldStep) -> Metadata:
    """What the asking has come to, for the materialization of `claim_statuses`."""
    counts = results.count_outcomes(step.engine, step.upload.id)
    attempt = attempts.get_attempt(step.engine, step.attempt.id) or step.attempt
    return {
        **counts_metadata(counts),
        **calls_metadata(step.engine, attempt, now()),
        **row_count_metadata(counts.with_outcome),
        **page_metadata(step.settings, step.upload.id),
    }


def _shown(
    context: dg.AssetExecutionContext,
    asset: str,
    figures: Metadata | None,
    link: Metadata,
    results_of_checks: list[dg.AssetCheckResult],
) -> StepResult:
    """The asset, unless there are no figures of it, and those of its checks that are wanted."""
    if figures is not None and dg.AssetKey(asset) in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=asset, metadata={**figures, **link})
    wanted = {key.name for key in context.selected_asset_check_keys}
    yield from (result for result in results_of_checks if result.check_name in wanted)
