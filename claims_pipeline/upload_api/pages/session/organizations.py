"""The choice among several organizations, remembered in the session."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from claims_pipeline.store.database import every_organization_scope
from claims_pipeline.store.tenants.organizations import find_organization
from claims_pipeline.upload_api.keycloak.memberships import (
    organization_missing,
    organization_unknown,
)
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.pages.addresses import HOME, ORGANIZATION
from claims_pipeline.upload_api.pages.forms import posted_fields
from claims_pipeline.upload_api.pages.messages import choice_page
from claims_pipeline.upload_api.pages.session.cookies import shown_cookie
from claims_pipeline.upload_api.pages.session.page_session import PageSession
from claims_pipeline.upload_api.pages.session.sessions import PageSessions, sessions_of
from claims_pipeline.upload_api.pages.session.sign_in import record_sign_in
from claims_pipeline.upload_api.services import AppServices, Services

_FIELD = "organization"

router = APIRouter()


@router.get(ORGANIZATION)
def organizations(request: Request, services: AppServices) -> HTMLResponse:
    """The user's organizations that are served here, to choose one."""
    session = sessions_of(request).of_cookie(shown_cookie(request))
    return choice_page(
        request,
        title="Choose an organization",
        sentence="You belong to several. You see and upload files of one at a time.",
        name=_FIELD,
        choices=_choices(services, session),
        chosen=session.organization,
        action=ORGANIZATION,
    )


@router.post(ORGANIZATION)
async def choose(request: Request, services: AppServices) -> RedirectResponse:
    """Work for one organization from now on."""
    sessions = sessions_of(request)
    session = await run_in_threadpool(sessions.of_cookie, shown_cookie(request))
    # Not before: nobody's body is read who is not signed in.
    alias = (await posted_fields(request)).get(_FIELD, "")
    request.state.principal = await run_in_threadpool(_chosen, services, sessions, session, alias)
    return RedirectResponse(HOME, status_code=303)


def _chosen(
    services: Services, sessions: PageSessions, session: PageSession, alias: str
) -> Principal:
    principal = sessions.choose_organization(session, alias)
    record_sign_in(services, principal)
    return principal


def _choices(services: Services, session: PageSession) -> list[tuple[str, str]]:
    """Alias and name of each.

    Raises:
        ApiError: 403 `organization_missing` or `organization_unknown` when there is none.

    """
    engine = every_organization_scope(services.engine)
    memberships = services.tokens.verify(session.access).memberships
    if not memberships:
        raise organization_missing()
    known = (
        (
            membership.alias,
            find_organization(engine, alias=membership.alias, identity_id=membership.identity_id),
        )
        for membership in memberships
    )
    choices = [(alias, organization.name) for alias, organization in known if organization]
    if not choices:
        raise organization_unknown()
    return choices
