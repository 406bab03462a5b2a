"""What the realm remembers, and for what it gives tokens: codes, sessions, devices.

All in memory of one event loop: it needs no locks, and forgets everything when it stops.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

from jwcrypto.common import base64url_encode

from claims_pipeline.sandbox.realm.directory import (
    CLIENTS,
    DEVICE_GRANT,
    PASSWORD,
    SERVICE_USER,
    USERS,
    Client,
    User,
)
from claims_pipeline.sandbox.realm.tokens import Occasion, TokenMaker

# As docker/keycloak/realm.json has them.
SESSION_IDLE_S = 1800
SESSION_LONGEST_S = 36000
_CODE_LASTS_S = 60
_DEVICE_LASTS_S = 600
# Without letters that look alike.
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


class GrantError(Exception):
    """A refusal in OAuth's words: a status, a code and a description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description


@dataclass(slots=True, kw_only=True)
class RealmSession:
    """Somebody who has signed in; `refresh_token` belongs to it as long as it lives."""

    id: str
    user: User
    since_s: float
    used_s: float
    scopes: dict[str, str] = field(default_factory=dict)
    refresh_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """What a client asked for when it sent a browser here."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str


@dataclass(slots=True, kw_only=True)
class _Device:
    client_id: str
    scope: str
    user_code: str
    until_s: float
    session: RealmSession | None = None


class Grants:
    """All of one realm."""

    def __init__(self, tokens: TokenMaker) -> None:
        self._tokens = tokens
        self._sessions: dict[str, RealmSession] = {}
        self._codes: dict[str, tuple[CodeRequest, RealmSession, float]] = {}
        self._devices: dict[str, _Device] = {}

    def begin_session(self, username: str, password: str) -> RealmSession | None:
        """A session for a user with the right password."""
        user = USERS.get(username)
        if user is None or password != PASSWORD:
            return None
        return self._new_session(user)

    def session(self, session_id: str | None) -> RealmSession | None:
        """The session, if it is there and not too old."""
        found = self._sessions.get(session_id or "")
        return found if found is not None and self._is_alive(found) else None

    def end_session(self, session_id: str | None) -> None:
        """Forget it; its refresh tokens are worth nothing then."""
        self._sessions.pop(session_id or "", None)

    def code_for(self, request: CodeRequest, session: RealmSession) -> str:
        """A code for the browser to bring back; good once, for a minute."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = (request, session, time.time() + _CODE_LASTS_S)
        return code

    def tokens_for(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint.

        Raises:
            GrantError: 400 or 401.

        """
        client = client_of(form)
        grant = form.get("grant_type", "")
        if grant not in client.grants:
            raise GrantError(400, "unauthorized_client", "Client not allowed this grant")
        match grant:
            case "authorization_code":
                return self._by_code(client, form)
            case "refresh_token":
                session = self._session_of_refresh_token(form, client)
                return self._answer(client, session, session.scopes[client.client_id])
            case "password":
                return self._by_password(client, form)
            case "client_credentials":
                session = self._new_session(SERVICE_USER)
                return self._answer(client, session, form.get("scope", ""))
            case _:
                return self._by_device(client, form)

    def begin_device(self, form: Mapping[str, str], verification_uri: str) -> dict[str, Any]:
        """The answer of the device endpoint.

        Raises:
            GrantError: as `tokens_for`.

        """
        client = client_of(form)
        if DEVICE_GRANT not in client.grants:
            raise GrantError(400, "unauthorized_client", "Client not allowed this grant")
        letters = "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(8))
        device_code, user_code = secrets.token_urlsafe(32), f"{letters[:4]}-{letters[4:]}"
        self._devices[device_code] = _Device(
            client_id=client.client_id,
            scope=form.get("scope", ""),
            user_code=user_code,
            until_s=time.time() + _DEVICE_LASTS_S,
        )
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": verification_uri,
            "verification_uri_complete": f"{verification_uri}?user_code={user_code}",
            "expires_in": _DEVICE_LASTS_S,
            "interval": 1,
        }

    def approve_device(self, user_code: str, session: RealmSession) -> bool:
        """Let the device that shows this code go on as the session's user."""
        for device in self._devices.values():
            if device.user_code == user_code and device.until_s > time.time():
                device.session = session
                return True
        return False

    def log_out(self, form: Mapping[str, str]) -> None:
        """End the session of a client's refresh token.

        Raises:
            GrantError: as `tokens_for`.

        """
        self.end_session(self._session_of_refresh_token(form, client_of(form)).id)

    def _by_code(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        request, session, until_s = self._codes.pop(form.get("code", ""), (None, None, 0.0))
        verifier = form.get("code_verifier", "")
        challenge = base64url_encode(sha256(verifier.encode()).digest())
        if (
            request is None
            or session is None
            or until_s < time.time()
            or request.client_id != client.client_id
            or request.redirect_uri != form.get("redirect_uri")
            or not secrets.compare_digest(challenge, request.code_challenge)
            or self.session(session.id) is None
        ):
            raise GrantError(400, "invalid_grant", "Code not valid")
        return self._answer(client, session, request.scope, nonce=request.nonce)

    def _by_password(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        session = self.begin_session(form.get("username", ""), form.get("password", ""))
        if session is None:
            raise GrantError(401, "invalid_grant", "Invalid user credentials")
        return self._answer(client, session, form.get("scope", ""))

    def _by_device(self, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
        code = form.get("device_code", "")
        device = self._devices.get(code)
        if device is None or device.client_id != client.client_id:
            raise GrantError(400, "invalid_grant", "Device code not valid")
        if device.until_s < time.time():
            raise GrantError(400, "expired_token", "Device code is expired")
        if device.session is None:
            raise GrantError(400, "authorization_pending", "The authorization request is pending")
        del self._devices[code]
        return self._answer(client, device.session, device.scope)

    def _session_of_refresh_token(self, form: Mapping[str, str], client: Client) -> RealmSession:
        shown = form.get("refresh_token", "")
        for session in self._sessions.values():
            if secrets.compare_digest(session.refresh_token.encode(), shown.encode()):
                if self._is_alive(session) and client.client_id in session.scopes:
                    return session
                break
        raise GrantError(400, "invalid_grant", "Session not active")

    def _answer(
        self, client: Client, session: RealmSession, scope: str, *, nonce: str | None = None
    ) -> dict[str, Any]:
        now_s = time.time()
        session.used_s = now_s
        session.scopes[client.client_id] = scope
        occasion = Occasion(
            user=session.user,
            client_id=client.client_id,
            session_id=session.id,
            now_s=int(now_s),
            since_s=int(session.since_s),
        )
        answer: dict[str, Any] = {
            "access_token": self._tokens.access(occasion, scope=scope),
            "expires_in": self._tokens.lifetime_s,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": session.id,
            "scope": scope,
        }
        if "refresh_token" in client.grants:
            answer["refresh_token"] = session.refresh_token
            answer["refresh_expires_in"] = SESSION_IDLE_S
        if "openid" in scope.split():
            answer["id_token"] = self._tokens.identity(occasion, nonce=nonce)
        return answer

    def _new_session(self, user: User) -> RealmSession:
        now_s = time.time()
        session = RealmSession(id=str(uuid4()), user=user, since_s=now_s, used_s=now_s)
        self._sessions[session.id] = session
        return session

    def _is_alive(self, session: RealmSession) -> bool:
        now_s = time.time()
        return (
            session.id in self._sessions
            and now_s - session.used_s < SESSION_IDLE_S
            and now_s - session.since_s < SESSION_LONGEST_S
        )


def client_of(form: Mapping[str, str]) -> Client:
    """The client that asks, with the secret that it has to know.

    Raises:
        GrantError: 401 `invalid_client`.

    """
    client = CLIENTS.get(form.get("client_id", ""))
    if client is None or (client.secret or "") != form.get("client_secret", ""):
        raise GrantError(401, "invalid_client", "Invalid client or Invalid client credentials")
    return client
