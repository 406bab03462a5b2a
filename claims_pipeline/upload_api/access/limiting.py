"""Turns down what goes beyond the limits: 429 with Retry-After. Polling is never turned down."""

import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from claims_pipeline.store.database import reading
from claims_pipeline.store.quotas import QUOTA_WINDOW, UsedQuota, lock_quota, used_quota
from claims_pipeline.upload_api.access.caller import Caller
from claims_pipeline.upload_api.http.middleware import route_template
from claims_pipeline.upload_api.http.paths import JOBS, JOBS_ALIAS
from claims_pipeline.upload_api.http.problems import too_much
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.services import AppServices, Services

_POLLED = frozenset(
    f"{family}{route}"
    for family in (JOBS, JOBS_ALIAS)
    for route in ("", "/{upload_id}", "/{upload_id}/progress", "/{upload_id}/events")
)


async def within_request_limit(request: Request, services: AppServices, caller: Caller) -> None:
    """A dependency of every protected operation: counts the HTTP request for its user.

    Raises:
        ApiError: 429 `too_many_requests`.

    """
    if request.method in {"GET", "HEAD"} and route_template(request.scope) in _POLLED:
        return
    await require_request_limit(services, caller)


async def require_request_limit(services: Services, caller: Principal) -> None:
    """Count an HTTP request for its user.

    Raises:
        ApiError: 429 `too_many_requests`.

    """
    wait_s = await run_in_threadpool(services.limits.seconds_until_allowed, caller.user_id)
    if wait_s:
        raise too_much("too_many_requests", "Too many requests in one minute.", wait_s)


def seat_of(caller: Callable[..., Any]) -> Callable[..., AsyncIterator[None]]:
    """A dependency of streams: a seat, given back once the stream has ended.

    `caller` is the dependency that finds whose seat it is. Raises 429 `too_many_streams`.
    """

    async def seat(
        services: AppServices, principal: Annotated[Principal, Depends(caller)]
    ) -> AsyncIterator[None]:
        with services.streams.taken(principal.user_id):
            yield

    return seat


async def body_slot(services: Services, caller: Principal) -> AsyncIterator[None]:
    """Hold a turn to read a file and to work on it.

    Raises:
        ApiError: 429 `too_many_uploads`.

    """
    async with services.limits.body_slot(caller.user_id, caller.organization_id) as is_free:
        if not is_free:
            raise too_much("too_many_uploads", "Too many files are being received.", 5)
        yield


def require_quota(services: Services, caller: Principal) -> None:
    """Let nobody send a file whose organization's share of 24 hours is used up.

    Raises:
        ApiError: 429 `uploads_per_day_exceeded` or `rows_per_day_exceeded`.

    """
    with reading(services.engine) as connection:
        _require_left(connection, services, caller, uploads=1, rows=0)


def take_quota(
    connection: Connection, services: Services, caller: Principal, *, uploads: int, rows: int
) -> None:
    """The same in the transaction that writes, in which nobody else of the organization counts.

    Call it before what is counted is written. What was deleted, and rows that were asked again,
    count like what is there.
    """
    lock_quota(connection, caller.organization_id)
    _require_left(connection, services, caller, uploads=uploads, rows=rows)


def _require_left(
    connection: Connection, services: Services, caller: Principal, *, uploads: int, rows: int
) -> None:
    now = datetime.now(UTC)
    settings = services.settings
    used = used_quota(connection, caller.organization_id, since=now - QUOTA_WINDOW)
    if uploads and used.uploads + uploads > settings.api_uploads_per_day:
        raise too_much(
            "uploads_per_day_exceeded",
            f"Your organization may upload {settings.api_uploads_per_day} files in 24 hours.",
            _wait_s(used, now),
        )
    if used.rows + rows > settings.api_rows_per_day:
        raise too_much(
            "rows_per_day_exceeded",
            f"Your organization may upload {settings.api_rows_per_day} rows in 24 hours.",
            _wait_s(used, now),
        )


def _wait_s(used: UsedQuota, now: datetime) -> int:
    """Until the oldest upload counts no more; a day when the file alone is too large."""
    return max(1, math.ceil(((used.oldest_at or now) + QUOTA_WINDOW - now).total_seconds()))
