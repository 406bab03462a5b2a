"""The progress of an upload as server-sent events."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse

from claims_pipeline.store.uploads import get_upload
from claims_pipeline.upload_api.access.caller import Caller, CallerServices, authenticated
from claims_pipeline.upload_api.access.limiting import seat_of
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.streams import event_id, progress_events

router = APIRouter()


@router.get(
    "/{upload_id}/events",
    summary="Follow an upload's progress",
    dependencies=[Depends(seat_of(authenticated))],
    response_class=EventSourceResponse,
    responses={
        200: {"description": "Events `progress`.", "content": {"text/event-stream": {}}},
        204: {"description": "The upload has ended, and the client knows how."},
    },
)
async def follow_job(
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that the client has had.")
    ] = None,
) -> Response:
    """An event `progress` for each change, until the upload ends or the token does.

    Its data is what `/progress/` answers. A client that comes back with the last event's id gets
    what has changed since.
    """
    upload = await run_in_threadpool(upload_for, services, caller, upload_id)
    if upload.status.is_terminal and event_id(upload) == last_event_id:
        # This tells browsers not to come back.
        return Response(status_code=204)
    read = partial(get_upload, services.engine, upload.id, organization_id=caller.organization_id)
    return EventSourceResponse(progress_events(read, seen=last_event_id, ends_at=caller.expires_at))
