"""OAuth client credentials: one token for all threads, fetched by one of them.

A token endpoint that refuses the credentials is asked once, never again; one that is silent is
asked by one thread, whose failure is that of all who wait. A 401 on a call throws the token away
once, whoever meets it first. When the payer refuses one fresh token after another, from everybody,
the credentials are of no use and every thread is told so.
"""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.base import CallKind
from claims_pipeline.payers.policy import Clockwork
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer
from claims_pipeline.payers.sending import HttpRequest
from claims_pipeline.payers.transport import Signature, Transport

_REFUSING_STATUSES = frozenset({400, 401, 403})
_ASSUMED_LIFETIME_S = 300.0
# Renewed this long before the end, or after nine tenths of a short life.
_MARGIN_S = 60.0
_MARGIN_SHARE = 0.1
# Fresh tokens refused in a row: two for credentials that have never worked; more for those that
# have, because a payer in trouble may end tokens before they are used.
_MAX_REFUSED_AT_FIRST = 2
_MAX_REFUSED_LATER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    signature: Signature
    renew_at: float


class TokenSource:
    """Signs calls with a bearer token, renewed before it expires."""

    def __init__(
        self,
        transport: Transport,
        *,
        url: str,
        form: Mapping[str, str],
        clockwork: Clockwork,
    ) -> None:
        self._transport = transport
        self._request = HttpRequest(
            kind=CallKind.TOKEN,
            method="POST",
            url=url,
            headers={"Accept": "application/json"},
            form=form,
        )
        self._clockwork = clockwork
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._issued = 0
        self._accepted = 0
        self._refused_in_a_row = 0
        self._is_hopeless = False
        self._failed_at = float("-inf")
        self._failure = (ErrorClass.TRANSIENT, "", "")

    def current(self) -> Signature:
        """The token as an Authorization header; fetched when there is none that lasts.

        Raises:
            PayerError: `auth` when the credentials are refused; else as the call fails.
            CancelRequestedError: told to stop.

        """
        asked_at = time.monotonic()
        with self._lock:
            if self._is_hopeless:
                raise _credentials_refused()
            if self._failed_at > asked_at:
                # Who waited for a fetch that failed would only wait as long for the next.
                raise PayerError(*self._failure)
            token = self._token
            if token is None or self._clockwork.monotonic() >= token.renew_at:
                token = self._token = self._fetch()
            return token.signature

    def accepted(self, signature: Signature) -> None:
        """Remember that the payer took this token."""
        if signature.number > self._accepted:
            with self._lock:
                self._accepted = max(self._accepted, signature.number)
                self._refused_in_a_row = 0

    def refused(self, signature: Signature) -> None:
        """Throw the token away, unless another thread has done so.

        Raises:
            PayerError: `auth`, when it was one of several that nobody could use.

        """
        with self._lock:
            token = self._token
            if token is None or token.signature.number != signature.number:
                return
            self._token = None
            if self._accepted >= signature.number:
                return
            self._refused_in_a_row += 1
            limit = _MAX_REFUSED_LATER if self._accepted else _MAX_REFUSED_AT_FIRST
            if self._refused_in_a_row >= limit:
                self._is_hopeless = True
                raise _credentials_refused()

    def _fetch(self) -> _Token:
        try:
            value, lifetime_s = self._transport.call(self._request, _read_token)
        except PayerError as error:
            self._is_hopeless = error.error_class is ErrorClass.AUTH
            self._failure = (error.error_class, error.code, error.message)
            self._failed_at = time.monotonic()
            raise
        self._issued += 1
        margin_s = min(_MARGIN_S, lifetime_s * _MARGIN_SHARE)
        return _Token(
            signature=Signature(number=self._issued, header=f"Bearer {value}"),
            renew_at=self._clockwork.monotonic() + lifetime_s - margin_s,
        )


def _read_token(reply: HttpReply) -> tuple[str, float]:
    """The token and its life in seconds."""
    if reply.status in _REFUSING_STATUSES:
        raise _credentials_refused()
    if reply.status != 200:
        raise error_for_status(reply.status)
    try:
        answer: object = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise unreadable_answer() from None
    if not isinstance(answer, dict):
        raise unreadable_answer()
    value = answer.get("access_token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise unreadable_answer()
    return value, _lifetime_s(answer.get("expires_in"))


def _lifetime_s(expires_in: object) -> float:
    try:
        lifetime_s = float(expires_in) if isinstance(expires_in, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return _ASSUMED_LIFETIME_S
    # Not a number compares false and falls to the assumed life.
    return min(lifetime_s, 86_400.0) if lifetime_s > 0 else _ASSUMED_LIFETIME_S


def _credentials_refused() -> PayerError:
    return PayerError(
        ErrorClass.AUTH,
        "credentials_refused",
        "The payer refused the credentials. Check the client id and secret in the settings.",
    )
