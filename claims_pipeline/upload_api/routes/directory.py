"""The organization's payers and practices, for whoever builds a form or a file."""

from fastapi import APIRouter
from pydantic import BaseModel

from claims_pipeline.preflight.payer_table import is_connected
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.upload_api.access.caller import Caller, CallerServices

payers_router = APIRouter()
practices_router = APIRouter()


class PayerJson(BaseModel):
    """A payer that rows may name: `id` is the short name that `provider` takes.

    `connected` tells whether it can be asked; rows of others are rejected.
    """

    id: str
    payer_id: str
    name: str
    aliases: list[str]
    channel: str
    timezone: str | None
    active: bool
    connected: bool


class PayerListJson(BaseModel):
    """All payers of the organization, by short name."""

    count: int
    results: list[PayerJson]


class PracticeJson(BaseModel):
    """A practice of the organization; `payer_id` is its usual payer id, where it has one."""

    id: str
    name: str
    tin: str
    npi: str | None
    payer_id: str | None
    is_default: bool


class PracticeListJson(BaseModel):
    """All practices of the organization, by id."""

    count: int
    results: list[PracticeJson]


@payers_router.get("/payers", summary="List the payers")
def list_payers(services: CallerServices, caller: Caller) -> PayerListJson:
    """The payers that files of the organization may name, and which of them can be asked."""
    payers = services.payers_of(caller.organization_id).payers
    results = [
        PayerJson(
            id=payer.payer,
            payer_id=payer.payer_id,
            name=payer.name,
            aliases=list(payer.aliases),
            channel=payer.channel,
            timezone=payer.timezone,
            active=payer.active,
            connected=is_connected(payer),
        )
        for payer in payers
    ]
    return PayerListJson(count=len(results), results=results)


@practices_router.get("/practices", summary="List the practices")
def list_all_practices(services: CallerServices, caller: Caller) -> PracticeListJson:
    """The practices that the organization works for."""
    results = [
        PracticeJson(
            id=practice.practice_id,
            name=practice.name,
            tin=practice.tin,
            npi=practice.npi,
            payer_id=practice.payer_id,
            is_default=practice.is_default,
        )
        for practice in list_practices(services.engine, caller.organization_id)
    ]
    return PracticeListJson(count=len(results), results=results)
