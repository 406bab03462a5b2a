"""The dependency by which every protected operation knows its caller."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from claims_pipeline.store.database import every_organization_scope, organization_scope
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.memberships import chosen_membership, known_organization
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.keycloak.tokens import token_invalid
from claims_pipeline.upload_api.services import AppServices, Services

# For the OpenAPI document; what it reads is read again below, where two headers are noticed.
_SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="keycloak",
    bearerFormat="JWT",
    description="An access token of the Keycloak realm.",
)


async def authenticated(
    request: Request,
    services: AppServices,
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)],
    x_organization: Annotated[
        str | None,
        Header(description="Alias of the organization, for users who belong to several."),
    ] = None,
) -> Principal:
    """The caller of this request, known before a byte of its body is read.

    `request.state.principal` holds it for the log.

    Raises:
        ApiError: 401 without a good token, 403 without an organization, 503 when the realm's keys
            cannot be had.

    """
    token = bearer_token(request)
    principal = await run_in_threadpool(principal_of, services, token, wanted=x_organization)
    request.state.principal = principal
    return principal


def principal_of(services: Services, token: str, *, wanted: str | None) -> Principal:
    """The user of an access token in one organization; `wanted` is its alias, if named.

    Raises:
        ApiError: as `authenticated`.

    """
    user = services.tokens.verify(token)
    organization = known_organization(
        every_organization_scope(services.engine), chosen_membership(user.memberships, wanted)
    )
    return Principal(
        user_id=user.user_id,
        email=user.email,
        organization_id=organization.id,
        organization_name=organization.name,
        roles=user.roles,
        expires_at=user.expires_at,
    )


def bearer_token(request: Request) -> str:
    """The token of the one `Authorization` header.

    Raises:
        ApiError: 401 `token_missing` without one, 401 `token_invalid` when it is shown twice or in
            the address, where logs would keep it.

    """
    shown = request.headers.getlist("authorization")
    if len(shown) > 1 or "access_token" in request.query_params:
        raise token_invalid()
    scheme, _, token = "".join(shown).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(
            401,
            "token_missing",
            "Send an access token in the header Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return token.strip()


Caller = Annotated[Principal, Depends(authenticated)]


async def services_for(services: AppServices, caller: Caller) -> Services:
    """The services, with a database that shows the caller's organization only."""
    return replace(services, engine=organization_scope(services.engine, caller.organization_id))


CallerServices = Annotated[Services, Depends(services_for)]
