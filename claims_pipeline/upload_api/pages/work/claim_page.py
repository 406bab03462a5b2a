"""One followed claim: how it stands, what was noted, and which claim it is where that is open."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from claims_pipeline.errors import InputError
from claims_pipeline.store.tracked.changes import changes_of_claim
from claims_pipeline.store.tracked.decisions import Decision
from claims_pipeline.upload_api.following.work import change_claims, decide_claims, one_claim
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.work.words import status_word, work_row
from claims_pipeline.upload_api.pages.work.work_page import wanted_change
from claims_pipeline.upload_api.services import Services

router = APIRouter(prefix="/work/{claim_id}")

_NONE = "none"


@router.get("")
def show_claim(
    request: Request, claim_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """The claim with its notes, its history and its candidates."""
    return _page(request, services, caller, claim_id)


async def _fields(request: Request, _caller: SignedIn) -> dict[str, str]:
    return await posted_fields(request)


@router.post("/change")
async def change_claim(
    request: Request,
    claim_id: str,
    services: PageServices,
    caller: SignedIn,
    fields: Annotated[dict[str, str], Depends(_fields)],
) -> Response:
    """Change the claim, or decide which it is, and show it as it is then."""
    return await run_in_threadpool(_change, request, services, caller, claim_id, fields)


def _change(
    request: Request,
    services: Services,
    caller: Principal,
    claim_id: str,
    fields: Mapping[str, str],
) -> Response:
    there = f"/work/{claim_id}"
    try:
        match fields.get("do"):
            case "decide":
                decide_claims(services, caller, [_decision(claim_id, fields)])
            case "undo":
                decide_claims(services, caller, [], [claim_id])
            case _:
                change_claims(services, caller, wanted_change([claim_id], fields, caller))
    except (InputError, ValidationError) as refusal:
        message = (
            refusal.message
            if isinstance(refusal, InputError)
            else "Write the day as the field shows it, and a note of at most 2,000 characters."
        )
        return _page(request, services, caller, claim_id, refused=message)
    return RedirectResponse(there, status_code=303)


def _decision(claim_id: str, fields: Mapping[str, str]) -> Decision:
    chosen = fields.get("candidate", "")
    if not chosen:
        raise InputError("nothing_chosen", "Choose a claim, or none of them.")
    return Decision(tracked_id=claim_id, key=None if chosen == _NONE else chosen)


def _page(
    request: Request,
    services: Services,
    caller: Principal,
    claim_id: str,
    *,
    refused: str | None = None,
) -> Response:
    claim, notes, candidates, is_decided = one_claim(services, caller, claim_id)
    today = services.settings.payer_today()
    history = changes_of_claim(services.engine, caller.organization_id, claim.id)
    return render(
        request,
        "work_claim.html",
        status=200 if refused is None else 422,
        row=work_row(claim, today=today),
        notes=notes,
        candidates=[(candidate, status_word(candidate.match.status)) for candidate in candidates],
        is_decided=is_decided,
        history=[
            (change, status_word(change.previous_status), status_word(change.status))
            for change in history
        ],
        refused=refused,
    )
