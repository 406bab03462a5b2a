"""Access tokens for the upload service: as a person in the browser, or as a program with a secret.

A person's tokens are kept in a file that only they can read, a program's in memory. None is ever an
argument of a command or part of an address.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakError

from claims_pipeline.errors import ClaimsError, InputError, SettingsError
from claims_pipeline.settings import Settings

_TIMEOUT_S = 10
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SCOPE = "openid profile email"
# A token that ends sooner is renewed before it is used.
_MARGIN_S = 20
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SignInError(ClaimsError):
    """There is no token to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmAddress:
    """A Keycloak realm: where Keycloak is, and the realm's name there."""

    url: str
    name: str

    @classmethod
    def of_issuer(cls, issuer: str) -> Self:
        """The realm that an issuer's address names.

        Raises:
            SettingsError: `realm_unknown`, or `address_insecure`.

        """
        url, _, name = issuer.rpartition("/realms/")
        if not url or not name or "/" in name:
            raise SettingsError(
                "realm_unknown",
                "The upload service names no Keycloak realm to sign in at: set "
                "CLAIMS_KEYCLOAK_URL and CLAIMS_KEYCLOAK_REALM.",
            )
        return cls(url=require_private_address(url, "The sign-in server"), name=name)


class Tokens:
    """Access tokens that are good now; `tell` shows a person where to sign in.

    `realm` is where the service says that one signs in, for want of settings. `organization` is
    the alias of one of several that the user belongs to.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tell: Callable[[str], None],
        realm: Callable[[], "RealmAddress"] | None = None,
        organization: str | None = None,
        state_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        address = _address_of(settings, realm)
        secret = settings.cli_client_secret
        self._realm = KeycloakOpenID(
            server_url=address.url.rstrip("/") + "/",
            realm_name=address.name,
            client_id=settings.cli_client_id,
            client_secret_key=secret.get_secret_value() if secret else None,
            timeout=_TIMEOUT_S,
        )
        # Without it Keycloak gives a user of several organizations a token for none of them.
        self._scope = _SCOPE if organization is None else f"{_SCOPE} organization:{organization}"
        # Tokens of another realm, client or organization in the file are not ours.
        self._owner = [address.url, address.name, settings.cli_client_id, organization]
        self._is_program = secret is not None
        self._file = state_file or default_state_file()
        self._tell = tell
        self._clock = clock
        self._kept: dict[str, Any] = {}

    def access_token(self) -> str:
        """A token that is good for a while; asks the person to sign in when there is no other way.

        Raises:
            SignInError: `sign_in_failed`, `sign_in_refused`, `sign_in_expired` or
                `identity_unavailable`.

        """
        if not self._kept and not self._is_program:
            self._kept = self._read()
        if self._kept.get("good_until", 0) <= self._clock() + _MARGIN_S:
            self._keep(self._renewed())
        token: str = self._kept["access_token"]
        return token

    def _renewed(self) -> Mapping[str, Any]:
        if self._is_program:
            return self._asked(grant_type="client_credentials", scope=self._scope)
        if refresh_token := self._kept.get("refresh_token"):
            # Too old, or the session was ended: the person signs in again.
            with contextlib.suppress(SignInError):
                return self._asked(grant_type="refresh_token", refresh_token=refresh_token)
        return self._signed_in_by_person()

    def _signed_in_by_person(self) -> Mapping[str, Any]:
        try:
            device = self._realm.device(scope=self._scope)
        except KeycloakError as error:
            raise _failure(error) from None
        address = device.get("verification_uri_complete") or device["verification_uri"]
        # The address by itself, so that a terminal makes a link of it and of nothing else.
        self._tell(f"Sign in in your browser (code {device['user_code']}):\n{address}")
        pause_s = float(device.get("interval", 5))
        deadline = self._clock() + float(device["expires_in"])
        while self._clock() < deadline:
            time.sleep(pause_s)
            try:
                return self._asked(grant_type=_DEVICE_GRANT, device_code=device["device_code"])
            except SignInError as error:
                if error.code == "slow_down":
                    pause_s += 5
                elif error.code != "authorization_pending":
                    raise
        raise _expired()

    def _asked(self, **parameters: Any) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self._realm.token(**parameters)
        except KeycloakError as error:
            raise _failure(error) from None
        return answer

    def _keep(self, answer: Mapping[str, Any]) -> None:
        self._kept = {
            "owner": self._owner,
            "access_token": answer["access_token"],
            "refresh_token": answer.get("refresh_token"),
            "good_until": self._clock() + float(answer["expires_in"]),
        }
        if not self._is_program:
            _write_privately(self._file, json.dumps(self._kept))

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) and kept.get("owner") == self._owner else {}


def _address_of(settings: Settings, realm: Callable[[], RealmAddress] | None) -> RealmAddress:
    """The realm that the settings name, else the one that the service does."""
    if realm is not None and not (settings.keycloak_url and settings.keycloak_realm):
        return realm()
    return RealmAddress(
        url=require_private_address(settings.required("keycloak_url"), "CLAIMS_KEYCLOAK_URL"),
        name=settings.required("keycloak_realm"),
    )


def default_state_file() -> Path:
    """Where a person's tokens are kept on this machine."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "claims-pipeline" / "token.json"


def require_private_address(url: str, name: str) -> str:
    """The address, if what is sent there cannot be read on the way.

    Raises:
        SettingsError: `address_insecure`, naming the setting.

    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url
    raise SettingsError("address_insecure", f"{name} must be https://…, or http:// on loopback.")


def _failure(error: KeycloakError) -> ClaimsError:
    if error.response_code is None:
        return SignInError("identity_unavailable", "The sign-in server cannot be reached.")
    try:
        code = json.loads(error.response_body or b"{}").get("error")
    except (ValueError, AttributeError):
        code = None
    match code:
        case "authorization_pending" | "slow_down":
            return SignInError(code, "The sign-in is not complete yet.")
        case "access_denied":
            return SignInError("sign_in_refused", "The sign-in was refused.")
        case "expired_token":
            return _expired()
        case "invalid_client" | "unauthorized_client":
            return InputError(
                "client_refused",
                "The sign-in server refuses the client; check CLAIMS_CLI_CLIENT_ID and "
                "CLAIMS_CLI_CLIENT_SECRET.",
            )
        case _:
            return SignInError("sign_in_failed", "The sign-in server gave no token.")


def _expired() -> SignInError:
    return SignInError("sign_in_expired", "Nobody signed in in time; run the command again.")


def _write_privately(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    beside.replace(path)
