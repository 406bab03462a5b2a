"""Tokens as Keycloak shapes them, signed with RS256 by a key that is made at the start."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from claims_pipeline.sandbox.realm.directory import AUDIENCE, REALM, User

_LIFETIME_S = 300
_ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who gets a token through which client, now; `since_s` is when the user signed in."""

    user: User
    client_id: str
    session_id: str
    now_s: int
    since_s: int


class TokenMaker:
    """Makes the tokens of one issuer; `issuer` is their `iss`."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.lifetime_s = _LIFETIME_S
        self._key = JWK.generate(kty="RSA", size=2048, use="sig", alg=_ALGORITHM, kid=str(uuid4()))

    def published_keys(self) -> dict[str, Any]:
        """The key set that verifiers ask for."""
        return {"keys": [self._key.export_public(as_dict=True)]}

    def access(self, occasion: Occasion, *, scope: str) -> str:
        """An access token, for the API."""
        roles = [f"default-roles-{REALM}", "offline_access", *occasion.user.roles]
        claims = {
            **self._common(occasion),
            "typ": "Bearer",
            "aud": [AUDIENCE, "account"],
            "realm_access": {"roles": roles},
            "scope": scope,
        }
        return self._signed(claims)

    def identity(self, occasion: Occasion, *, nonce: str | None) -> str:
        """An ID token, for the client alone."""
        claims = {**self._common(occasion), "typ": "ID", "aud": occasion.client_id}
        return self._signed({**claims, "nonce": nonce} if nonce else claims)

    def _common(self, occasion: Occasion) -> dict[str, Any]:
        user = occasion.user
        claims: dict[str, Any] = {
            "exp": occasion.now_s + self.lifetime_s,
            "iat": occasion.now_s,
            "auth_time": occasion.since_s,
            "jti": str(uuid4()),
            "iss": self.issuer,
            "sub": user.id,
            "azp": occasion.client_id,
            "sid": occasion.session_id,
            "acr": "1",
            "email": user.email,
            "email_verified": True,
            "name": user.name,
            "preferred_username": user.username,
            "given_name": user.first_name,
            "family_name": user.last_name,
        }
        if user.organization is not None:
            claims["organization"] = {user.organization.alias: {"id": user.organization.id}}
        return claims

    def _signed(self, claims: Mapping[str, Any]) -> str:
        header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self._key["kid"]}
        token = JWT(header=json.dumps(header), claims=json.dumps(dict(claims)))
        token.make_signed_token(self._key)
        serialized: str = token.serialize()
        return serialized
