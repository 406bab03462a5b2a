"""The realm's signing keys, kept for minutes and fetched again sparingly.

A new key is accepted within half a minute, a removed one refused within five, and however many
tokens name keys that do not exist, Keycloak is asked at most once in half a minute. While it is
down, the keys at hand serve on; access tokens live no longer than they do.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK, JWKSet
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakError

from claims_pipeline.upload_api.http.problems import ApiError

ALGORITHM = "RS256"
_BETWEEN_FETCHES_S = 30.0
_BETWEEN_FETCHES_WITHOUT_KEYS_S = 5.0
_FRESH_FOR_S = 120.0
_USABLE_FOR_S = 290.0
# How long a caller waits for a fetch that another one has begun: at all, for a key not yet known.
_PATIENCE_WITHOUT_KEYS_S = 5.0
_PATIENCE_FOR_NEW_KEY_S = 1.0
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmKeys:
    """What tokens of the realm are checked by: who issues them, and its public keys."""

    issuer: str
    keys: JWKSet
    key_ids: frozenset[str]


class KeysUnavailableError(Exception):
    """Keycloak did not answer with keys; the text says why, and repeats no answer."""


class SigningKeys:
    """Keys of one realm; safe to share between threads. `clock` counts seconds."""

    def __init__(
        self, fetch: Callable[[], RealmKeys], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: tuple[RealmKeys, float] | None = None
        self._asked_at: float | None = None

    def for_key_id(self, key_id: str | None) -> RealmKeys:
        """The keys at hand, fetched first when they are old or lack this one and it is time.

        The key may still be missing from them: then nobody knows it. None asks for no certain one.

        Raises:
            ApiError: 503 `identity_unavailable` when there are none.

        """
        held = self._usable()
        if held is None:
            patience_s = _PATIENCE_WITHOUT_KEYS_S
        elif key_id is not None and key_id not in held.key_ids:
            patience_s = _PATIENCE_FOR_NEW_KEY_S
        elif self._are_fresh():
            return held
        else:
            patience_s = 0.0
        if self._lock.acquire(timeout=patience_s):
            try:
                self._fetch_when_it_is_time()
            finally:
                self._lock.release()
        held = self._usable()
        if held is None:
            raise ApiError(
                503,
                "identity_unavailable",
                "Sign-in cannot be checked right now. Try again in a few seconds.",
                headers={"Retry-After": f"{_BETWEEN_FETCHES_WITHOUT_KEYS_S:.0f}"},
            )
        return held

    def _usable(self) -> RealmKeys | None:
        held = self._held
        return held[0] if held and self._clock() - held[1] < _USABLE_FOR_S else None

    def _are_fresh(self) -> bool:
        held = self._held
        return held is not None and self._clock() - held[1] < _FRESH_FOR_S

    def _fetch_when_it_is_time(self) -> None:
        now = self._clock()
        pause_s = _BETWEEN_FETCHES_S if self._usable() else _BETWEEN_FETCHES_WITHOUT_KEYS_S
        if self._asked_at is not None and now - self._asked_at < pause_s:
            return
        self._asked_at = now
        try:
            self._held = (self._fetch(), now)
        except KeysUnavailableError as error:
            _LOGGER.warning("the realm's keys cannot be had: %s", error)


def fetch_from(realm: KeycloakOpenID) -> RealmKeys:
    """Ask Keycloak who issues the realm's tokens and which keys sign them now.

    Raises:
        KeysUnavailableError: it is down, or answers something else.

    """
    try:
        issuer = realm.well_known()["issuer"]
        published = [entry for entry in realm.certs()["keys"] if _signs_tokens(entry)]
        keys = JWKSet()
        for entry in published:
            keys.add(JWK(**entry))
    except (KeycloakError, JWException, KeyError, TypeError, ValueError) as error:
        # What a proxy in between may have answered is nobody's business in a log.
        raise KeysUnavailableError(type(error).__name__) from None
    if not isinstance(issuer, str) or not published:
        raise KeysUnavailableError("no keys in the answer")
    return RealmKeys(
        issuer=issuer, keys=keys, key_ids=frozenset(entry["kid"] for entry in published)
    )


def _signs_tokens(entry: dict[str, Any]) -> bool:
    """Whether a published key is for signatures; a realm shows one for encryption too."""
    return (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
        and isinstance(entry.get("kid"), str)
    )
