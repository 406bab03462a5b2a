"""The payers that files may name and the organization's practices, to look at."""

from fastapi import APIRouter, Request, Response

from claims_pipeline.preflight.payer_table import is_connected
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn

router = APIRouter()


@router.get("/payers")
def show_payers(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """Which payers can be asked, under which names and ids, and for which practices."""
    payers = services.payers_of(caller.organization_id).payers
    return render(
        request,
        "payers.html",
        payers=[(payer, is_connected(payer)) for payer in payers],
        practices=list_practices(services.engine, caller.organization_id),
    )
