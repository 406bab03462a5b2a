"""Uploads as clients see them: the list and one upload. Older clients call an upload a job."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.http.paging import links
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.receiving.json_body import documented_body, json_body
from claims_pipeline.upload_api.schemas.uploads import ProgressJson, UploadJson
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.listing import (
    UploadFilters,
    UploadListJson,
    page_of_uploads,
    upload_json,
)

router = APIRouter()


@router.get("", summary="List uploads")
def list_jobs(
    request: Request,
    services: CallerServices,
    caller: Caller,
    filters: Annotated[UploadFilters, Query()],
) -> UploadListJson:
    """The caller's uploads; for an operator, those of the whole organization.

    `search` looks for a part of a file's name. A name may be a patient's: search by
    `POST …/search/`, which keeps it out of addresses. The answer to a search has no links to other
    pages for that reason; ask for the next `page` until you have `count`.
    """
    return _page_json(request, services, caller, filters)


@router.post(
    "/search",
    summary="Search uploads",
    openapi_extra=documented_body(UploadFilters, example={"search": "march", "page": 1}),
)
def search_jobs(
    request: Request,
    services: CallerServices,
    caller: Caller,
    filters: Annotated[UploadFilters, Depends(json_body(UploadFilters))],
) -> UploadListJson:
    """As the list, with the filters in the body."""
    return _page_json(request, services, caller, filters)


@router.get("/{upload_id}", summary="Show an upload")
def get_job(upload_id: str, services: CallerServices, caller: Caller) -> UploadJson:
    """One upload with its counts as they are now."""
    return upload_json(services, caller, upload_for(services, caller, upload_id))


@router.get("/{upload_id}/progress", summary="Show an upload's progress")
def get_progress(upload_id: str, services: CallerServices, caller: Caller) -> ProgressJson:
    """The counts, the rate and the time left, as they are now."""
    upload = upload_for(services, caller, upload_id)
    return ProgressJson.of(upload, now=datetime.now(UTC))


def _page_json(
    request: Request, services: Services, caller: Principal, filters: UploadFilters
) -> UploadListJson:
    page = page_of_uploads(services, caller, filters)
    around = links(request, page=filters.page, page_size=filters.page_size, count=page.total)
    return UploadListJson(
        count=page.total,
        next=around.next,
        previous=around.previous,
        results=[upload_json(services, caller, upload) for upload in page.uploads],
    )
