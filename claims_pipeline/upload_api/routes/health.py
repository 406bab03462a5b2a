"""Whether the process lives and the service can work; needs no token and tells no secret."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from claims_pipeline.upload_api.health import PartState, ReadinessProbe

router = APIRouter(tags=["health"])


class LiveJson(BaseModel):
    """The process answers."""

    status: str = "live"


class ReadyJson(BaseModel):
    """`ready` or `not ready`, and how each part is."""

    status: str
    parts: dict[str, PartState]


@router.get("/healthz", summary="Is the process alive")
async def healthz() -> LiveJson:
    """Always 200 while the process answers; looks at nothing else."""
    return LiveJson()


@router.get(
    "/readyz",
    summary="Can the service work",
    responses={503: {"model": ReadyJson, "description": "A part is away."}},
)
def readyz(request: Request, response: Response) -> ReadyJson:
    """Whether database, file store, Dagster's webserver and its daemons are there; else 503.

    Daemons count as away when their last heartbeat is older than 90 seconds.
    """
    probe: ReadinessProbe = request.app.state.readiness
    found = probe.look()
    response.status_code = 200 if found.is_ready else 503
    return ReadyJson(status="ready" if found.is_ready else "not ready", parts=found.parts)
