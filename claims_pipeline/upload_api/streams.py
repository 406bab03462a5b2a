"""Progress as a stream of events."""

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import anyio
from fastapi.concurrency import run_in_threadpool
from sse_starlette import ServerSentEvent

from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.schemas.uploads import ProgressJson

_POLL_S = 1.0
_RECONNECT_MS = 3000


def event_id(upload: Upload) -> str:
    """Tells one state of an upload from another; equal for equal progress."""
    state = (
        upload.attempt,
        upload.status,
        upload.counts,
        upload.waiting_reason,
        upload.next_try_at,
        upload.error_code,
    )
    return hashlib.blake2b(repr(state).encode(), digest_size=8).hexdigest()


def progress_json(upload: Upload) -> str:
    """What the API tells of an upload's progress."""
    return ProgressJson.of(upload, now=datetime.now(UTC)).model_dump_json()


async def progress_events(
    read: Callable[[], Upload | None],
    *,
    seen: str | None,
    ends_at: datetime | None,
    goes_on: Callable[[], bool] = lambda: True,
    told: Callable[[Upload], str] = progress_json,
) -> AsyncIterator[ServerSentEvent]:
    """The progress whenever it has changed, asked once a second, until the upload has ended.

    `seen` is the id of the last event that the client has had; `told` makes an event's data. The
    stream ends at `ends_at` or when `goes_on` denies, and with `deleted` when the upload is gone.
    """
    while (ends_at is None or datetime.now(UTC) < ends_at) and await run_in_threadpool(goes_on):
        upload = await run_in_threadpool(read)
        if upload is None:
            yield ServerSentEvent(event="deleted", data="{}")
            return
        state = event_id(upload)
        if state != seen:
            seen = state
            yield ServerSentEvent(
                event="progress", id=state, data=told(upload), retry=_RECONNECT_MS
            )
        if upload.status.is_terminal:
            return
        await anyio.sleep(_POLL_S)
