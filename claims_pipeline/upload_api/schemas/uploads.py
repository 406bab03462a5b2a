"""What the API answers: the JSON of an upload, with the fields that older clients know."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import BaseModel

from claims_pipeline.model import UploadStatus
from claims_pipeline.store.uploads import Upload

# A rate over less says little, and so does what is answered in an upload's first seconds.
_SHORTEST_MEASURED = timedelta(seconds=10)
_FIRST_SECONDS = timedelta(seconds=10)

_STATUS_DISPLAY = {
    UploadStatus.PENDING: "Pending",
    UploadStatus.PROCESSING: "Processing",
    UploadStatus.CANCELLING: "Cancelling",
    UploadStatus.CANCELLED: "Cancelled",
    UploadStatus.COMPLETED: "Completed",
    UploadStatus.FAILED: "Failed",
}


class UploadJson(BaseModel):
    """One upload. Counts are numbers, never null; `celery_*` are kept for older clients."""

    id: str
    job_id: str
    filename: str
    original_filename: str
    file_size: int
    file_size_display: str
    provider: str
    status: UploadStatus
    status_display: str
    total_rows: int
    processed_rows: int
    success_count: int
    failure_count: int
    found_count: int
    not_found_count: int
    ambiguous_count: int
    rejected_count: int
    failed_count: int
    unprocessed_count: int
    progress_percentage: float
    success_rate: float
    eta_seconds: int | None
    attempt: int
    run_id: str | None
    run_url: str | None
    celery_task_id: str | None
    celery_status: str
    user: str | None
    user_email: str | None
    organization: str
    organization_name: str
    processing_started_at: datetime | None
    processing_completed_at: datetime | None
    processing_duration: float | None
    created_at: datetime
    updated_at: datetime
    waiting_reason: str | None
    next_try_at: datetime | None
    duplicate_of: str | None
    error_code: str | None
    error_message: str | None
    error_log: str | None

    @classmethod
    def of(
        cls, upload: Upload, *, organization_name: str, ui_url: str | None, now: datetime
    ) -> Self:
        """The JSON of an upload as it stands at `now`; `ui_url` is where Dagster's UI is."""
        counts = upload.counts
        return cls(
            id=upload.id,
            job_id=upload.id,
            filename=upload.file_name,
            original_filename=upload.file_name,
            file_size=upload.file_size,
            file_size_display=_size(upload.file_size),
            provider=upload.payer,
            status=upload.status,
            status_display=_STATUS_DISPLAY[upload.status],
            total_rows=counts.total,
            processed_rows=counts.with_outcome,
            success_count=counts.found + counts.ambiguous,
            failure_count=counts.with_outcome - counts.found - counts.ambiguous,
            found_count=counts.found,
            not_found_count=counts.not_found,
            ambiguous_count=counts.ambiguous,
            rejected_count=counts.rejected,
            failed_count=counts.failed,
            unprocessed_count=counts.unprocessed,
            progress_percentage=_percentage(counts.with_outcome, counts.total),
            success_rate=_percentage(counts.found + counts.ambiguous, counts.with_outcome),
            eta_seconds=_eta_seconds(upload, now),
            attempt=upload.attempt,
            run_id=upload.run_id,
            run_url=f"{ui_url.rstrip('/')}/runs/{upload.run_id}"
            if ui_url and upload.run_id
            else None,
            celery_task_id=upload.run_id,
            celery_status=_celery_status(upload.status),
            user=upload.user_id,
            user_email=upload.user_email,
            organization=upload.organization_id,
            organization_name=organization_name,
            processing_started_at=upload.processing_started_at,
            processing_completed_at=upload.processing_completed_at,
            processing_duration=_duration_s(upload, now),
            created_at=upload.created_at,
            updated_at=upload.updated_at,
            waiting_reason=upload.waiting_reason,
            next_try_at=upload.next_try_at,
            duplicate_of=upload.duplicate_of,
            error_code=upload.error_code,
            error_message=upload.error_message,
            error_log=f"{upload.error_message} [{upload.error_code}]"
            if upload.error_code
            else None,
        )


class ProgressJson(BaseModel):
    """How far an upload is, read from the database as it is asked."""

    id: str
    job_id: str
    status: UploadStatus
    status_display: str
    total_rows: int
    processed_rows: int
    success_count: int
    failure_count: int
    found_count: int
    not_found_count: int
    ambiguous_count: int
    rejected_count: int
    failed_count: int
    unprocessed_count: int
    progress_percentage: float
    success_rate: float
    rows_per_second: float | None
    eta_seconds: int | None
    attempt: int
    celery_status: str
    processing_started_at: datetime | None
    processing_completed_at: datetime | None
    processing_duration: float | None
    updated_at: datetime
    waiting_reason: str | None
    next_try_at: datetime | None
    error_code: str | None
    error_message: str | None
    error_log: str | None

    @classmethod
    def of(cls, upload: Upload, *, now: datetime) -> Self:
        """The progress of an upload as it stands at `now`."""
        shown = UploadJson.of(upload, organization_name="", ui_url=None, now=now)
        rate = _rows_per_second(upload, now)
        return cls(
            **shown.model_dump(include=set(cls.model_fields)),
            rows_per_second=None if rate is None else round(rate, 2),
        )


def _size(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def _percentage(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _duration_s(upload: Upload, now: datetime) -> float | None:
    # A retry that waits for its run still has the times of the attempt before.
    if upload.processing_started_at is None or upload.status is UploadStatus.PENDING:
        return None
    end = upload.processing_completed_at or now
    return round((end - upload.processing_started_at).total_seconds(), 1)


def _rows_per_second(upload: Upload, now: datetime) -> float | None:
    """Rows answered for each second of about the last minute; None before and after.

    Rejected rows and those that an earlier attempt answered took no asking.
    """
    if upload.status is not UploadStatus.PROCESSING or upload.processing_started_at is None:
        return None
    unasked = max(upload.answered_before, upload.counts.rejected)
    since = (upload.processing_started_at, unasked)
    # The first mark is set before anything was asked of a payer that may take its time.
    for mark in (upload.earlier_mark, upload.mark):
        if mark is not None and now - mark[0] >= _SHORTEST_MEASURED:
            since = mark
            break
    elapsed_s = (now - since[0]).total_seconds()
    asked = upload.counts.with_outcome - max(since[1], unasked)
    return asked / elapsed_s if asked > 0 and elapsed_s > 0 else None


def _eta_seconds(upload: Upload, now: datetime) -> int | None:
    """Time left at that rate.

    None in the first seconds, while no answers come, and after the end.
    """
    rate = _rows_per_second(upload, now)
    started_at = upload.processing_started_at
    if not rate or started_at is None or now - started_at < _FIRST_SECONDS:
        return None
    return round((upload.counts.total - upload.counts.with_outcome) / rate)


def _celery_status(status: UploadStatus) -> str:
    match status:
        case UploadStatus.PENDING:
            return "PENDING"
        case UploadStatus.PROCESSING | UploadStatus.CANCELLING:
            return "STARTED"
        case UploadStatus.CANCELLED:
            return "REVOKED"
        case UploadStatus.COMPLETED:
            return "SUCCESS"
        case UploadStatus.FAILED:
            return "FAILURE"
