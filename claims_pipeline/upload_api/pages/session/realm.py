"""What the page asks of Keycloak as its client: an address to sign in at, tokens, an end."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakError

from claims_pipeline.errors import ClaimsError
from claims_pipeline.settings import Settings
from claims_pipeline.upload_api.http.problems import ApiError

_TIMEOUT_S = 5
_OVER = "invalid_grant"
# All of the user's organizations, so that one can be chosen here.
_SCOPE = "openid profile email organization:*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What Keycloak hands out; only the access token is ever shown to anybody, the API's code."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    identity: str | None = field(repr=False)


class RealmRefusedError(ClaimsError):
    """Keycloak does not take the code or the refresh token; its words are not repeated."""


class PageRealm:
    """The realm, as the client of `CLAIMS_KEYCLOAK_CLIENT_ID` knows it; safe to share."""

    def __init__(self, settings: Settings) -> None:
        secret = settings.keycloak_client_secret
        self.client_id = settings.required("keycloak_client_id")
        self._realm = KeycloakOpenID(
            # The library joins paths to it, which drops what follows the last slash.
            server_url=settings.required("keycloak_url").rstrip("/") + "/",
            realm_name=settings.required("keycloak_realm"),
            client_id=self.client_id,
            client_secret_key=secret.get_secret_value() if secret else None,
            timeout=_TIMEOUT_S,
            max_retries=0,
        )

    def sign_in_address(
        self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str:
        """Where the browser goes to sign in; the challenge is S256's.

        Raises:
            ApiError: 503 `identity_unavailable`.

        """
        # The library puts them into the address as they are.
        address: str = _asked(
            lambda: self._realm.auth_url(
                redirect_uri=quote(redirect_uri, safe=""),
                scope=quote(_SCOPE, safe=""),
                state=quote(state, safe=""),
                nonce=quote(nonce, safe=""),
                code_challenge=code_challenge,
                code_challenge_method="S256",
            )
        )
        return address

    def tokens_for_code(self, code: str, *, redirect_uri: str, code_verifier: str) -> Tokens:
        """The tokens of somebody who has signed in.

        Raises:
            RealmRefusedError: the code was used before, is too old, or nobody's.
            ApiError: 503 `identity_unavailable`.

        """
        answer = _asked(
            lambda: self._realm.token(
                grant_type="authorization_code",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
                scope=_SCOPE,
            )
        )
        return _tokens_of(answer)

    def refreshed(self, refresh_token: str) -> Tokens:
        """New tokens for the same session.

        Raises:
            RealmRefusedError: the session at Keycloak is over.
            ApiError: 503 `identity_unavailable`.

        """
        return _tokens_of(_asked(lambda: self._realm.refresh_token(refresh_token)))

    def end(self, refresh_token: str) -> None:
        """End the session at Keycloak too; the browser's cookie there means nothing then.

        Raises:
            RealmRefusedError: there is no such session, so it is over already.
            ApiError: 503 `identity_unavailable`.

        """
        _asked(lambda: self._realm.logout(refresh_token))


def _asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except KeycloakError as error:
        if _is_grant_refused(error):
            raise RealmRefusedError("sign_in_refused", "Keycloak refused the sign-in.") from None
    except (KeyError, TypeError, ValueError):
        # A proxy in between answered something else.
        pass
    raise identity_unavailable()


def identity_unavailable() -> ApiError:
    """The refusal while Keycloak cannot be asked."""
    return ApiError(
        503,
        "identity_unavailable",
        "The sign-in service is not answering right now. Nothing is lost: try again in a minute, "
        "and tell your administrator if it stays so.",
        headers={"Retry-After": "10"},
    )


def _is_grant_refused(error: KeycloakError) -> bool:
    """Whether the code or refresh token is over (RFC 6749, 5.2).

    All else is no word about the person: a client whose secret has changed, a proxy's 404 or 429.
    """
    try:
        said = json.loads(error.response_body or b"")
    except ValueError:
        return False
    return error.response_code == 400 and isinstance(said, dict) and said.get("error") == _OVER


def _tokens_of(answer: dict[str, Any]) -> Tokens:
    access, refresh, identity = (
        answer.get(f"{kind}_token") for kind in ("access", "refresh", "id")
    )
    if not isinstance(access, str):
        raise RealmRefusedError("sign_in_refused", "Keycloak sent no access token.")
    return Tokens(
        access=access,
        refresh=refresh if isinstance(refresh, str) else None,
        identity=identity if isinstance(identity, str) else None,
    )
