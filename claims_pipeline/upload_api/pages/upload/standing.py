"""How an upload stands, in words for the head of its page. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from claims_pipeline.model import OutcomeCounts, UploadStatus
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.pages.failures import Failure, failure_of
from claims_pipeline.upload_api.schemas.uploads import ProgressJson

_PAYER_DOWN = (
    "The payer is not answering right now. Nothing is lost: answers received so far are kept, and "
    "the other rows are asked as soon as the payer is back."
)
_ANSWERS_TO_COME = (
    "Everything was sent, and some of the answers come later. Nothing is lost: they are fetched as "
    "soon as they are there."
)
_INTERRUPTED = (
    "The upload was interrupted on our side, for example by an update of the service. Nothing is "
    "lost: answers received so far are kept, and it continues on its own within a minute."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the head of the page tells, as of `now`.

    `rows_per_second` and `eta_s` are known while rows are being answered. `waiting` says why
    nothing goes on, until `next_try_at`. `is_live`: it changes by itself.
    """

    status: UploadStatus
    counts: OutcomeCounts
    is_live: bool
    rows_per_second: float | None
    eta_s: int | None
    duration_s: float | None
    waiting: str | None
    next_try_at: datetime | None
    failure: Failure | None = field(repr=False)

    @property
    def still_to_ask(self) -> int:
        """Rows without an answer yet."""
        return max(0, self.counts.total - self.counts.with_outcome)


def standing_of(upload: Upload, now: datetime, *, is_operator: bool) -> Standing:
    """How the upload stands at `now`; operators are told what to set."""
    progress = ProgressJson.of(upload, now=now)
    return Standing(
        status=upload.status,
        counts=upload.counts,
        is_live=not upload.status.is_terminal,
        rows_per_second=None if upload.waiting_reason else progress.rows_per_second,
        eta_s=None if upload.waiting_reason else progress.eta_seconds,
        duration_s=progress.processing_duration,
        waiting=_waiting(upload.waiting_reason),
        next_try_at=upload.next_try_at,
        failure=failure_of(upload, is_operator=is_operator),
    )


def _waiting(reason: str | None) -> str | None:
    if reason is None:
        return None
    if reason.startswith("awaiting"):
        return _ANSWERS_TO_COME
    return _PAYER_DOWN if reason.startswith("payer") else _INTERRUPTED
