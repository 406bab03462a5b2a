"""What changed about followed claims, for programs that read on from where they were."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from claims_pipeline.store.tracked.changes import changes_since
from claims_pipeline.upload_api.access.auditing import Action, record
from claims_pipeline.upload_api.access.caller import Caller, CallerServices
from claims_pipeline.upload_api.access.uploads import require_upload_role
from claims_pipeline.upload_api.http.parameters import Optional, PageSize
from claims_pipeline.upload_api.schemas.following import ChangeJson, ChangeListJson

router = APIRouter()

_LARGEST_CURSOR = 2**63 - 1


class ChangeQuery(BaseModel):
    """From where on, how many, and whether claims that are merely new are among them."""

    since: Annotated[int, Field(ge=0, le=_LARGEST_CURSOR)] = 0
    page_size: PageSize = 50
    with_new: bool = True
    payer: Optional[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = None


@router.get("/changes", summary="Read changes of followed claims")
def list_changes(
    services: CallerServices, caller: Caller, query: Annotated[ChangeQuery, Query()]
) -> ChangeListJson:
    """Changes above the number `since`, in the order in which they became true, each once.

    Keep the answer's `cursor`, and ask with it the next time: nothing is told twice, and nothing
    is missed, whatever happened in between.
    """
    require_upload_role(services, caller)
    record(services, caller, Action.VIEW)
    found = changes_since(
        services.engine,
        caller.organization_id,
        since=query.since,
        limit=query.page_size + 1,
        with_new=query.with_new,
        payer=query.payer,
    )
    shown = found[: query.page_size]
    today = services.settings.payer_today()
    return ChangeListJson(
        cursor=shown[-1].number if shown else query.since,
        has_more=len(found) > len(shown),
        results=[ChangeJson.of(change, today=today) for change in shown],
    )
