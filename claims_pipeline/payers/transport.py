"""Calls to a payer: time-outs, a total deadline, tries, and a record of every exchange.

Knows HTTP and nothing of claims. What an answer means is told by the `read` function of each
call; a transient `PayerError` from it is tried again like a lost connection.
"""

import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import requests

from claims_pipeline.errors import CancelRequestedError, ErrorClass, PayerError
from claims_pipeline.payers.base import CallKind, CallRecord, Limiter, OnCall
from claims_pipeline.payers.connection import exchange_deadline, open_session
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.replies import (
    UNREADABLE,
    HttpReply,
    error_for_status,
    retry_after_s,
)

T = TypeVar("T")

_CHUNK_BYTES = 64 * 1024
_UNAUTHORIZED = 401
_UNAUTHORIZED_CODE = "http_401"
_THROTTLED = 429
_PAUSING_STATUSES = frozenset({_THROTTLED, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPolicy:
    """How long and how often to ask, in seconds, tries and bytes.

    `exchange_s` bounds one HTTP exchange from the first byte sent to the last one read. Before
    try n + 1 the wait is anything between zero and `backoff_s[n - 1]`; a Retry-After is obeyed up
    to `longest_pause_s`. The payer's real answers take 1 to 14 seconds.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    exchange_s: float = 60.0
    backoff_s: tuple[float, ...] = (1.0, 4.0, 16.0)
    longest_pause_s: float = 120.0
    max_body_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request to make; headers and form hold PHI or secrets and stay out of the repr."""

    kind: CallKind
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The value of an Authorization header, numbered: a payer may hand out the same one twice."""

    number: int
    header: str = field(repr=False)


class Authorization(Protocol):
    """What signs calls; `TokenSource` is one."""

    def current(self) -> Signature:
        """A signature that should be good; raises an `auth` PayerError when there is none."""
        ...

    def accepted(self, signature: Signature) -> None:
        """The payer took it."""
        ...

    def refused(self, signature: Signature) -> None:
        """The payer answered 401; raises an `auth` PayerError when a new one would not help."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """Time and chance, to be replaced in tests. `wait` sleeps and tells whether to stop."""

    wait: Callable[[float], bool]
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    fraction: Callable[[], float] = random.random


class Transport:
    """Asks one payer over HTTP; safe to use from many threads, with a session for each."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        on_call: OnCall,
        stop: threading.Event,
        environment: PayerEnvironment,
        policy: CallPolicy,
        clockwork: Clockwork,
    ) -> None:
        self._limiter = limiter
        self._on_call = on_call
        self._stop = stop
        self._environment = environment
        self._policy = policy
        self._clockwork = clockwork
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def call(
        self,
        request: HttpRequest,
        read: Callable[[HttpReply], T],
        *,
        authorization: Authorization | None = None,
    ) -> T:
        """Ask until `read` understands an answer or the tries are used up.

        Raises:
            PayerError: of the last try; what is not transient is raised at once.
            CancelRequestedError: told to stop, before the next exchange.

        """
        max_tries = len(self._policy.backoff_s) + 1
        was_unauthorized = False
        try_number = 1
        while True:
            try:
                return self._try(request, read, authorization, try_number)
            except PayerError as error:
                is_unauthorized = error.code == _UNAUTHORIZED_CODE
                if is_unauthorized and was_unauthorized:
                    # Others are let in with the same token: it is this practice that is refused.
                    raise error_for_status(_UNAUTHORIZED) from None
                if error.error_class is not ErrorClass.TRANSIENT or try_number == max_tries:
                    raise
            if not is_unauthorized:
                self.wait_up_to(self._policy.backoff_s[try_number - 1])
            was_unauthorized = is_unauthorized
            try_number += 1

    def wait_up_to(self, longest_s: float) -> None:
        """Full jitter: wait anything between nothing and `longest_s`.

        Raises:
            CancelRequestedError: told to stop meanwhile.

        """
        if self._clockwork.wait(self._clockwork.fraction() * longest_s):
            raise CancelRequestedError

    def close(self) -> None:
        """Close every thread's connections."""
        while self._sessions:
            self._sessions.pop().close()

    def _try(
        self,
        request: HttpRequest,
        read: Callable[[HttpReply], T],
        authorization: Authorization | None,
        try_number: int,
    ) -> T:
        if self._stop.is_set():
            raise CancelRequestedError
        # Before the slot: fetching a token needs one of its own.
        signature = authorization.current() if authorization else None
        status = error_code = None
        with self._limiter.slot(self._stop):
            started_at, began = self._clockwork.now(), time.monotonic()
            try:
                reply = self._exchange(request, signature)
            except PayerError as error:
                reply, failure = None, error
            duration_s = time.monotonic() - began
        try:
            if reply is None:
                raise failure
            status = reply.status
            self._environment.observe(reply.headers)
            value = self._understood(reply, read, authorization, signature, try_number)
        except PayerError as error:
            error_code = error.code
            self._count_failure(error, status)
            raise
        finally:
            self._on_call(
                CallRecord(
                    kind=request.kind,
                    started_at=started_at,
                    duration_s=duration_s,
                    http_status=status,
                    error_code=error_code,
                    try_number=try_number,
                )
            )
        self._limiter.succeeded()
        return value

    def _understood(
        self,
        reply: HttpReply,
        read: Callable[[HttpReply], T],
        authorization: Authorization | None,
        signature: Signature | None,
        try_number: int,
    ) -> T:
        if authorization and signature:
            if reply.status == _UNAUTHORIZED:
                authorization.refused(signature)
                raise PayerError(
                    ErrorClass.TRANSIENT, _UNAUTHORIZED_CODE, "The payer's token has expired."
                )
            authorization.accepted(signature)
        if reply.status in _PAUSING_STATUSES:
            self._pause(reply, try_number)
        return read(reply)

    def _pause(self, reply: HttpReply, try_number: int) -> None:
        """Make every worker of this payer wait; a 429 without a usable time waits for ours."""
        asked_s = retry_after_s(reply, now=self._clockwork.now())
        if asked_s is None and reply.status == _THROTTLED:
            ceilings = self._policy.backoff_s
            asked_s = ceilings[min(try_number, len(ceilings)) - 1] if ceilings else 0.0
        if asked_s:
            self._limiter.pause(min(asked_s, self._policy.longest_pause_s))

    def _count_failure(self, error: PayerError, status: int | None) -> None:
        """Feed the breaker: a payer that throttles, or refuses what was asked, is not down."""
        answers = status in {_UNAUTHORIZED, _THROTTLED}
        if error.error_class is ErrorClass.TRANSIENT and not answers:
            self._limiter.failed()
        else:
            self._limiter.succeeded()

    def _exchange(self, request: HttpRequest, signature: Signature | None) -> HttpReply:
        headers = dict(request.headers)
        if signature:
            headers["Authorization"] = signature.header
        try:
            with (
                exchange_deadline(self._policy.exchange_s),
                closing(
                    self._session().request(
                        request.method,
                        request.url,
                        headers=headers,
                        data=request.form,
                        timeout=(self._policy.connect_s, self._policy.read_s),
                        allow_redirects=False,
                        stream=True,
                    )
                ) as response,
            ):
                return HttpReply(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=self._body(response),
                )
        # The exceptions carry the request, and so a patient's data: nothing of them goes on.
        except (requests.RequestException, OSError, UnicodeError) as error:
            raise _connection_error(error) from None

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._policy.max_body_bytes:
                raise PayerError(
                    ErrorClass.TRANSIENT, "answer_too_large", "The payer's answer is too large."
                )
        return bytes(body)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = open_session()
            self._sessions.append(session)
        return session


def _connection_error(error: Exception) -> PayerError:
    if isinstance(error, requests.exceptions.SSLError) and not _is_cut_off(error):
        return PayerError(
            ErrorClass.CONFIG,
            "tls_failed",
            "The payer's certificate or encryption was not accepted. Check the payer's address "
            "and the certificate bundle.",
        )
    if isinstance(error, requests.ConnectTimeout):
        code = "connect_failed"
    elif isinstance(error, requests.Timeout | TimeoutError):
        code = "timed_out"
    elif isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        code = "connection_failed"
    elif isinstance(error, requests.exceptions.ContentDecodingError):
        code = UNREADABLE
    elif isinstance(error, requests.RequestException | UnicodeError):
        return PayerError(
            ErrorClass.CONFIG,
            "request_not_possible",
            "The call to the payer could not be made. Check the payer's address.",
        )
    else:
        code = "connection_failed"
    return PayerError(ErrorClass.TRANSIENT, code, "The payer could not be reached.")


def _is_cut_off(error: BaseException) -> bool:
    """Whether the connection ended in the middle of TLS, which is no fault of a certificate."""
    return any(
        isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps: requests and urllib3 nest the cause in their arguments."""
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException):
            yield cause
            pending += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
