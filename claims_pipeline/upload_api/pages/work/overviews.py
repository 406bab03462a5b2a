"""What has changed lately, and what was denied for one reason over all uploads."""

from fastapi import APIRouter, Request, Response

from claims_pipeline.store.tracked.changes import latest_changes
from claims_pipeline.store.tracked.denial_groups import denial_groups
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.pages.rendering import render
from claims_pipeline.upload_api.pages.session.signed_in import PageServices, SignedIn
from claims_pipeline.upload_api.pages.work.words import status_tone, status_word, work_row

router = APIRouter()

_MOST_CHANGES = 200
_MOST_GROUPS = 200


@router.get("/work/changes")
def show_changes(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """The latest changes of followed claims, newest first."""
    record(services, caller, Action.VIEW)
    today = services.settings.payer_today()
    changes = latest_changes(services.engine, caller.organization_id, limit=_MOST_CHANGES)
    return render(
        request,
        "work_changes.html",
        changes=[
            (
                change,
                work_row(change.claim, today=today),
                status_word(change.previous_status),
                status_word(change.status),
                status_tone(change.status),
            )
            for change in changes
        ],
        most=_MOST_CHANGES,
    )


@router.get("/work/denials")
def show_denials(request: Request, services: PageServices, caller: SignedIn) -> Response:
    """Denied claims by payer, reason and remark, with a file for each group."""
    record(services, caller, Action.VIEW)
    groups = denial_groups(services.engine, caller.organization_id)
    return render(
        request,
        "work_denials.html",
        groups=groups[:_MOST_GROUPS],
        total=len(groups),
    )
