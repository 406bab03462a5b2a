"""Reading the audit log."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from claims_pipeline.store import audit
from claims_pipeline.store.audit import AuditFilter
from claims_pipeline.upload_api.access.auditing import Action
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.refusals import refused_look
from claims_pipeline.upload_api.http.paging import links
from claims_pipeline.upload_api.http.parameters import (
    Instant,
    Optional,
    PageNumber,
    PageSize,
    printable,
)
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import Services

router = APIRouter()


class AuditQuery(BaseModel):
    """Which entries, and which page of them. `actor` is a user's id."""

    model_config = ConfigDict(hide_input_in_errors=True)

    page: PageNumber = 1
    page_size: PageSize = 50
    actor: Optional[Annotated[str, Field(max_length=128), AfterValidator(printable)]] = None
    action: Optional[Action] = None
    upload_id: Optional[UUID] = None
    outcome: Optional[Literal["ok", "refused"]] = None
    created_after: Optional[Instant] = None
    created_before: Optional[Instant] = None


class AuditEntryJson(BaseModel):
    """Who did what and when (UTC); `code` tells why something was refused."""

    id: int
    at: datetime
    actor: str
    action: str
    upload_id: str | None
    outcome: str
    code: str | None


class AuditListJson(BaseModel):
    """One page of entries, newest first; `count` is how many there are on all pages."""

    count: int
    next: str | None
    previous: str | None
    results: list[AuditEntryJson]


@router.get("/audit", summary="Read the audit log")
def list_audit_entries(
    request: Request,
    services: CallerServices,
    caller: Caller,
    query: Annotated[AuditQuery, Query()],
) -> AuditListJson:
    """The organization's entries, newest first. For auditors."""
    _require_auditor(services, caller)
    wanted = AuditFilter(
        actor=query.actor,
        action=query.action,
        upload_id=None if query.upload_id is None else str(query.upload_id),
        outcome=query.outcome,
        after=query.created_after,
        before=query.created_before,
    )
    organization_id = caller.organization_id
    count = audit.count_entries(services.engine, organization_id=organization_id, wanted=wanted)
    entries = audit.list_entries(
        services.engine,
        organization_id=organization_id,
        wanted=wanted,
        page=query.page,
        page_size=query.page_size,
    )
    around = links(request, page=query.page, page_size=query.page_size, count=count)
    return AuditListJson(
        count=count,
        next=around.next,
        previous=around.previous,
        results=[AuditEntryJson.model_validate(asdict(entry)) for entry in entries],
    )


def _require_auditor(services: Services, caller: Principal) -> None:
    if not caller.may_read_audit:
        refusal = ApiError(
            403, "role_required", "Reading the audit log needs the role of an auditor."
        )
        raise refused_look(services, caller, refusal)
