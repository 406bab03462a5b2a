"""Handing in a file at the page: the form, its check before anything is asked, the upload.

The file goes the API's way, straight into the file store. A script asks for the same addresses and
keeps the file in the browser in between; without one, the file is chosen again after a check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

from claims_pipeline.errors import ClaimsError, FileRefusedError, InputError
from claims_pipeline.intake import DECISION_ERRORS, rejected_rows_csv
from claims_pipeline.intake.headers.meanings import MAPPABLE_COLUMNS
from claims_pipeline.model import DEFAULT_PAYER, DetailLevel
from claims_pipeline.payers import registry
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.upload_api.http.attachments import CSV, content_disposition
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.new.findings import shown_columns, shown_errors
from claims_pipeline.upload_api.pages.page_script import is_by_script
from claims_pipeline.upload_api.pages.rendering import fragment, render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.receiving.idempotency import HEADER
from claims_pipeline.upload_api.receiving.uploading import take_upload
from claims_pipeline.upload_api.receiving.verifying import VerifiedForm, verify_file
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.templates import Shape

router = APIRouter()

_DEFAULTS = {
    "provider": DEFAULT_PAYER,
    "use_batch_query": "true",
    "detail_level": str(DetailLevel.REASONS),
    "start_date": "",
    "end_date": "",
}
# These have pages of their own: the form is not what is wrong.
_NOT_OF_THE_FORM = frozenset({401, 403})


@dataclass(frozen=True, slots=True, kw_only=True)
class _FormPage:
    """What the form shows beside itself."""

    status: int = 200
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    verified: VerifiedForm | None = None
    error: ClaimsError | None = None


@router.get("/uploads/new")
def show_form(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """The form for a new upload."""
    return _form_page(request, services, caller, _FormPage())


@router.post("/uploads/verify")
async def verify(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """What the form's file holds and what asking it would cost. Asks no payer, keeps nothing.

    A script gets `{accepted, html}`, the findings as a part of the page.
    """
    try:
        verified = await verify_file(request, services, caller)
    except ClaimsError as error:
        return await _refused(request, services, caller, error)
    if is_by_script(request):
        return await run_in_threadpool(_findings_json, verified)
    page = _FormPage(fields=_read_fields(request), verified=verified)
    return await run_in_threadpool(_form_page, request, services, caller, page)


@router.post("/uploads/verify/rejected")
async def download_rejected(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """All rows of the form's file that cannot be asked, each with why. Keeps nothing."""
    try:
        verified = await verify_file(request, services, caller, most_rejected=None)
    except ClaimsError as error:
        return await _refused(request, services, caller, error)
    found = verified.found
    if not found.rejected:
        page = _FormPage(fields=_read_fields(request), verified=verified)
        return await run_in_threadpool(_form_page, request, services, caller, page)
    return StreamingResponse(
        rejected_rows_csv(found.header, found.rejected),
        media_type=CSV,
        headers={"Content-Disposition": content_disposition("rejected-rows", ".csv")},
    )


@router.get("/uploads/verify")
def come_back_to_form() -> Response:
    """Who types the address of a check, or comes back to it, sees the form."""
    return RedirectResponse("/uploads/new", status_code=303)


@router.post("/uploads")
async def upload(
    request: Request,
    services: PageServices,
    caller: SignedIn,
    submission: UUID | None = None,
    key: Annotated[str | None, Header(alias=HEADER)] = None,
) -> Response:
    """Take the form's file and begin to ask; on to the upload's own page.

    `submission` is what a form without a script has for an idempotency key.
    """
    own_key = key or (str(submission) if submission else None)
    try:
        taken = await take_upload(request, services, caller, key=own_key)
    except ClaimsError as error:
        return await _refused(request, services, caller, error)
    place = f"/uploads/{taken.upload.id}"
    if is_by_script(request):
        return JSONResponse({"location": place}, status_code=201)
    return RedirectResponse(place, status_code=303)


async def _refused(
    request: Request, services: Services, caller: Principal, error: ClaimsError
) -> Response:
    """The form with what is wrong; to a script, and where it is not the form, the error itself."""
    if is_by_script(request):
        raise error
    if isinstance(error, ApiError) and error.status not in _NOT_OF_THE_FORM:
        status = error.status
    elif isinstance(error, InputError | FileRefusedError):
        status = 422
    else:
        raise error
    page = _FormPage(status=status, fields=_read_fields(request), error=error)
    return await run_in_threadpool(_form_page, request, services, caller, page)


def _read_fields(request: Request) -> Mapping[str, str]:
    """The form's fields as far as they came; without a script a browser sends the file first."""
    fields: Mapping[str, str] = getattr(request.state, "form_fields", {})
    return fields


def _form_page(
    request: Request, services: Services, caller: Principal, page: _FormPage
) -> Response:
    settings = services.settings
    today = settings.payer_today()
    practices = list_practices(services.engine, caller.organization_id)
    table = services.payers_of(caller.organization_id)
    names = {payer.payer: payer.name for payer in table.payers}
    return render(
        request,
        "new_upload.html",
        status=page.status,
        fields={**_DEFAULTS, **page.fields},
        error=page.error,
        **_findings(page.verified),
        submission=str(uuid4()),
        payers=[
            (provider, names.get(provider) or registry.payer_label(provider))
            for provider in table.providers
        ],
        oldest_day=registry.capabilities_of(DEFAULT_PAYER).oldest_day(today),
        today=today,
        max_bytes=settings.max_file_bytes,
        max_rows=settings.max_rows,
        practices=practices,
        shapes=tuple(Shape),
    )


def _findings(verified: VerifiedForm | None) -> dict[str, object]:
    return {
        "found": verified and verified.found,
        "earlier": verified and verified.earlier,
        "file_name": verified and verified.file_name,
        "errors": verified and shown_errors(verified.found),
        "columns": verified and shown_columns(verified.found, verified.column_map),
        "mappable": MAPPABLE_COLUMNS,
        "can_be_decided": bool(
            verified
            and verified.found.file_error
            and verified.found.file_error.code in DECISION_ERRORS
        ),
    }


def _findings_json(verified: VerifiedForm) -> Response:
    html = fragment("findings.html", by_script=True, **_findings(verified))
    return JSONResponse({"accepted": verified.found.accepted, "html": html})
