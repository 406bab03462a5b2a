"""An upload's answers row by row, its rejected rows, and all of it as files."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.rows.pages import page_of_rejected_rows, page_of_results
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.http.attachments import CSV, XLSX, attachment
from claims_pipeline.upload_api.http.parameters import PageNumber
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.claim_words import claim_status_word, outcome_word
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.upload.answers import shown_rows
from claims_pipeline.upload_api.pages.upload.result_view import (
    ORDERS,
    PAGE_SIZE,
    Paging,
    ResultView,
    view_of_address,
    view_of_form,
)
from claims_pipeline.upload_api.pages.upload.upload_page import head_of
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.downloads import (
    rejected_rows_file,
    results_csv,
    results_xlsx,
)

router = APIRouter(prefix="/uploads/{upload_id}")


@router.get("/results")
def show_results(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """A page of answered rows, by the filters of the address."""
    return _results(request, services, caller, upload_id, view_of_address(request.query_params))


async def _posted_view(request: Request, _caller: SignedIn) -> ResultView:
    return view_of_form(await posted_fields(request))


@router.post("/results")
async def search_results(
    request: Request,
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    view: Annotated[ResultView, Depends(_posted_view)],
) -> Response:
    """The same by a form, in which a name or number may be searched for."""
    if view.search:
        return await run_in_threadpool(_results, request, services, caller, upload_id, view)
    # What an address can tell gets one, to be kept and shared.
    upload = await run_in_threadpool(upload_for, services, caller, upload_id)
    query = view.address()
    return RedirectResponse(
        f"/uploads/{upload.id}/results{'?' if query else ''}{query}", status_code=303
    )


@router.get("/rejected")
def show_rejected_rows(
    request: Request,
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    page: Annotated[PageNumber, Query()] = 1,
) -> Response:
    """A page of the rows that cannot be asked, with what to do about each."""
    upload = upload_for(services, caller, upload_id)
    record(services, caller, Action.VIEW, upload.id)
    found = page_of_rejected_rows(services.engine, upload.id, page=page, page_size=PAGE_SIZE)
    return render(
        request,
        "upload_rejected.html",
        **head_of(services, upload),
        rows=found.rows,
        columns=upload.header or (),
        paging=Paging.of(page, found.total, shown=len(found.rows)),
    )


@router.get("/results.xlsx")
def download_workbook(upload_id: str, services: PageServices, caller: SignedIn) -> Response:
    """The results as a workbook, at any time."""
    return _file(services, caller, upload_id, results_xlsx, media_type=XLSX, ending=".results.xlsx")


@router.get("/results.csv")
def download_csv(upload_id: str, services: PageServices, caller: SignedIn) -> Response:
    """The results as a CSV, at any time."""
    return _file(services, caller, upload_id, results_csv, media_type=CSV, ending=".results.csv")


@router.get("/rejected.csv")
def download_rejected_rows(upload_id: str, services: PageServices, caller: SignedIn) -> Response:
    """The rows that cannot be asked, to be corrected and uploaded as they are."""
    return _file(
        services, caller, upload_id, rejected_rows_file, media_type=CSV, ending=".rejected.csv"
    )


def _results(
    request: Request, services: Services, caller: Principal, upload_id: str, view: ResultView
) -> Response:
    upload = upload_for(services, caller, upload_id)
    record(services, caller, Action.VIEW, upload.id)
    page = view.query.page
    found = page_of_results(
        services.engine,
        upload.id,
        view.filter,
        page=page,
        page_size=PAGE_SIZE,
        order=view.query.order,
    )
    return render(
        request,
        "upload_results.html",
        **head_of(services, upload),
        view=view,
        rows=shown_rows(found.rows, upload.header or ()),
        paging=Paging.of(page, found.total, shown=len(found.rows)),
        outcomes=[(outcome.value, outcome_word(outcome)) for outcome in Outcome],
        statuses=[(status.value, claim_status_word(status)) for status in ClaimStatus],
        actions=sorted(NEXT_ACTIONS.items(), key=lambda action: action[1]),
        orders=[(order.value, word) for order, word in ORDERS.items()],
    )


def _file(
    services: Services,
    caller: Principal,
    upload_id: str,
    made_by: Callable[[Services, Upload], Iterator[bytes]],
    *,
    media_type: str,
    ending: str,
) -> Response:
    upload = upload_for(services, caller, upload_id)
    record(services, caller, Action.DOWNLOAD, upload.id)
    return attachment(
        made_by(services, upload),
        media_type=media_type,
        file_name=upload.file_name,
        ending=ending,
    )
