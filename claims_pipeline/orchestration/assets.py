"""The asset graph of one upload: requests, statuses, results, files."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from claims_pipeline import intake
from claims_pipeline.errors import InvariantError, NothingAnsweredError
from claims_pipeline.model import OutcomeCounts
from claims_pipeline.orchestration.files import complete_upload, write_files_of_ended_upload
from claims_pipeline.orchestration.held_step import HeldStep, attempt_held
from claims_pipeline.orchestration.partitions import LANE_TAG, uploads_partitions
from claims_pipeline.orchestration.payer_backoff import waits_for_payer
from claims_pipeline.orchestration.payer_queries import ask_open_rows, plan_open_rows
from claims_pipeline.orchestration.resources import PayerResource, StoreResource
from claims_pipeline.payers import registry
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.tenants import practices
from claims_pipeline.store.tenants.column_decisions import list_decisions
from claims_pipeline.store.uploads import Upload

_STALE = {"stale": dg.MetadataValue.bool(True)}
_WAITING = {"waiting_for_payer": dg.MetadataValue.bool(True)}

every_row_is_accounted_for = dg.AssetCheckSpec(
    "every_row_is_accounted_for",
    asset="claim_requests",
    description="Records in the file = rows to ask + rejected rows.",
)
results_keep_their_promises = dg.AssetCheckSpec(
    "results_keep_their_promises",
    asset="claim_results",
    blocking=True,
    description="Every row has one outcome, and no claim answers a row twice.",
)
every_row_could_be_asked = dg.AssetCheckSpec(
    "every_row_could_be_asked",
    asset="claim_results",
    description=(
        "No row failed, and the payer is not down. Failed rows are never reported as not found; "
        "retry them. An upload that waits for its payer goes on by itself."
    ),
)
files_equal_the_table = dg.AssetCheckSpec(
    "files_equal_the_table",
    asset="results_files",
    description="The results file and the results table hold the same rows.",
)


def _counts_metadata(counts: OutcomeCounts) -> dict[str, dg.MetadataValue]:
    names = ("total", "found", "not_found", "ambiguous", "rejected", "failed", "unprocessed")
    return {name: dg.MetadataValue.int(getattr(counts, name)) for name in names}


def _upload(step: HeldStep) -> Upload:
    upload = uploads.get_upload(step.engine, step.hold.upload_id)
    if upload is None:
        raise InvariantError("upload_gone", "The upload was deleted while its run was on.")
    return upload


@dg.asset(
    partitions_def=uploads_partitions,
    check_specs=[every_row_is_accounted_for],
    group_name="claims",
    kinds={"csv", "pandera"},
)
def claim_requests(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """Every row of the uploaded CSV, either to be asked of the payer or rejected with its reason.

    The file is read in chunks from the file store; rows and rejected rows go to the database.
    """
    counts = None
    with attempt_held(context, store) as step:
        if step is not None:
            upload = _upload(step)
            attempt = attempts.get_attempt(step.engine, step.hold.attempt_id)
            if attempt is not None and not attempt.rows_stored:
                _store_rows(step, store, upload)
            counts = results.count_outcomes(step.engine, upload.id)
    if counts is None:
        return _stale_result(every_row_is_accounted_for)
    return dg.MaterializeResult(
        metadata=_counts_metadata(counts),
        check_results=[
            dg.AssetCheckResult(
                check_name=every_row_is_accounted_for.name,
                passed=counts.with_outcome <= counts.total,
                metadata=_counts_metadata(counts),
            )
        ],
    )


def _store_rows(step: HeldStep, store: StoreResource, upload: Upload) -> None:
    settings = step.settings
    context = intake.IntakeContext(
        practices=practices.list_practices(step.engine, upload.organization_id),
        payer_id=registry.default_payer_id(upload.payer, settings),
        today=store.payer_today(),
        capabilities=registry.capabilities_of(upload.payer),
        max_rows=settings.max_rows,
        max_bytes=settings.max_file_bytes,
        remembered=list_decisions(step.engine, upload.organization_id),
    )
    with store.files().open(upload.file_key) as stream:
        reading = intake.read(stream, context)
        stored.begin_rows(step.engine, step.hold, reading.header)
        for chunk in reading.chunks():
            stored.add_rows(step.engine, step.hold, chunk.requests, chunk.rejected)
    stored.complete_rows(step.engine, step.hold)


@dg.op(ins={"claim_requests": dg.In(dg.Nothing)}, out=dg.DynamicOut(dg.Nothing))
def plan_queries(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> Iterator[dg.DynamicOutput[None]]:
    """Plan the fewest queries that cover every row, and open the lanes that will ask them."""
    with attempt_held(context, store) as step:
        if step is not None:
            plan_open_rows(context, step, store, payers)
    for lane in range(1, store.settings().query_lanes + 1):
        yield dg.DynamicOutput(None, mapping_key=f"lane_{lane}")


@dg.op(ins={"lane": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), tags={LANE_TAG: "true"})
def query_batches(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> None:
    """Take batches of planned queries from the ledger and ask the payer, until none is left."""
    with attempt_held(context, store) as step:
        if step is not None:
            ask_open_rows(context, step, store, payers)


@dg.op(ins={"lanes": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
def settle_remaining_queries(
    context: dg.OpExecutionContext, store: StoreResource, payers: PayerResource
) -> None:
    """Ask what no lane has asked: after a crash Dagster may leave lanes out without a word."""
    with attempt_held(context, store) as step:
        if step is not None:
            ask_open_rows(context, step, store, payers)


@dg.graph_asset(
    partitions_def=uploads_partitions,
    ins={"claim_requests": dg.AssetIn(dagster_type=dg.Nothing)},
    group_name="claims",
    kinds={"rest"},
)
def claim_statuses(claim_requests: Any) -> Any:  # Dagster's wiring, not values
    """The payer's answers, asked in batches, each kept the moment it is matched to its rows."""
    lanes = plan_queries(claim_requests).map(query_batches)
    return settle_remaining_queries(lanes.collect())


@dg.asset(
    partitions_def=uploads_partitions,
    deps=[claim_statuses],
    check_specs=[results_keep_their_promises, every_row_could_be_asked],
    group_name="claims",
    kinds={"table"},
)
def claim_results(
    context: dg.AssetExecutionContext, store: StoreResource, payers: PayerResource
) -> dg.MaterializeResult:
    """One answer for every row of the file, complete and checked."""
    counts, broken = None, list[str]()
    with attempt_held(context, store) as step:
        if step is not None:
            # Re-executed alone, this step finds rows that nobody has asked.
            ask_open_rows(context, step, store, payers)
            counts = results.count_outcomes(step.engine, step.hold.upload_id)
            broken = results.verify_results(step.engine, step.hold.upload_id)
            if counts.failed and not counts.answered:
                raise _nothing_answered(step)
    if counts is None:
        return _stale_results(waiting=waits_for_payer(context, store))
    return dg.MaterializeResult(
        metadata=_counts_metadata(counts),
        check_results=[
            dg.AssetCheckResult(
                check_name=results_keep_their_promises.name,
                passed=not broken,
                metadata={"broken": dg.MetadataValue.text(", ".join(broken) or "none")},
            ),
            dg.AssetCheckResult(
                check_name=every_row_could_be_asked.name,
                passed=counts.failed == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"failed": dg.MetadataValue.int(counts.failed)},
            ),
        ],
    )


def _nothing_answered(step: HeldStep) -> NothingAnsweredError:
    code, message = results.most_frequent_failure(step.engine, step.hold.upload_id)
    return NothingAnsweredError(code, message)


def _stale_results(*, waiting: bool) -> dg.MaterializeResult:
    """What `claim_results` returns when it has touched nothing: not its turn, or payer down."""
    if not waiting:
        return _stale_result(results_keep_their_promises, every_row_could_be_asked)
    return dg.MaterializeResult(
        metadata=_WAITING,
        check_results=[
            dg.AssetCheckResult(
                check_name=results_keep_their_promises.name, passed=True, metadata=_WAITING
            ),
            dg.AssetCheckResult(
                check_name=every_row_could_be_asked.name,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=_WAITING,
            ),
        ],
    )


@dg.asset(
    partitions_def=uploads_partitions,
    deps=[claim_results],
    check_specs=[files_equal_the_table],
    group_name="claims",
    kinds={"csv", "xlsx"},
)
def results_files(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """The results as CSV and XLSX and the rejected rows, in the file store and the outbox.

    Ends the upload. Of an upload that has ended (cancelled, failed) it writes what there is.
    """
    lines = write_files_of_ended_upload(context, store)
    if lines is None:
        with attempt_held(context, store) as step:
            if step is not None:
                lines = complete_upload(step, store)
    if lines is None:
        return _stale_result(files_equal_the_table)
    return dg.MaterializeResult(
        metadata={"lines": dg.MetadataValue.int(lines)},
        check_results=[dg.AssetCheckResult(check_name=files_equal_the_table.name, passed=True)],
    )


def _stale_result(*checks: dg.AssetCheckSpec) -> dg.MaterializeResult:
    """What a step returns when another run serves the upload: it has touched nothing."""
    return dg.MaterializeResult(
        metadata=_STALE,
        check_results=[
            dg.AssetCheckResult(check_name=check.name, passed=True, metadata=_STALE)
            for check in checks
        ],
    )
