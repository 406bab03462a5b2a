"""Changing what was handed in: cancel, retry, delete."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from claims_pipeline.model import RetryScope
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.receiving.json_body import documented_body, json_body
from claims_pipeline.upload_api.schemas.uploads import UploadJson
from claims_pipeline.upload_api.uploads.changing import cancel_upload, delete_upload, retry_upload
from claims_pipeline.upload_api.uploads.listing import upload_json

router = APIRouter()


class RetryJson(BaseModel):
    """Which rows are asked again: `failed` (and unprocessed), `not_found`, `open` or `all`."""

    scope: RetryScope = RetryScope.FAILED


@router.post("/{upload_id}/cancel", status_code=202, summary="Cancel an upload")
def cancel_job(upload_id: str, services: CallerServices, caller: Caller) -> UploadJson:
    """Stop asking; what was answered is kept, and the other rows are `unprocessed`.

    Asking again changes nothing. An upload that has ended in another way is refused with 409.
    """
    return upload_json(services, caller, cancel_upload(services, caller, upload_id))


@router.post(
    "/{upload_id}/retry",
    status_code=202,
    summary="Ask rows of an upload again",
    openapi_extra=documented_body(RetryJson, example={"scope": "failed"}),
)
def retry_job(
    request: Request,
    upload_id: str,
    services: CallerServices,
    caller: Caller,
    wanted: Annotated[RetryJson, Depends(json_body(RetryJson))],
) -> UploadJson:
    """Begin a new attempt for the rows of the scope; their answers so far become history.

    Without a body, the rows that failed or were not processed. `open` takes these, the rows that
    were not found, and those with a claim that is not final.
    """
    upload = retry_upload(
        services,
        caller,
        upload_id,
        scope=wanted.scope,
        correlation_id=getattr(request.state, "request_id", None),
    )
    return upload_json(services, caller, upload)


@router.delete("/{upload_id}", status_code=204, summary="Delete an upload")
def delete_job(upload_id: str, services: CallerServices, caller: Caller) -> None:
    """Remove an ended upload with its file, rows, answers and results; the audit log stays."""
    delete_upload(services, caller, upload_id)
