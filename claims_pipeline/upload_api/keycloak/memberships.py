"""The organization a caller acts for, out of the token's `organization` claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from claims_pipeline.store.tenants.organizations import Organization, find_organization
from claims_pipeline.upload_api.http.problems import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An organization that the token names: its alias at Keycloak, and its id where it is sent."""

    alias: str
    identity_id: str | None = None


def memberships_of(claim: object) -> tuple[Membership, ...]:
    """The organizations of a claim in any of Keycloak's shapes, in order.

    `"acme"`, `["acme"]`, `{"acme": {}}` or `{"acme": {"id": "…"}}`; anything else names none.
    """
    match claim:
        case str():
            aliases: Mapping[object, object] = {claim: None}
        case Mapping():
            aliases = claim
        case Sequence():
            aliases = dict.fromkeys(item for item in claim if isinstance(item, str))
        case _:
            aliases = {}
    return tuple(
        Membership(alias=alias, identity_id=_identity_id(details))
        for alias, details in aliases.items()
        if isinstance(alias, str) and alias and alias.isprintable()
    )


def chosen_membership(memberships: Sequence[Membership], wanted: str | None) -> Membership:
    """The one organization of this request; `wanted` is the alias that `X-Organization` names.

    Raises:
        ApiError: 403 `organization_missing`, `organization_required` or `organization_unknown`.

    """
    if not memberships:
        raise organization_missing()
    if wanted is None and len(memberships) > 1:
        raise ApiError(
            403,
            "organization_required",
            "You belong to several organizations. Name one in the header X-Organization.",
        )
    for membership in memberships:
        if wanted in {None, membership.alias}:
            return membership
    raise organization_unknown()


def known_organization(engine: Engine, membership: Membership) -> Organization:
    """Our row of the organization.

    Raises:
        ApiError: 403 `organization_unknown`.

    """
    found = find_organization(engine, alias=membership.alias, identity_id=membership.identity_id)
    if found is None:
        raise organization_unknown()
    return found


def _identity_id(details: object) -> str | None:
    identity_id = details.get("id") if isinstance(details, Mapping) else None
    return identity_id if isinstance(identity_id, str) and identity_id else None


def organization_missing() -> ApiError:
    """The refusal of a token that names no organization."""
    return ApiError(
        403,
        "organization_missing",
        "Your access token names no organization. Ask your administrator to add you to one; "
        "who belongs to several asks for a token with the scope organization:NAME.",
    )


def organization_unknown() -> ApiError:
    """The refusal of an organization that is not served here, or not the user's."""
    return ApiError(
        403, "organization_unknown", "Your organization is not set up here. Ask your administrator."
    )
