"""The list of uploads: the first page one sees, with the way to hand in another."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from claims_pipeline.store.uploads import uploaders
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.addresses import DELETED
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.list.list_view import (
    OFFERED_STATUSES,
    PAGE_SIZE,
    ListView,
    view_of_address,
    view_of_form,
)
from claims_pipeline.upload_api.pages.list.rows import list_row
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.listing import page_of_uploads
from claims_pipeline.upload_api.uploads.templates import Shape, template_response

router = APIRouter()


@router.get("/")
@router.get("/uploads")
def show_uploads(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """The reader's uploads, an operator's organization's; filtered and sorted by the address."""
    return _list_page(
        request,
        services,
        caller,
        view_of_address(request.query_params),
        is_deleted=DELETED in request.query_params,
    )


async def _posted_view(request: Request, _caller: SignedIn) -> ListView:
    return view_of_form(await posted_fields(request))


@router.post("/uploads/search")
async def search_uploads(
    request: Request,
    services: PageServices,
    caller: SignedIn,
    view: Annotated[ListView, Depends(_posted_view)],
) -> Response:
    """The same by a form, in which a part of a file's name may be searched for."""
    if view.is_search:
        return await run_in_threadpool(_list_page, request, services, caller, view)
    # What an address can tell gets one, to be kept and shared.
    query = view.query(page=view.filters.page)
    return RedirectResponse(f"/uploads?{query}" if query else "/uploads", status_code=303)


@router.get("/uploads/search")
def come_back_to_uploads() -> Response:
    """Who types the address of a search, or comes back to it, sees the list."""
    return RedirectResponse("/uploads", status_code=303)


@router.get("/templates/{shape}.csv")
def get_shape_template(services: PageServices, caller: SignedIn, shape: Shape) -> Response:
    """A CSV of this shape to begin with."""
    return template_response(services, caller.organization_id, shape)


def _list_page(
    request: Request,
    services: Services,
    caller: Principal,
    view: ListView,
    *,
    is_deleted: bool = False,
) -> Response:
    found = page_of_uploads(services, caller, view.filters)
    page = view.filters.page
    first = (page - 1) * PAGE_SIZE + 1
    return render(
        request,
        "uploads.html",
        view=view,
        rows=[list_row(services, caller, upload) for upload in found.uploads],
        total=found.total,
        first=first,
        last=first + len(found.uploads) - 1,
        previous=view.query(page=page - 1) if page > 1 else None,
        following=view.query(page=page + 1) if page * PAGE_SIZE < found.total else None,
        statuses=OFFERED_STATUSES,
        payers=services.payers_of(caller.organization_id).providers,
        people=uploaders(services.engine, caller.organization_id)
        if caller.sees_all_uploads
        else (),
        is_deleted=is_deleted,
        shapes=tuple(Shape),
    )
