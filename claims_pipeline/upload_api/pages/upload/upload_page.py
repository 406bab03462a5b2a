"""The page of one upload: how it stands, live, what is to be done, and its attempts."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse

from claims_pipeline.folders.result_files import has_workbook
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.totals import outcomes_of_attempts, payer_environment_of
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline.upload_api.access.limiting import seat_of
from claims_pipeline.upload_api.access.uploads import upload_for
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.rendering import fragment, render
from claims_pipeline.upload_api.pages.session.signed_in import (
    PageServices,
    SessionWatch,
    SignedIn,
    signed_in,
)
from claims_pipeline.upload_api.pages.upload.breakdown import breakdown_of
from claims_pipeline.upload_api.pages.upload.cached_totals import totals_of
from claims_pipeline.upload_api.pages.upload.confirmations import offers
from claims_pipeline.upload_api.pages.upload.standing import Standing, standing_of
from claims_pipeline.upload_api.services import Services
from claims_pipeline.upload_api.streams import event_id, progress_events

router = APIRouter(prefix="/uploads/{upload_id}")

# Totals of larger uploads take the database a while; their page offers to look again.
_MOST_ROWS_KEPT_FRESH = 100_000


@router.get("")
def show_upload(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """The worklist, the breakdown and the reasons for denials, as far as answers are there."""
    upload = upload_for(services, caller, upload_id)
    totals = totals_of(services, upload)
    return render(
        request,
        "upload.html",
        **head_of(services, upload, caller),
        worklist=totals.worklist,
        reasons=totals.reasons,
        breakdown=breakdown_of(totals.worklist),
        as_of=datetime.now(UTC),
        is_kept_fresh=not upload.status.is_terminal
        and upload.counts.total <= _MOST_ROWS_KEPT_FRESH,
    )


@router.get("/attempts")
def show_attempts(
    request: Request, upload_id: str, services: PageServices, caller: SignedIn
) -> Response:
    """Every attempt with the runs that served it, latest first."""
    upload = upload_for(services, caller, upload_id)
    # Dagster's own pages are the operators'.
    ui_url = services.settings.dagster_ui_url if caller.sees_all_uploads else None
    return render(
        request,
        "upload_attempts.html",
        **head_of(services, upload, caller),
        attempts=[
            (attempt, attempts.attempt_runs_of(services.engine, attempt.id))
            for attempt in attempts.attempts_of(services.engine, upload.id)
        ],
        answered=outcomes_of_attempts(services.engine, upload.id),
        runs_url=f"{ui_url.rstrip('/')}/runs/" if ui_url else None,
    )


@router.get("/progress")
def show_progress(upload_id: str, services: PageServices, caller: SignedIn) -> Response:
    """How the upload stands, for the page's script where it gets no events."""
    upload = upload_for(services, caller, upload_id)
    return JSONResponse(_news(upload, caller))


@router.get("/events", dependencies=[Depends(seat_of(signed_in))])
async def follow_upload(
    upload_id: str,
    services: PageServices,
    caller: SignedIn,
    goes_on: SessionWatch,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """The same as events, one for each change, until the upload ends or the session's token."""
    upload = await run_in_threadpool(upload_for, services, caller, upload_id)
    if upload.status.is_terminal and event_id(upload) == last_event_id:
        # This tells browsers not to come back.
        return Response(status_code=204)
    read = partial(get_upload, services.engine, upload.id, organization_id=caller.organization_id)
    return EventSourceResponse(
        progress_events(
            read,
            seen=last_event_id,
            ends_at=caller.expires_at,
            goes_on=goes_on,
            told=lambda upload: json.dumps(_news(upload, caller)),
        )
    )


def head_of(services: Services, upload: Upload, caller: Principal) -> dict[str, Any]:
    """What the head of each of the upload's pages is made of."""
    return {
        "upload": upload,
        "here": f"/uploads/{upload.id}",
        "standing": _standing(upload, caller),
        "offers": offers(upload),
        "has_workbook": has_workbook(upload, services.settings),
        "environment": payer_environment_of(services.engine, upload.id),
    }


def _standing(upload: Upload, caller: Principal) -> Standing:
    return standing_of(upload, datetime.now(UTC), is_operator=caller.sees_all_uploads)


def _news(upload: Upload, caller: Principal) -> dict[str, Any]:
    """What changes by itself on the page, as markup made by the same template."""
    standing = _standing(upload, caller)
    return {
        "state": event_id(upload),
        "status": standing.status,
        "is_live": standing.is_live,
        "html": fragment("_standing.html", standing=standing, upload=upload),
    }
