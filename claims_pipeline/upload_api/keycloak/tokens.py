"""Verifies access tokens against the keys of a Keycloak realm.

The library checks signature, issuer, expiry and presence of claims as it is told to; what it would
let pass by default is named in `docs/adr/0008-who-may-do-what.md`.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from jwcrypto.common import JWException, base64url_decode, base64url_encode
from keycloak import KeycloakOpenID
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from claims_pipeline.settings import Settings
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.keys import ALGORITHM, SigningKeys, fetch_from
from claims_pipeline.upload_api.keycloak.memberships import Membership, memberships_of
from claims_pipeline.upload_api.keycloak.principal import Role
from claims_pipeline.upload_api.keycloak.roles import parsed_role_map, roles_named

_KEYCLOAK_TIMEOUT_S = 5
_LEEWAY_S = 10
_LONGEST_TOKEN = 16 * 1024
_LAST_SECOND = int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp())
# Whatever the library lets escape for a token that somebody made up.
_NOT_A_TOKEN = (
    JWException,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a good token says of its user. `expires_at` is when it stops being good."""

    user_id: str
    email: str | None = field(repr=False)
    memberships: tuple[Membership, ...]
    roles: frozenset[Role]
    expires_at: datetime


class TokenVerifier:
    """Accepts access tokens of one realm that were issued for this API; safe to share.

    A token is for this API when its `aud` holds `CLAIMS_KEYCLOAK_AUDIENCE`, or when the client it
    was issued to (`azp`) is one of `CLAIMS_KEYCLOAK_ALLOWED_CLIENTS`. `clock` times the keys.

    Raises:
        SettingsError: a `CLAIMS_KEYCLOAK_…` setting is missing, or `CLAIMS_ROLE_MAP` is wrong.

    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._realm = KeycloakOpenID(
            # The library joins paths to it, which drops what follows the last slash.
            server_url=settings.required("keycloak_url").rstrip("/") + "/",
            realm_name=settings.required("keycloak_realm"),
            client_id=settings.keycloak_audience,
            timeout=_KEYCLOAK_TIMEOUT_S,
            max_retries=0,
        )
        self._keys = SigningKeys(lambda: fetch_from(self._realm), clock=clock)
        self._audience = settings.keycloak_audience
        self._allowed_clients = frozenset(
            client.strip() for client in settings.keycloak_allowed_clients.split(",")
        ) - {""}
        self._clients_with_roles = {self._audience, settings.keycloak_client_id}
        self._role_map = parsed_role_map(settings.role_map)

    def issuer(self) -> str:
        """The realm's issuer, as Keycloak names it to everybody.

        Raises:
            ApiError: 503 `identity_unavailable` when Keycloak has not told it yet.

        """
        return self._keys.for_key_id(None).issuer

    def verify(self, token: str) -> AccessToken:
        """What a good token says; checks the signature and every claim that binds it to us.

        Raises:
            ApiError: 401 `token_invalid` for whatever is wrong with it, 503
                `identity_unavailable` when the realm's keys cannot be had.

        """
        try:
            claims = self._checked_claims(token)
        except _NOT_A_TOKEN:
            raise token_invalid() from None
        names = set(claims.realm_access.roles)
        for client, access in claims.resource_access.items():
            # A role of some other client may bear our role's name and mean something else.
            if client in self._clients_with_roles:
                names.update(access.roles)
        return AccessToken(
            user_id=claims.sub,
            email=claims.email,
            memberships=memberships_of(claims.organization),
            roles=roles_named(names, self._role_map),
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
        )

    def verify_identity(self, token: str, *, client_id: str, nonce: str) -> str:
        """The `sub` of an ID token that was issued to this client for this try to sign in.

        Raises:
            ApiError: as `verify`.

        """
        expected = {"typ": "ID", "aud": client_id, "azp": client_id, "nonce": nonce}
        try:
            return str(self._decoded(token, expected)["sub"])
        except _NOT_A_TOKEN:
            raise token_invalid() from None

    def _decoded(self, token: str, expected: Mapping[str, str | None]) -> dict[str, Any]:
        key_id = _key_id(token)
        realm_keys = self._keys.for_key_id(key_id)
        if key_id not in realm_keys.key_ids:
            raise ValueError("nobody knows the key")
        content: dict[str, Any] = self._realm.decode_token(
            token,
            key=realm_keys.keys,
            algs=[ALGORITHM],
            expected_type="JWS",
            strict_serialization=True,
            leeway=_LEEWAY_S,
            check_claims={"iss": realm_keys.issuer, "exp": None, "sub": None, **expected},
        )
        return content

    def _checked_claims(self, token: str) -> "_Claims":
        claims = _Claims.model_validate(self._decoded(token, {"typ": "Bearer"}))
        # The library looks at a "not before" only when it has to be there.
        if claims.nbf > time.time() + _LEEWAY_S:
            raise ValueError("not yet valid")
        audiences = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
        if self._audience not in audiences and claims.azp not in self._allowed_clients:
            raise ValueError("issued for somebody else")
        if claims.cnf is not None:
            # Bound to a key that its bearer would have to show, and none is asked for here.
            raise ValueError("bound to a key")
        return claims


def token_invalid() -> ApiError:
    """The refusal of a token; never says what is wrong with it."""
    return ApiError(
        401,
        "token_invalid",
        "The access token is not valid here or has expired. Sign in again.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _key_id(token: str) -> str:
    """The key that a token names, before anything of it is believed.

    Raises:
        ValueError: it cannot be a token of ours; other errors of parsing likewise.

    """
    if len(token) > _LONGEST_TOKEN:
        raise ValueError("too long")
    parts = token.split(".")
    if any(base64url_encode(base64url_decode(part)) != part for part in parts):
        # The last character has bits that mean nothing: one token could be written in many ways.
        raise ValueError("not spelled as it was issued")
    header = json.loads(base64url_decode(parts[0]))
    key_id = header["kid"]
    if header["alg"] != ALGORITHM or not isinstance(key_id, str):
        raise ValueError("not signed as the realm signs")
    return key_id


def _printable(text: str) -> str:
    # Databases refuse some of the others.
    if not text.isprintable():
        raise ValueError("not printable")
    return text


class _RoleNames(BaseModel):
    roles: list[str] = []


class _Claims(BaseModel):
    """What is read of a token, in the types that Keycloak sends."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    sub: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]
    typ: Literal["Bearer"]
    exp: Annotated[int, Field(le=_LAST_SECOND)]
    nbf: int = 0
    aud: str | list[str] = []
    azp: str | None = None
    cnf: Any = None
    email: str | None = None
    organization: Any = None
    realm_access: _RoleNames = _RoleNames()
    resource_access: dict[str, _RoleNames] = {}
