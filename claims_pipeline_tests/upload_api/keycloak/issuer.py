"""A small issuer of access tokens, for those that Keycloak would never sign.

It serves the addresses of a realm that a verifier asks, over HTTP on loopback, and counts them.

    with running_issuer() as issuer:
        token = issuer.token(roles=["claims-operator"])
        expired = issuer.token(exp=0)
        endless = issuer.token(exp=ABSENT)
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import uuid4

from jwcrypto.common import base64url_encode
from jwcrypto.jwa import JWA
from jwcrypto.jwk import JWK

from claims_pipeline.cli.local.processes import free_port

REALM = "claims"
AUDIENCE = "claims-api"
ABSENT: Final = object()
_REALM_PATH = f"/realms/{REALM}"


def make_key(key_id: str | None = None) -> JWK:
    """A new RSA key that signs."""
    return JWK.generate(kty="RSA", size=2048, use="sig", alg="RS256", kid=key_id or str(uuid4()))


def signed(payload: bytes, *, key: JWK, header: Mapping[str, Any]) -> str:
    """A signed token of any payload in compact form; the header decides how it is signed."""
    # By hand, because no library signs what nobody should.
    content = f"{base64url_encode(json.dumps(header))}.{base64url_encode(payload)}"
    signature = JWA.signing_alg(header["alg"]).sign(key, content.encode())
    return f"{content}.{base64url_encode(signature)}"


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token whose signature is empty."""
    return f"{base64url_encode(json.dumps(header))}.{base64url_encode(json.dumps(claims))}."


class Issuer:
    """One realm; `keys` are the published ones, of which the last signs."""

    def __init__(self) -> None:
        self.keys = [make_key()]
        self.fetches = 0
        self._port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What CLAIMS_KEYCLOAK_URL holds."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def name(self) -> str:
        """The `iss` of its tokens."""
        return f"{self.url}{_REALM_PATH}"

    def settings(self) -> dict[str, str]:
        """Environment variables with which the API trusts this issuer."""
        return {"CLAIMS_KEYCLOAK_URL": self.url, "CLAIMS_KEYCLOAK_REALM": REALM}

    def token(
        self,
        *,
        sub: str = "analyst-1",
        organization: object = "demo",
        roles: Sequence[str] = ("claims-analyst",),
        key: JWK | None = None,
        header: Mapping[str, Any] | None = None,
        **changes: object,
    ) -> str:
        """A good token, but for `changes` to its claims and header; ABSENT takes one out.

        `organization` is the claim as it stands in the token, or ABSENT.
        """
        used = key or self.keys[-1]
        claims = self.claims(sub=sub, organization=organization, roles=roles, **changes)
        return signed(
            json.dumps(claims).encode(),
            key=used,
            header=_without_absent(
                {"alg": "RS256", "typ": "JWT", "kid": used["kid"], **(header or {})}
            ),
        )

    def claims(
        self,
        *,
        sub: str = "analyst-1",
        organization: object = "demo",
        roles: Sequence[str] = ("claims-analyst",),
        **changes: object,
    ) -> dict[str, Any]:
        """What such a token says."""
        now = int(time.time())
        return _without_absent(
            {
                "exp": now + 300,
                "iat": now,
                "jti": str(uuid4()),
                "iss": self.name,
                "aud": [AUDIENCE, "account"],
                "sub": sub,
                "typ": "Bearer",
                "azp": "claims-page",
                "scope": "openid profile email",
                "email": f"{sub}@example.org",
                "organization": organization,
                "realm_access": {"roles": ["offline_access", *roles]},
                **changes,
            }
        )

    def rotate(self) -> None:
        """Sign with a new key from now on; the old ones stay published."""
        self.keys = [*self.keys, make_key()]

    def start(self) -> None:
        """Answer, again too, at the same address."""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = issuer.answer(self.path)
                body = json.dumps(content).encode()
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="issuer", daemon=True
        ).start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> dict[str, Any] | None:
        """What the realm says at a path; None for one that it does not have."""
        match path:
            case "/realms/claims/.well-known/openid-configuration":
                return {
                    "issuer": self.name,
                    "jwks_uri": f"{self.name}/protocol/openid-connect/certs",
                    "token_endpoint": f"{self.name}/protocol/openid-connect/token",
                }
            case "/realms/claims/protocol/openid-connect/certs":
                self.fetches += 1
                return {"keys": [key.export_public(as_dict=True) for key in self.keys]}
            case _:
                return None


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer that answers while the block lasts."""
    issuer = Issuer()
    issuer.start()
    try:
        yield issuer
    finally:
        issuer.stop()


def _without_absent(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not ABSENT}
