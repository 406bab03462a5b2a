"""Followed claims: what there is to work, who does it, what was decided, what was denied."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from claims_pipeline.store.tracked.decisions import Decision
from claims_pipeline.store.tracked.denial_groups import denial_groups
from claims_pipeline.store.tracked.work import WorkPage
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.uploads import require_upload_role
from claims_pipeline.upload_api.following.work import (
    WorkChangeJson,
    WorkPageQuery,
    WorkQuery,
    WorkSearch,
    change_claims,
    decide_claims,
    one_claim,
    work_csv,
    work_page,
)
from claims_pipeline.upload_api.http.attachments import CSV, attachment
from claims_pipeline.upload_api.http.paging import links
from claims_pipeline.upload_api.http.parameters import Optional
from claims_pipeline.upload_api.receiving.json_body import documented_body, json_body
from claims_pipeline.upload_api.schemas.following import (
    ChangedWorkJson,
    DenialGroupJson,
    DenialGroupListJson,
    OneClaimJson,
    TrackedClaimJson,
    WorkListJson,
)
from claims_pipeline.upload_api.services import Services

router = APIRouter()

_AN_ID = "00000000-0000-4000-8000-000000000001"
_Id = Annotated[str, Field(max_length=36)]


class OneDecision(BaseModel):
    """About one claim: the candidate that it is, or null for none of them."""

    id: _Id
    candidate: Annotated[str, Field(max_length=64)] | None


class DecisionsJson(BaseModel):
    """Decisions to keep, and claims whose decision is taken back; all of it or none."""

    decisions: list[OneDecision] = Field(default=[], max_length=200)
    undo: list[_Id] = Field(default=[], max_length=200)


@router.get("/work", summary="List claims to work")
def list_work(
    request: Request,
    services: CallerServices,
    caller: Caller,
    query: Annotated[WorkPageQuery, Query()],
) -> WorkListJson:
    """Followed claims that need a person, by what can still be won or by the days that are left.

    Names and numbers are searched for by `POST …/work/search/`, which keeps them out of addresses.
    """
    page = work_page(services, caller, query)
    return _list_json(request, services, query, page)


@router.post(
    "/work/search",
    summary="Search claims to work",
    openapi_extra=documented_body(WorkSearch, example={"search": "example FH0000"}),
)
def search_work(
    request: Request,
    services: CallerServices,
    caller: Caller,
    query: Annotated[WorkSearch, Depends(json_body(WorkSearch))],
) -> WorkListJson:
    """As the list, with the filters and words of names or numbers in the body."""
    page = work_page(services, caller, query, search=query.search)
    return _list_json(request, services, query, page)


@router.get(
    "/work/export",
    summary="Download claims to work",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
def export_work(
    services: CallerServices, caller: Caller, query: Annotated[WorkQuery, Query()]
) -> StreamingResponse:
    """All claims of the filter as one CSV, with their notes."""
    return attachment(
        work_csv(services, caller, query), media_type=CSV, file_name="work", ending=".csv"
    )


@router.get("/work/claim", summary="Show a followed claim")
def get_followed_claim(
    services: CallerServices, caller: Caller, claim_id: Annotated[_Id, Query(alias="id")]
) -> OneClaimJson:
    """One followed claim with its notes; of one in doubt also the claims to choose from."""
    claim, notes, candidates, is_decided = one_claim(services, caller, claim_id)
    return OneClaimJson.build(
        claim,
        today=services.settings.payer_today(),
        notes=notes,
        candidates=candidates,
        is_decided=is_decided,
    )


@router.patch(
    "/work",
    summary="Change claims to work",
    openapi_extra=documented_body(
        WorkChangeJson, example={"ids": [_AN_ID], "owner": "me", "follow_up_on": "2026-03-20"}
    ),
)
def patch_work(
    services: CallerServices,
    caller: Caller,
    wanted: Annotated[WorkChangeJson, Depends(json_body(WorkChangeJson))],
) -> ChangedWorkJson:
    """Give many claims an owner, a day to be at them again, a note, or mark them as done."""
    return ChangedWorkJson(changed=change_claims(services, caller, wanted))


@router.post(
    "/work/decisions",
    summary="Decide which claim it is",
    openapi_extra=documented_body(
        DecisionsJson, example={"decisions": [{"id": _AN_ID, "candidate": None}], "undo": []}
    ),
)
def decide_work(
    services: CallerServices,
    caller: Caller,
    wanted: Annotated[DecisionsJson, Depends(json_body(DecisionsJson))],
) -> ChangedWorkJson:
    """Choose one of the claims of a row in doubt, or none; held to at every further check."""
    decisions = [Decision(tracked_id=each.id, key=each.candidate) for each in wanted.decisions]
    return ChangedWorkJson(changed=decide_claims(services, caller, decisions, wanted.undo))


@router.get("/denials", summary="List groups of denials")
def list_denials(
    services: CallerServices,
    caller: Caller,
    payer: Annotated[
        Optional[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]], Query()
    ] = None,
) -> DenialGroupListJson:
    """Followed claims by payer, denial code and remark over all uploads, most dollars first.

    The claims of a group are those of `GET …/work/export/` with its `payer`, its `carc` as `code`
    and its `rarc` as `remark`: one file for one bulk request.
    """
    require_upload_role(services, caller)
    record(services, caller, Action.VIEW)
    groups = denial_groups(services.engine, caller.organization_id, payer=payer)
    return DenialGroupListJson(
        count=len(groups),
        results=[
            DenialGroupJson(
                payer=group.payer,
                carc=group.carc,
                rarc=group.rarc,
                claims=group.claims,
                dollars=group.dollars,
            )
            for group in groups
        ],
    )


def _list_json(
    request: Request, services: Services, query: WorkPageQuery, page: WorkPage
) -> WorkListJson:
    today = services.settings.payer_today()
    around = links(request, page=query.page, page_size=query.page_size, count=page.total)
    return WorkListJson(
        count=page.total,
        dollars=page.dollars,
        next=around.next,
        previous=around.previous,
        results=[TrackedClaimJson.of(claim, today=today) for claim in page.claims],
    )
