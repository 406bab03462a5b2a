"""Rows of the list of uploads as HTML, in the page and for the script that keeps them fresh."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from claims_pipeline.store.uploads import Upload, get_uploads
from claims_pipeline.upload_api.access.limiting import seat_of
from claims_pipeline.upload_api.access.uploads import visible_user_id
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.failures import Failure, failure_of
from claims_pipeline.upload_api.pages.rendering import fragment
from claims_pipeline.upload_api.pages.session.signed_in import (
    PageServices,
    SessionWatch,
    SignedIn,
    signed_in,
)
from claims_pipeline.upload_api.schemas.uploads import UploadJson
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.streams import event_id
from claims_pipeline.upload_api.uploads.listing import upload_json

router = APIRouter()

_POLL_S = 1.0
_RECONNECT_MS = 3000
_MOST_ROWS = 50
_Ids = Annotated[list[str], Query(alias="id", max_length=_MOST_ROWS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """An upload as the list shows it; `state` is equal for equal rows, `done` counts the file's."""

    upload: UploadJson
    done: int
    state: str
    failure: Failure | None = field(repr=False)


class RowJson(BaseModel):
    """A row's HTML. `is_live` tells whether it will change by itself."""

    id: str
    state: str
    is_live: bool
    html: str


class RowsJson(BaseModel):
    """The rows that are there, and the ids of those that are not."""

    rows: list[RowJson]
    gone: list[str]


@router.get("/uploads/rows")
def list_rows(services: PageServices, caller: SignedIn, ids: _Ids) -> RowsJson:
    """Rows as they are now, for a browser without a stream."""
    return _rows_now(services, caller, ids)


@router.get("/uploads/events", dependencies=[Depends(seat_of(signed_in))])
async def follow_rows(
    services: PageServices, caller: SignedIn, ids: _Ids, goes_on: SessionWatch
) -> EventSourceResponse:
    """An event `row` for each change of a row, `gone` with an id, until all have ended."""
    return EventSourceResponse(_row_events(services, caller, ids, goes_on))


def list_row(services: Services, caller: Principal, upload: Upload) -> ListRow:
    """The upload as the list shows it now."""
    return ListRow(
        upload=upload_json(services, caller, upload),
        done=upload.counts.done,
        state=event_id(upload),
        failure=failure_of(upload, is_operator=caller.sees_all_uploads),
    )


def _uploads_now(services: Services, caller: Principal, ids: Sequence[str]) -> Mapping[str, Upload]:
    return get_uploads(
        services.engine,
        ids,
        organization_id=caller.organization_id,
        user_id=visible_user_id(caller),
    )


def _rows_now(services: Services, caller: Principal, ids: Sequence[str]) -> RowsJson:
    found = _uploads_now(services, caller, ids)
    return RowsJson(
        rows=[_row_json(services, caller, upload) for upload in found.values()],
        gone=[upload_id for upload_id in ids if upload_id not in found],
    )


def _row_json(services: Services, caller: Principal, upload: Upload) -> RowJson:
    row = list_row(services, caller, upload)
    return RowJson(
        id=upload.id,
        state=row.state,
        is_live=not upload.status.is_terminal,
        html=fragment("list_row.html", row=row, viewer=caller),
    )


async def _row_events(
    services: Services, caller: Principal, ids: Sequence[str], goes_on: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    seen: dict[str, str] = {}
    open_ids = list(ids)
    while open_ids and datetime.now(UTC) < caller.expires_at and await run_in_threadpool(goes_on):
        found = await run_in_threadpool(_uploads_now, services, caller, open_ids)
        for gone in set(open_ids) - set(found):
            yield ServerSentEvent(event="gone", data=json.dumps({"id": gone}))
        for upload in found.values():
            state = event_id(upload)
            if seen.get(upload.id) != state:
                seen[upload.id] = state
                row = await run_in_threadpool(_row_json, services, caller, upload)
                yield ServerSentEvent(event="row", data=row.model_dump_json(), retry=_RECONNECT_MS)
        open_ids = [upload.id for upload in found.values() if not upload.status.is_terminal]
        if open_ids:
            await anyio.sleep(_POLL_S)
    if not open_ids:
        yield ServerSentEvent(event="ended", data="{}")
