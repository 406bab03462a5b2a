"""Calls to a payer: time-outs, a total deadline, tries, and a record of every exchange.

Knows HTTP and nothing of claims. What an answer means is told by the `read` function of each
call; a transient `PayerError` from it is tried again like a lost connection.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from claims_pipeline.errors import CancelRequestedError, ErrorClass, PayerError
from claims_pipeline.payers.base import CallKind, CallRecord, Limiter, OnCall
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.policy import CallPolicy, Clockwork
from claims_pipeline.payers.replies import UNREADABLE, HttpReply, error_for_status, retry_after_s
from claims_pipeline.payers.sending import HttpRequest, Sender

T = TypeVar("T")

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_UNAUTHORIZED_CODE = "http_401"
_THROTTLED = 429
_PAUSING_STATUSES = frozenset({_THROTTLED, 503})


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
class _Exchange:
    """One HTTP exchange that took place, whatever came of it."""

    kind: CallKind
    signature: Signature | None
    try_number: int
    started_at: datetime
    duration_s: float
    outcome: HttpReply | PayerError

    @property
    def http_status(self) -> int | None:
        return self.outcome.status if isinstance(self.outcome, HttpReply) else None

    def record(self, error_code: str | None) -> CallRecord:
        return CallRecord(
            kind=self.kind,
            started_at=self.started_at,
            duration_s=self.duration_s,
            http_status=self.http_status,
            error_code=error_code,
            try_number=self.try_number,
        )


class Transport:
    """Asks one payer over HTTP; safe to use from many threads, with a session for each.

    `headers` go with every call.
    """

    def __init__(
        self,
        *,
        limiter: Limiter,
        on_call: OnCall,
        stop: threading.Event,
        environment: PayerEnvironment,
        policy: CallPolicy,
        clockwork: Clockwork,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._limiter = limiter
        self._on_call = on_call
        self._stop = stop
        self._environment = environment
        self._policy = policy
        self._clockwork = clockwork
        self._sender = Sender(policy, headers or {})

    def call(
        self,
        request: HttpRequest,
        read: Callable[[HttpReply], T],
        *,
        authorization: Authorization | None = None,
    ) -> T:
        """Ask until `read` understands an answer or the tries are used up.

        Raises:
            PayerError: at once for what is not transient; `payer_unavailable` when all tries
                were in vain (what each met stands in its call record).
            CancelRequestedError: told to stop, before the next exchange.

        """
        unauthorized = 0
        try_number = 1
        while True:
            if self._stop.is_set():
                raise CancelRequestedError
            # Fetching a token has tries of its own, and needs a slot of its own.
            signature = authorization.current() if authorization else None
            try:
                exchange = self._exchange(request, signature, try_number)
                return self._understood(exchange, read, authorization)
            except PayerError as error:
                if error.error_class is not ErrorClass.TRANSIENT:
                    raise
                unauthorized += error.code == _UNAUTHORIZED_CODE
                if try_number == self._policy.max_tries:
                    raise _given_up(was_let_in=unauthorized < try_number) from None
                is_expired_token = error.code == _UNAUTHORIZED_CODE and unauthorized == 1
            if not is_expired_token:
                self.wait_up_to(self._policy.longest_wait_s(after_try=try_number))
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
        self._sender.close()

    def _exchange(
        self, request: HttpRequest, signature: Signature | None, try_number: int
    ) -> _Exchange:
        """Send and receive once, in one of the payer's slots; what fails is kept, not raised."""
        headers = {"Authorization": signature.header} if signature else {}
        with self._limiter.slot(self._stop):
            started_at, began = self._clockwork.now(), time.monotonic()
            try:
                outcome: HttpReply | PayerError = self._sender.send(request, headers)
            except PayerError as error:
                outcome = error
            duration_s = time.monotonic() - began
        return _Exchange(
            kind=request.kind,
            signature=signature,
            try_number=try_number,
            started_at=started_at,
            duration_s=duration_s,
            outcome=outcome,
        )

    def _understood(
        self,
        exchange: _Exchange,
        read: Callable[[HttpReply], T],
        authorization: Authorization | None,
    ) -> T:
        """What `read` makes of an exchange, which is put on record whatever comes of it."""
        error_code = None
        try:
            if isinstance(exchange.outcome, PayerError):
                raise exchange.outcome
            self._environment.observe(exchange.outcome.headers)
            self._take_notice(exchange.outcome, exchange, authorization)
            value = read(exchange.outcome)
        except PayerError as error:
            error_code = error.code
            self._tell_breaker(error, exchange)
            if error.error_class is ErrorClass.AUTH and authorization and exchange.signature:
                # Some say so with another status than 401.
                with suppress(PayerError):
                    authorization.refused(exchange.signature)
            raise
        finally:
            self._on_call(exchange.record(error_code))
        self._limiter.succeeded()
        return value

    def _take_notice(
        self, reply: HttpReply, exchange: _Exchange, authorization: Authorization | None
    ) -> None:
        """See to what concerns all threads: a refused token, a payer that wants a pause."""
        if authorization and exchange.signature:
            if reply.status == _UNAUTHORIZED:
                authorization.refused(exchange.signature)
                raise PayerError(
                    ErrorClass.TRANSIENT, _UNAUTHORIZED_CODE, "The payer's token has expired."
                )
            if reply.status != _FORBIDDEN:
                authorization.accepted(exchange.signature)
        if reply.status not in _PAUSING_STATUSES:
            return
        asked_s = retry_after_s(reply, now=self._clockwork.now())
        if asked_s is None and reply.status == _THROTTLED:
            # It did not say how long: all wait as long as this call would at most.
            asked_s = self._policy.longest_wait_s(after_try=exchange.try_number)
        if asked_s:
            self._limiter.pause(min(asked_s, self._policy.longest_pause_s))

    def _tell_breaker(self, error: PayerError, exchange: _Exchange) -> None:
        """A payer that throttles, or refuses what was asked, is not down.

        An answer that nobody can read says neither: it may be this page that the payer stumbles
        over, and whoever gives it up asks for something else before the payer counts as down.

        """
        if error.code == UNREADABLE:
            return
        answers = exchange.http_status in {_UNAUTHORIZED, _THROTTLED}
        if error.error_class is ErrorClass.TRANSIENT and not answers:
            self._limiter.failed()
        elif exchange.http_status is not None:
            self._limiter.succeeded()


def _given_up(*, was_let_in: bool) -> PayerError:
    if not was_let_in:
        # Others are let in with the same tokens: it is this practice that is refused.
        return error_for_status(_UNAUTHORIZED)
    return PayerError(
        ErrorClass.TRANSIENT,
        "payer_unavailable",
        "The payer gave no usable answer, even after several tries. Retry later.",
    )
