"""Where callers sign in, for programs that know nothing but this service's address (RFC 9728)."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from claims_pipeline.upload_api.services import AppServices

router = APIRouter(tags=["sign-in"])

METADATA_PATH = "/.well-known/oauth-protected-resource"


class ProtectedResourceJson(BaseModel):
    """`authorization_servers` has the realm's issuer: its metadata lie below that address."""

    resource: str
    authorization_servers: list[str]
    bearer_methods_supported: list[str] = ["header"]
    scopes_supported: list[str] = ["openid", "profile", "email", "organization"]


@router.get(METADATA_PATH, summary="Where to sign in")
def protected_resource(request: Request, services: AppServices) -> ProtectedResourceJson:
    """The Keycloak realm whose access tokens this service takes; needs no token itself."""
    return ProtectedResourceJson(
        resource=str(request.base_url).rstrip("/"),
        authorization_servers=[services.tokens.issuer()],
    )
