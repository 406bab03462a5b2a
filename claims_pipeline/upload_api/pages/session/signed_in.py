"""Who is there: the dependency of every page, and services that show that organization only."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from claims_pipeline.store.database import organization_scope
from claims_pipeline.upload_api.access.limiting import require_request_limit
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.page_script import is_by_script
from claims_pipeline.upload_api.pages.session.cookies import shown_cookie
from claims_pipeline.upload_api.pages.session.sessions import PageSessions, sessions_of
from claims_pipeline.upload_api.services import AppServices, Services

_LIVE_PARTS = frozenset({"rows", "progress", "events"})


async def signed_in(request: Request, services: AppServices) -> Principal:
    """The person of this request, known before a byte of its body is read.

    `request.state.principal` holds it for the log.

    Raises:
        ApiError: 401 `session_ended`, which people see as a way to sign in; 403
            `organization_missing`, `organization_unknown`, `organization_required` or
            `role_required`; 429; 503.

    """
    is_polled = request.method == "GET" and is_by_script(request) and _is_live_part(request)
    principal = await run_in_threadpool(
        _principal, sessions_of(request), shown_cookie(request), is_person=not is_polled
    )
    request.state.principal = principal
    if not principal.may_upload:
        raise ApiError(
            403, "role_required", "Working with uploads needs the role of an analyst or operator."
        )
    if not is_polled:
        await require_request_limit(services, principal)
    return principal


def _is_live_part(request: Request) -> bool:
    """Whether the address is one that an open page asks for over and over."""
    return request.url.path.rpartition("/")[2] in _LIVE_PARTS


def _principal(sessions: PageSessions, cookie_value: str | None, *, is_person: bool) -> Principal:
    session = sessions.of_cookie(cookie_value)
    principal = sessions.principal(session)
    # What a page asks by itself, over and over, is no sign that somebody sits there.
    if is_person:
        sessions.extend(session)
    return principal


SignedIn = Annotated[Principal, Depends(signed_in)]


async def page_services(services: AppServices, caller: SignedIn) -> Services:
    """The services, with a database that shows the caller's organization only."""
    return replace(services, engine=organization_scope(services.engine, caller.organization_id))


PageServices = Annotated[Services, Depends(page_services)]


async def session_watch(request: Request, _caller: SignedIn) -> Callable[[], bool]:
    """Tells, for as long as an answer lasts, whether its reader's session is still there."""
    sessions, cookie_value = sessions_of(request), shown_cookie(request)
    return lambda: sessions.stored(cookie_value) is not None


SessionWatch = Annotated[Callable[[], bool], Depends(session_watch)]
