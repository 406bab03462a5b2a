"""Ends an upload whose rows are all answered, and writes the files of any that has ended."""

from sqlalchemy import Engine

from claims_pipeline.errors import ClaimsError, FilesUnreachableError
from claims_pipeline.folders.outbox import copy_to_outbox, write_refusal
from claims_pipeline.folders.result_files import verify_files, write_files
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.retention import remove_files
from claims_pipeline.orchestration.held_step import HeldStep, StepContext, now, redacted_errors
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.rows import results
from claims_pipeline.store.uploads import Upload


def complete_upload(step: HeldStep, store: StoreResource) -> int | None:
    """Write the files, then end the upload; lines written, or None when rows are still to ask.

    Raises:
        OSError, FilesUnreachableError: the files could not be written, as on a disk that is full.
            The upload has ended as completed all the same: what the payer said is in the table,
            and the reconciliation has the files written later.

    """
    upload = uploads.get_upload(step.engine, step.hold.upload_id)
    if upload is None or not _every_row_is_answered(step):
        # Launched for files alone, the run came upon an upload that is being retried.
        _leave_to_a_whole_run(step)
        return None
    try:
        lines = _publish(step.engine, store, upload)
    except (OSError, FilesUnreachableError):
        _complete(step)
        raise
    _complete(step)
    attempts.mark_files_written(step.engine, step.hold.attempt_id, now())
    return lines


def write_files_of_ended_upload(context: StepContext, store: StoreResource) -> int | None:
    """Files of an upload that has ended; None while its attempt is not over.

    One that is deleted meanwhile has none.
    """
    with redacted_errors():
        engine = store.engine()
        latest = attempts.latest_attempt(engine, context.partition_key)
        upload = uploads.get_upload(engine, context.partition_key)
        if latest is None or upload is None or latest.state != "finished":
            return None
        lines = _published_unless_deleted(engine, store, upload)
        if lines is None or not attempts.mark_files_written(engine, latest.id, now()):
            remove_files(store.files(), upload, store.settings().resolved_outbox)
            return 0
        return lines


def _published_unless_deleted(engine: Engine, store: StoreResource, upload: Upload) -> int | None:
    """As `_publish`; None when somebody deletes the upload meanwhile."""
    try:
        return _publish(engine, store, upload)
    except ClaimsError:
        if uploads.get_upload(engine, upload.id) is not None:
            raise
        return None


def _every_row_is_answered(step: HeldStep) -> bool:
    attempt = attempts.get_attempt(step.engine, step.hold.attempt_id)
    counts = results.count_outcomes(step.engine, step.hold.upload_id)
    return attempt is not None and attempt.rows_stored and counts.with_outcome == counts.total


def _complete(step: HeldStep) -> None:
    attempts.finish(
        step.engine,
        step.hold.upload_id,
        UploadStatus.COMPLETED,
        attempt_id=step.hold.attempt_id,
        now=now(),
        hold=step.hold,
    )


def _leave_to_a_whole_run(step: HeldStep) -> None:
    attempts.relaunch(
        step.engine,
        step.hold.attempt_id,
        reason="not_asked_yet",
        now=now(),
        holder_run_id=step.hold.run_id,
    )


def _publish(engine: Engine, store: StoreResource, upload: Upload) -> int:
    settings = store.settings()
    outbox = settings.resolved_outbox
    if upload.header is None:
        code, message = _why_nothing_was_read(upload)
        write_refusal(upload, outbox, code=code, message=message)
        return 0
    files = store.files()
    written = write_files(engine, files, upload, bom=settings.results_csv_bom)
    verify_files(files, written, results.count_outcomes(engine, upload.id))
    copy_to_outbox(files, upload, written, outbox)
    return written.lines


def _why_nothing_was_read(upload: Upload) -> tuple[str, str]:
    if upload.status is UploadStatus.CANCELLED:
        return "cancelled", "The upload was cancelled before its file was read."
    return (
        upload.error_code or "file_refused",
        upload.error_message or "The file could not be read.",
    )
