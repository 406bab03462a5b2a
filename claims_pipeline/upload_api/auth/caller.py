"""The dependency by which every protected operation knows its caller."""

from typing import Annotated

from fastapi import Depends, Request

from claims_pipeline.upload_api.principal import Principal
from claims_pipeline.upload_api.services import AppServices


async def authenticated(request: Request, services: AppServices) -> Principal:
    """The caller of this request, known before a byte of its body is read.

    Raises:
        ApiError: 401 without a good token, 403 without an organization, 503 when the realm's keys
            cannot be had.

    """
    raise NotImplementedError


Caller = Annotated[Principal, Depends(authenticated)]
