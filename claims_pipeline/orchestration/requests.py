"""Reads an upload's file into the store, and says what came of each of its records."""

import dagster as dg

from claims_pipeline import intake
from claims_pipeline.errors import FileRefusedError, InputError
from claims_pipeline.model import OutcomeCounts
from claims_pipeline.orchestration.held_step import HeldStep
from claims_pipeline.orchestration.partitions import UPLOADED_CSV
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.preflight.context import intake_context
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.tenants import practices
from claims_pipeline.store.tenants.column_decisions import list_decisions
from claims_pipeline.store.tenants.payers import list_payers


def stored_rows(
    context: dg.AssetExecutionContext, step: HeldStep, store: StoreResource
) -> OutcomeCounts:
    """Store the rows of the upload's file, unless an earlier run has; the rows as they stand.

    Raises:
        FileRefusedError: the file cannot be read.
        RowsLostError: what was stored is not what the reader counted.

    """
    if not step.attempt.rows_stored:
        reading = _read(step, store)
        _show_file(context, step, reading)
    return results.count_outcomes(step.engine, step.upload.id)


def _read(step: HeldStep, store: StoreResource) -> intake.Reading:
    try:
        context = _context(step, store)
    except InputError as error:
        # A folder of a payer that the organization does not have, or that nobody can ask.
        raise FileRefusedError(error.code, error.message) from None
    with store.files().open(step.upload.file_key) as stream:
        reading = intake.read(stream, context)
        stored.begin_rows(step.engine, step.hold, reading.header)
        for chunk in reading.chunks():
            stored.add_rows(step.engine, step.hold, chunk.requests, chunk.rejected)
    stored.complete_rows(
        step.engine,
        step.hold,
        record_count=reading.records,
        left_out_count=reading.left_out,
        left_out=reading.left_out_lines,
    )
    return reading


def _context(step: HeldStep, store: StoreResource) -> intake.IntakeContext:
    return intake_context(
        step.settings,
        provider=step.upload.payer,
        payers=PayerTable.of(list_payers(step.engine, step.upload.organization_id), step.settings),
        practices=practices.list_practices(step.engine, step.upload.organization_id),
        today=store.payer_today(),
        remembered=list_decisions(step.engine, step.upload.organization_id),
    )


def _show_file(context: dg.AssetExecutionContext, step: HeldStep, reading: intake.Reading) -> None:
    """Where the lineage begins. Told by the run that reads the file: nobody else counts records."""
    context.log_event(
        dg.AssetMaterialization(
            UPLOADED_CSV,
            partition=step.upload.id,
            metadata={
                "source": dg.MetadataValue.text(step.upload.source),
                "bytes": dg.MetadataValue.int(step.upload.file_size),
                "records": dg.MetadataValue.int(reading.records),
                "left_out": dg.MetadataValue.int(reading.left_out),
            },
        )
    )
