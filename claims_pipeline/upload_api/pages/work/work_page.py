"""The page "Work": claims that need a person, many of them changed at once."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from claims_pipeline.errors import InputError
from claims_pipeline.follow_up.standings import work_actions
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.upload_api.following.work import (
    ME,
    WorkChangeJson,
    change_claims,
    person_of,
    work_csv,
    work_page,
)
from claims_pipeline.upload_api.http.attachments import CSV, attachment
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.work.words import work_row
from claims_pipeline.upload_api.pages.work.work_view import PAGE_SIZE, WorkView, view_of
from claims_pipeline.upload_api.services import Services

router = APIRouter()

CHOSEN = "claim:"
_SENTENCES = tuple(
    sorted(((code, NEXT_ACTIONS[code]) for code in work_actions()), key=lambda pair: pair[1])
)


@router.get("/work")
def show_work(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """Claims to work; filtered and sorted by the address."""
    return _page(request, services, caller, view_of(request.query_params))


async def _fields(request: Request, _caller: SignedIn) -> dict[str, str]:
    return await posted_fields(request)


PostedFields = Annotated[dict[str, str], Depends(_fields)]


@router.post("/work/search")
async def search_work(
    request: Request, services: PageServices, caller: SignedIn, fields: PostedFields
) -> Response:
    """The same by a form, in which names and numbers may be searched for."""
    view = view_of(fields)
    if view.search:
        return await run_in_threadpool(_page, request, services, caller, view)
    return RedirectResponse(_there(view), status_code=303)


@router.get("/work/search")
def come_back_to_work() -> Response:
    """Who types the address of a search, or comes back to it, sees the list."""
    return RedirectResponse("/work", status_code=303)


@router.get("/work/work.csv")
def download_work(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """All claims of the view."""
    view = view_of(request.query_params)
    return attachment(
        work_csv(services, caller, view.query), media_type=CSV, file_name="work", ending=".csv"
    )


@router.post("/work/change")
async def change_work(
    request: Request, services: PageServices, caller: SignedIn, fields: PostedFields
) -> Response:
    """Change the chosen claims, and go back to the list as it was."""
    return await run_in_threadpool(_change, request, services, caller, fields)


def _change(
    request: Request, services: Services, caller: Principal, fields: Mapping[str, str]
) -> Response:
    view = view_of(fields)
    try:
        change_claims(services, caller, wanted_change(_chosen(fields), fields, caller))
    except (InputError, ValidationError) as refusal:
        message = (
            refusal.message
            if isinstance(refusal, InputError)
            else "Write the day as the field shows it, and a note of at most 2,000 characters."
        )
        return _page(request, services, caller, view, refused=message)
    if view.search:
        return _page(request, services, caller, view)
    return RedirectResponse(_there(view), status_code=303)


def wanted_change(ids: list[str], fields: Mapping[str, str], caller: Principal) -> WorkChangeJson:
    """What the buttons and fields of a form ask to be changed.

    A note and a day that were filled in go with every button. `save` takes the fields as they
    stand, empty ones too.

    Raises:
        pydantic.ValidationError: a field is wrong.

    """
    values: dict[str, object] = {"ids": ids}
    owner, day = fields.get("to_owner", "").strip(), fields.get("to_follow_up_on", "")
    if day:
        values["follow_up_on"] = day
    if note := fields.get("note", "").strip():
        values["note"] = note
    match fields.get("do"):
        case "mine":
            values["owner"] = ME
        case "nobody":
            values["owner"] = None
        case "done":
            values["done"] = True
        case "open":
            values["done"] = False
        case "save":
            values |= {"owner": owner or None, "follow_up_on": day or None}
        case _:
            if owner:
                values["owner"] = person_of(caller) if owner == ME else owner
    return WorkChangeJson.model_validate(values)


def _chosen(fields: Mapping[str, str]) -> list[str]:
    ids = [name.removeprefix(CHOSEN) for name in fields if name.startswith(CHOSEN)]
    if not ids:
        raise InputError("nothing_chosen", "Choose at least one claim, then what to do.")
    return ids


def _there(view: WorkView) -> str:
    query = view.address()
    return f"/work?{query}" if query else "/work"


def _page(
    request: Request,
    services: Services,
    caller: Principal,
    view: WorkView,
    *,
    refused: str | None = None,
) -> Response:
    found = work_page(services, caller, view.query, search=view.search or None)
    today: date = services.settings.payer_today()
    page = view.query.page
    first = (page - 1) * PAGE_SIZE + 1
    return render(
        request,
        "work.html",
        status=200 if refused is None else 422,
        view=view,
        rows=[work_row(claim, today=today) for claim in found.claims],
        total=found.total,
        dollars=found.dollars,
        first=first,
        last=first + len(found.claims) - 1,
        previous=view.address(page=page - 1) if page > 1 else None,
        following=view.address(page=page + 1) if page * PAGE_SIZE < found.total else None,
        actions=_SENTENCES,
        payers=services.payers_of(caller.organization_id).payers,
        practices=list_practices(services.engine, caller.organization_id),
        me=person_of(caller),
        today=today,
        refused=refused,
    )
