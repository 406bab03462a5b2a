"""Handing in a file."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.openapi.form_document import FORM_BODY
from claims_pipeline.upload_api.receiving.idempotency import HEADER
from claims_pipeline.upload_api.receiving.uploading import take_upload
from claims_pipeline.upload_api.schemas.uploads import UploadJson
from claims_pipeline.upload_api.uploads.listing import upload_json

router = APIRouter()


@router.post("/upload", status_code=201, summary="Upload a CSV", openapi_extra=FORM_BODY)
async def upload_csv(
    request: Request,
    response: Response,
    services: CallerServices,
    caller: Caller,
    key: Annotated[
        str | None,
        Header(alias=HEADER, description="Makes sending the same upload again harmless."),
    ] = None,
) -> UploadJson:
    """Keep the file and ask the payer about each of its rows.

    The answer comes once the file is stored; poll the upload, or its progress, for the rest. With
    an `Idempotency-Key` that was used for the same upload before, the answer is that upload, again
    with 201 and with the header `Idempotency-Replayed: true`.
    """
    taken = await take_upload(request, services, caller, key=key)
    if taken.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return upload_json(services, caller, taken.upload)
