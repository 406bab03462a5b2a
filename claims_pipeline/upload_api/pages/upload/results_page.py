"""An upload's answers row by row, its rejected rows, and all of it as files."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from claims_pipeline.store.rows.filters import ResultFilter
from claims_pipeline.store.rows.pages import page_of_rejected_rows, page_of_results
from claims_pipeline.store.uploads import Upload
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.http.attachments import CSV, TEXT, XLSX, attachment
from claims_pipeline.upload_api.http.parameters import PageNumber
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.cookies import shown_cookie
from claims_pipeline.upload_api.pages.session.sessions import sessions_of
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.upload.answers import shown_rows
from claims_pipeline.upload_api.pages.upload.cached_totals import totals_of
from claims_pipeline.upload_api.pages.upload.choices import chips_of, choices_of, filters_on
from claims_pipeline.upload_api.pages.upload.result_view import (
    ORDERS,
    PAGE_SIZE,
    Paging,
    ResultView,
    view_of_address,
    view_of_form,
    with_search,
)
from claims_pipeline.upload_api.pages.upload.upload_page import head_of
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.downloads import (
    MOST_COPIED_ROWS,
    copied_rows,
    filtered_csv,
    filtered_lines_csv,
    lines_csv,
    rejected_rows_file,
    results_csv,
    results_xlsx,
)

router = APIRouter(prefix="/uploads/{upload_id}")

# The fields of a page's check boxes: what is checked is there.
_PICKED = re.compile(r"row-([0-9]{1,9})")


@router.get("/results")
def show_results(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """A page of answered rows, by the filters of the address and the session's search."""
    return _results(request, services, caller, upload_id, _view(request, upload_id))


def _view(request: Request, upload_id: str) -> ResultView:
    view = view_of_address(request.query_params)
    session = sessions_of(request).stored(shown_cookie(request)) if view.query.searched else None
    return with_search(view, session.searches.get(upload_id, "") if session else "")


def _wanted(request: Request, upload_id: str) -> ResultFilter:
    return _view(request, upload_id).filter


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
    """The same by a form, in which a name or number may be searched for.

    Leads to an address, so that going back never sends a form again. The words stay in the session.
    """
    upload = await run_in_threadpool(upload_for, services, caller, upload_id)
    if view.search:
        await run_in_threadpool(_remember, request, upload.id, view.search)
    query = view.address(page=view.query.page)
    return RedirectResponse(
        f"/uploads/{upload.id}/results{'?' if query else ''}{query}", status_code=303
    )


def _remember(request: Request, upload_id: str, words: str) -> None:
    sessions = sessions_of(request)
    session = sessions.stored(shown_cookie(request))
    if session is not None:
        sessions.remember_search(session, upload_id, words)


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
        **head_of(services, upload, caller),
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


@router.get("/lines.csv")
def download_lines(upload_id: str, services: PageServices, caller: SignedIn) -> Response:
    """The service lines of the claims."""
    return _file(services, caller, upload_id, lines_csv, media_type=CSV, ending=".lines.csv")


@router.get("/shown.csv")
def download_shown(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """The rows that the filters of the address leave, as a CSV."""
    wanted = _wanted(request, upload_id)
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: filtered_csv(services, upload, wanted),
        media_type=CSV,
        ending=".filtered.csv",
    )


@router.get("/shown-lines.csv")
def download_shown_lines(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """The service lines of the claims of these rows."""
    wanted = _wanted(request, upload_id)
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: filtered_lines_csv(services, upload, wanted),
        media_type=CSV,
        ending=".filtered.lines.csv",
    )


@router.get("/shown.txt")
def copy_shown(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """The first of these rows as text for the clipboard."""
    wanted = _wanted(request, upload_id)
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: copied_rows(services, upload, wanted),
        media_type=TEXT,
        ending=".txt",
    )


async def _picked(request: Request, _caller: SignedIn) -> ResultFilter:
    names = (await posted_fields(request)).keys()
    numbers = (found[1] for name in names if (found := _PICKED.fullmatch(name)))
    return ResultFilter(row_numbers=frozenset(map(int, numbers)))


@router.post("/picked.csv")
def download_picked(
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    wanted: Annotated[ResultFilter, Depends(_picked)],
) -> Response:
    """The rows that were picked from a page, as a CSV."""
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: filtered_csv(services, upload, wanted),
        media_type=CSV,
        ending=".picked.csv",
    )


@router.post("/picked-lines.csv")
def download_picked_lines(
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    wanted: Annotated[ResultFilter, Depends(_picked)],
) -> Response:
    """The service lines of the claims of these rows."""
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: filtered_lines_csv(services, upload, wanted),
        media_type=CSV,
        ending=".picked.lines.csv",
    )


@router.post("/picked.txt")
def copy_picked(
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    wanted: Annotated[ResultFilter, Depends(_picked)],
) -> Response:
    """These rows as text for the clipboard."""
    return _file(
        services,
        caller,
        upload_id,
        lambda services, upload: copied_rows(services, upload, wanted),
        media_type=TEXT,
        ending=".txt",
    )


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
    worklist = totals_of(services, upload).worklist
    return render(
        request,
        "upload_results.html",
        **head_of(services, upload, caller),
        view=view,
        rows=shown_rows(
            found.rows, upload.header or (), view.filter, today=datetime.now(UTC).date()
        ),
        claims=found.claims,
        can_be_copied=found.total <= MOST_COPIED_ROWS,
        paging=Paging.of(page, found.total, shown=len(found.rows)),
        choices=choices_of(worklist),
        chips=chips_of(view, worklist),
        on=filters_on(view),
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
