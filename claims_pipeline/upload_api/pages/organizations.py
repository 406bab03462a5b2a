"""The choice among several organizations, remembered in the session."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from claims_pipeline.store.database import every_organization_scope
from claims_pipeline.store.organizations import find_organization
from claims_pipeline.upload_api.pages.addresses import HOME, ORGANIZATION
from claims_pipeline.upload_api.pages.cookies import shown_cookie
from claims_pipeline.upload_api.pages.messages import choice_page
from claims_pipeline.upload_api.pages.sessions import PageSession, sessions_of
from claims_pipeline.upload_api.pages.sign_in import record_sign_in
from claims_pipeline.upload_api.services import AppServices, Services

router = APIRouter()


@router.get(ORGANIZATION)
def organizations(request: Request, services: AppServices) -> HTMLResponse:
    """The user's organizations that are served here, to choose one."""
    session = sessions_of(request).of_cookie(shown_cookie(request))
    return choice_page(
        request,
        title="Choose an organization",
        sentence="You belong to several. You see and upload files of one at a time.",
        name="organization",
        choices=_choices(services, session),
        chosen=session.organization,
        action=ORGANIZATION,
    )


@router.post(ORGANIZATION)
def choose(
    request: Request,
    services: AppServices,
    organization: Annotated[str, Form(max_length=255)],
) -> RedirectResponse:
    """Work for one organization from now on."""
    sessions = sessions_of(request)
    session = sessions.of_cookie(shown_cookie(request))
    principal = sessions.choose_organization(session, organization)
    request.state.principal = principal
    record_sign_in(services, principal)
    return RedirectResponse(HOME, status_code=303)


def _choices(services: Services, session: PageSession) -> list[tuple[str, str]]:
    """Alias and name of each."""
    engine = every_organization_scope(services.engine)
    found = (
        (
            membership.alias,
            find_organization(engine, alias=membership.alias, identity_id=membership.identity_id),
        )
        for membership in services.tokens.verify(session.access).memberships
    )
    return [(alias, organization.name) for alias, organization in found if organization]
