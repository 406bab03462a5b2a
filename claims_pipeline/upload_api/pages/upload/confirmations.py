"""What changing an upload will do, said before it is done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.pages.wording import plural


class Change(StrEnum):
    """What may be done with an upload; the last part of its address."""

    CANCEL = "cancel"
    RETRY_FAILED = "retry-failed"
    RETRY_NOT_FOUND = "retry-not-found"
    RETRY_OPEN = "retry-open"
    RETRY_ALL = "retry-all"
    DELETE = "delete"


SCOPES: Mapping[Change, RetryScope] = {
    Change.RETRY_FAILED: RetryScope.FAILED,
    Change.RETRY_NOT_FOUND: RetryScope.NOT_FOUND,
    Change.RETRY_OPEN: RetryScope.OPEN,
    Change.RETRY_ALL: RetryScope.ALL,
}
_LABELS = {
    Change.CANCEL: "Cancel",
    Change.RETRY_FAILED: "Retry failed",
    Change.RETRY_NOT_FOUND: "Retry not found",
    Change.RETRY_OPEN: "Retry not final",
    Change.RETRY_ALL: "Retry all",
    Change.DELETE: "Delete",
}
_ASKED_AGAIN = {
    RetryScope.FAILED: "that failed or were not asked",
    RetryScope.NOT_FOUND: "that the payer did not find",
    RetryScope.OPEN: "that failed, were not found, or have a claim that is not final",
    RetryScope.ALL: "that can be asked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A change that can be made now, as a button."""

    change: Change
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What will happen. `button` is None when there is nothing to be done."""

    change: Change
    title: str
    sentences: tuple[str, ...]
    button: str | None
    is_grave: bool = False


def offers(upload: Upload) -> tuple[Offer, ...]:
    """The changes that make sense for the upload as it stands, most likely first."""
    if not upload.status.is_terminal:
        wanted = [] if upload.status is UploadStatus.CANCELLING else [Change.CANCEL]
    elif upload.header is None:
        wanted = [Change.RETRY_ALL, Change.DELETE]
    else:
        counts = upload.counts
        is_there = {
            Change.RETRY_FAILED: counts.failed + counts.unprocessed,
            Change.RETRY_OPEN: counts.found + counts.ambiguous,
            Change.RETRY_NOT_FOUND: counts.not_found,
            Change.RETRY_ALL: counts.with_outcome - counts.rejected,
            Change.DELETE: 1,
        }
        wanted = [change for change, rows in is_there.items() if rows]
    return tuple(Offer(change=change, label=_LABELS[change]) for change in wanted)


def confirmation(
    upload: Upload, change: Change, *, in_scope: Mapping[RetryScope, int], rows_stored: bool
) -> Confirmation:
    """What the change would do.

    Args:
        upload: As it stands now.
        change: What is wanted.
        in_scope: How many rows each scope has now.
        rows_stored: Whether all rows of the file have been read; if not, a retry reads it anew.

    """
    if change is Change.CANCEL:
        return _cancel(upload)
    if change is Change.DELETE:
        return _delete(upload)
    return _retry(upload, change, in_scope[SCOPES[change]], rows_stored=rows_stored)


def _cancel(upload: Upload) -> Confirmation:
    if upload.status.is_terminal:
        return _nothing(Change.CANCEL, "There is nothing to cancel", "The upload has ended.")
    left = max(0, upload.counts.total - upload.counts.with_outcome)
    return Confirmation(
        change=Change.CANCEL,
        title="Cancel this upload?",
        sentences=(
            f"{plural(left, 'row')} will not be asked. Calls already sent to the payer "
            "finish first."
            if upload.counts.total
            else "Nothing has been asked yet, and nothing will be.",
            (
                f"The answers for {plural(upload.counts.answered, 'row')} are kept and can be "
                "downloaded. The other rows can be asked later with “Retry failed”."
            ),
        ),
        button="Cancel the upload",
        is_grave=True,
    )


def _delete(upload: Upload) -> Confirmation:
    if not upload.status.is_terminal:
        return _nothing(
            Change.DELETE,
            "The upload cannot be deleted yet",
            "The upload is still running. Cancel it first.",
        )
    return Confirmation(
        change=Change.DELETE,
        title="Delete this upload for good?",
        sentences=(
            (
                f"The file, its {plural(upload.counts.total, 'row')}, all answers and all result "
                "files are removed, including the copies in the outbox. This cannot be undone."
            ),
            (
                "The audit log keeps a note that it existed and who deleted it, without any "
                "patient or file name."
            ),
        ),
        button="Delete for good",
        is_grave=True,
    )


def _retry(upload: Upload, change: Change, rows: int, *, rows_stored: bool) -> Confirmation:
    scope = SCOPES[change]
    if not upload.status.is_terminal:
        return _nothing(
            change, "The upload is still running", "Wait until it has ended, or cancel it first."
        )
    if not rows_stored:
        return Confirmation(
            change=change,
            title="Read the file again?",
            sentences=(
                (
                    "Nothing has been asked yet. The file is read from its beginning, and all its "
                    "rows are asked. If the file itself is wrong, correct it and upload it again "
                    "instead."
                ),
            ),
            button="Read it again",
        )
    if not rows:
        return _nothing(
            change, "There is nothing to ask again", f"There are no rows {_ASKED_AGAIN[scope]}."
        )
    return Confirmation(
        change=change,
        title=f"Ask {plural(rows, 'row')} again?",
        sentences=tuple(_retry_sentences(upload, scope, rows)),
        button=f"Ask {plural(rows, 'row')} again",
    )


def _retry_sentences(upload: Upload, scope: RetryScope, rows: int) -> list[str]:
    kept = upload.counts.with_outcome - upload.counts.rejected - rows
    sentences = [
        (
            f"The payer is asked about all rows {_ASKED_AGAIN[scope]}: {plural(rows, 'row')}. "
            "Their earlier answers are replaced, and kept as history."
        )
    ]
    if kept > 0:
        sentences.append(f"The answers for the other {plural(kept, 'row')} stay as they are.")
    if upload.counts.rejected:
        sentences.append(
            f"{plural(upload.counts.rejected, 'rejected row')} cannot be asked: correct "
            f"{'it' if upload.counts.rejected == 1 else 'them'} and upload again."
        )
    return sentences


def _nothing(change: Change, title: str, sentence: str) -> Confirmation:
    return Confirmation(change=change, title=title, sentences=(sentence,), button=None)
