"""Writes an upload's files, and ends an upload whose rows are all answered."""

from dataclasses import dataclass

from sqlalchemy import Engine

from claims_pipeline.errors import ClaimsError, FilesUnreachableError
from claims_pipeline.folders import result_files
from claims_pipeline.folders.outbox import copy_to_outbox, write_refusal
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.retention import remove_files
from claims_pipeline.orchestration.following import follow
from claims_pipeline.orchestration.held_step import (
    HeldStep,
    StepContext,
    attempt_held,
    fail_upload,
    now,
    redacted_errors,
)
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.rows import results
from claims_pipeline.store.uploads import Upload

_DIFFER = (
    "files_differ",
    "The results files do not hold what the table holds. None was published; ask the operators.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFiles:
    """Lines of the results file, and which files hold other rows than the results table."""

    lines: int
    differences: list[str]


def write_files(context: StepContext, store: StoreResource) -> WrittenFiles | None:
    """Write the files of an upload that has ended, or that ends with them.

    None when there was nothing to do: rows are still to be asked, by this upload's own run, or
    the upload is deleted meanwhile.
    """
    with redacted_errors():
        engine = store.engine()
        latest = attempts.latest_attempt(engine, context.partition_key)
        upload = uploads.get_upload(engine, context.partition_key)
        if latest is None or upload is None:
            return None
        if latest.state == "finished":
            return _files_of_ended(engine, store, upload, latest)
        if not _every_row_is_answered(engine, latest):
            # As for a run for files alone that comes upon an upload which is being retried.
            context.log.info("nothing done: rows of this upload are still to be asked")
            return None
    written = None
    with attempt_held(context, store) as step:
        # Once more, now that nobody else changes it.
        if step is not None and _every_row_is_answered(step.engine, step.attempt):
            written = _complete_with_files(step, store)
    return written


def _complete_with_files(step: HeldStep, store: StoreResource) -> WrittenFiles:
    """Write the files, then end the upload.

    Raises:
        OSError, FilesUnreachableError: the files could not be written, as on a disk that is full.
            The upload has ended as completed all the same: what the payer said is in the table,
            and the reconciliation has the files written later.

    """
    try:
        written = _publish(step.engine, store, step.upload)
    except (OSError, FilesUnreachableError):
        _complete(step)
        raise
    if written.differences:
        fail_upload(step, *_DIFFER)
    else:
        _complete(step)
        attempts.mark_files_written(step.engine, step.hold.attempt_id, now())
    return written


def _files_of_ended(
    engine: Engine, store: StoreResource, upload: Upload, latest: Attempt
) -> WrittenFiles | None:
    """Files of an upload that has ended; one that is deleted meanwhile has none."""
    try:
        written = _publish(engine, store, upload)
    except (ClaimsError, FileNotFoundError):
        if uploads.get_upload(engine, upload.id) is not None:
            raise
        written = None
    if written is not None and written.differences:
        return written
    if written is None or not attempts.mark_files_written(engine, latest.id, now()):
        remove_files(store.files(), upload, store.settings().resolved_outbox)
        return None
    return written


def _every_row_is_answered(engine: Engine, attempt: Attempt) -> bool:
    counts = results.count_outcomes(engine, attempt.upload_id)
    return attempt.rows_stored and counts.with_outcome == counts.total


def _complete(step: HeldStep) -> None:
    attempts.finish(
        step.engine,
        step.hold.upload_id,
        UploadStatus.COMPLETED,
        attempt_id=step.hold.attempt_id,
        now=now(),
        hold=step.hold,
    )


def _publish(engine: Engine, store: StoreResource, upload: Upload) -> WrittenFiles:
    """Write every file and read it back; copies for the outbox are made of those that hold.

    Tracked claims are told first, so that the files can say what has changed.
    """
    settings = store.settings()
    outbox = settings.resolved_outbox
    follow(engine, store, upload)
    if upload.header is None:
        code, message = _why_nothing_was_read(upload)
        write_refusal(upload, outbox, code=code, message=message)
        return WrittenFiles(lines=0, differences=[])
    files = store.files()
    written = result_files.write_files(
        engine,
        files,
        upload,
        bom=settings.results_csv_bom,
        workbook=result_files.has_workbook(upload, settings),
    )
    counts = results.count_outcomes(engine, upload.id)
    differences = result_files.files_that_differ(files, written, counts)
    if not differences:
        copy_to_outbox(files, upload, written, outbox)
    return WrittenFiles(lines=written.lines, differences=differences)


def _why_nothing_was_read(upload: Upload) -> tuple[str, str]:
    if upload.status is UploadStatus.CANCELLED:
        return "cancelled", "The upload was cancelled before its file was read."
    return (
        upload.error_code or "file_refused",
        upload.error_message or "The file could not be read.",
    )
