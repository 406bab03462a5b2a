"""Changing an upload from its page: first what will happen, then doing it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from claims_pipeline.errors import InputError
from claims_pipeline.store.attempts import latest_attempt, rows_in_scope
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.addresses import DELETED
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.upload.confirmations import SCOPES, Change, confirmation
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.uploads.changing import cancel_upload, delete_upload, retry_upload

router = APIRouter(prefix="/uploads/{upload_id}/change")

_REFUSALS = {
    "already_ended": "It had ended already, so there was nothing to cancel.",
    "still_running": "It is running, so this is not possible now. Wait until it has ended, or "
    "cancel it first.",
    "nothing_to_retry": "There was no row to ask again. Perhaps somebody else has asked them just "
    "now.",
}


@router.get("/{change}")
def confirm_change(
    request: Request, upload_id: str, change: Change, services: PageServices, caller: SignedIn
) -> Response:
    """What the change will do, with a button that does it; the script shows it as a dialog."""
    return _confirmation_page(request, services, caller, upload_id, change)


@router.post("/{change}")
def make_change(
    request: Request, upload_id: str, change: Change, services: PageServices, caller: SignedIn
) -> Response:
    """Do it, and go back to the upload; after deleting, to the list."""
    try:
        _change(request, services, caller, upload_id, change)
    except InputError as refusal:
        if refusal.code not in _REFUSALS:
            raise
        return _confirmation_page(
            request, services, caller, upload_id, change, refused=_REFUSALS[refusal.code]
        )
    there = f"/uploads?{DELETED}" if change is Change.DELETE else f"/uploads/{upload_id}"
    return RedirectResponse(there, status_code=303)


def _change(
    request: Request, services: Services, caller: Principal, upload_id: str, change: Change
) -> None:
    if change is Change.CANCEL:
        cancel_upload(services, caller, upload_id)
    elif change is Change.DELETE:
        delete_upload(services, caller, upload_id)
    else:
        retry_upload(
            services,
            caller,
            upload_id,
            scope=SCOPES[change],
            correlation_id=getattr(request.state, "request_id", None),
        )


def _confirmation_page(
    request: Request,
    services: Services,
    caller: Principal,
    upload_id: str,
    change: Change,
    *,
    refused: str | None = None,
) -> Response:
    upload = upload_for(services, caller, upload_id)
    attempt = latest_attempt(services.engine, upload.id)
    asked = confirmation(
        upload,
        change,
        in_scope=rows_in_scope(services.engine, upload.id),
        rows_stored=attempt is not None and attempt.rows_stored,
    )
    return render(
        request,
        "upload_change.html",
        status=200 if refused is None else 409,
        upload=upload,
        asked=asked,
        refused=refused,
    )
