"""All routes of the page, joined, and what stands around them."""

from fastapi import APIRouter, FastAPI

from claims_pipeline.upload_api.pages import static
from claims_pipeline.upload_api.pages.cross_site import OwnPagesOnly
from claims_pipeline.upload_api.pages.list import history, payers, rows
from claims_pipeline.upload_api.pages.new import new_upload
from claims_pipeline.upload_api.pages.refusals import add_page_refusals
from claims_pipeline.upload_api.pages.session import organizations, sign_in
from claims_pipeline.upload_api.pages.session.recognizing import recognize
from claims_pipeline.upload_api.pages.upload import change_page, results_page, upload_page
from claims_pipeline.upload_api.pages.work import claim_page, overviews, work_page

# In this order: what stands at an address of its own, before what takes any id.
_ROUTERS = (
    static.router,
    sign_in.router,
    organizations.router,
    history.router,
    payers.router,
    new_upload.router,
    rows.router,
    upload_page.router,
    results_page.router,
    change_page.router,
    work_page.router,
    overviews.router,
    claim_page.router,
)


def page_router() -> APIRouter:
    """One router with every route of the page; none of it is in the API's document."""
    joined = APIRouter(include_in_schema=False)
    for router in _ROUTERS:
        joined.include_router(router)
    return joined


def add_pages(app: FastAPI) -> None:
    """Serve the page beside the API: its routes, its headers, its refusals as pages."""
    app.include_router(page_router(), include_in_schema=False)
    add_page_refusals(app, recognize)
    app.add_middleware(OwnPagesOnly)
