"""Sends one HTTP request and reads the whole answer: no tries, no redirects, no surprises."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import requests
import urllib3

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.base import NOT_CONNECTED, CallKind
from claims_pipeline.payers.connection import exchange_deadline, open_session
from claims_pipeline.payers.policy import CallPolicy
from claims_pipeline.payers.replies import HttpReply, unreadable_answer

_CHUNK_BYTES = 64 * 1024

# The connection ended in the middle of TLS, which is no fault of a certificate.
_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
_TIMED_OUT = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
# Raised before anything was sent: the payer has seen no call.
_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ConnectTimeoutError,
)
_CONNECTION_LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
_UNREADABLE_ANSWERS = (
    requests.exceptions.ContentDecodingError,
    requests.exceptions.InvalidHeader,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request to make; a body is a `form`, or `content` whose type a header names.

    Headers, form and content hold PHI or secrets and stay out of the repr.
    """

    kind: CallKind
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)


class Sender:
    """Sends from many threads, with a session for each; `headers` go with every request."""

    def __init__(self, policy: CallPolicy, headers: Mapping[str, str]) -> None:
        self._policy = policy
        self._headers = dict(headers)
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def send(self, request: HttpRequest, extra_headers: Mapping[str, str]) -> HttpReply:
        """Send `request` with `extra_headers` and read the answer, whatever its status.

        Raises:
            PayerError: no whole answer came; `config` when it never will.

        """
        try:
            with (
                exchange_deadline(self._policy.exchange_s),
                closing(
                    self._session().request(
                        request.method,
                        request.url,
                        headers={**self._headers, **request.headers, **extra_headers},
                        data=request.content if request.form is None else request.form,
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
        # These carry the request, and so a patient's data: nothing of them goes on. What requests
        # raises is an OSError too.
        except (OSError, UnicodeError) as error:
            raise _send_error(error) from None

    def close(self) -> None:
        """Close every thread's connections; sending again opens new ones."""
        while self._sessions:
            self._sessions.pop().close()

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


def _send_error(error: Exception) -> PayerError:
    causes = tuple(_causes(error))
    if isinstance(error, requests.exceptions.SSLError) and not any(
        isinstance(cause, _CUT_OFF) for cause in causes
    ):
        return PayerError(
            ErrorClass.CONFIG,
            "tls_failed",
            "The payer's certificate or encryption was not accepted. Check the payer's address "
            "and the certificate bundle.",
        )
    if isinstance(error, _UNREADABLE_ANSWERS):
        return unreadable_answer()
    if any(isinstance(cause, _NOT_CONNECTED) for cause in causes):
        return PayerError(ErrorClass.TRANSIENT, NOT_CONNECTED, "Could not connect to the payer.")
    if any(isinstance(cause, _TIMED_OUT) for cause in causes):
        return PayerError(ErrorClass.TRANSIENT, "timed_out", "The payer did not answer in time.")
    if isinstance(error, _CONNECTION_LOST) or not isinstance(
        error, requests.RequestException | UnicodeError
    ):
        return PayerError(
            ErrorClass.TRANSIENT, "connection_failed", "The payer could not be reached."
        )
    return PayerError(
        ErrorClass.CONFIG,
        "request_not_possible",
        "The call to the payer could not be made. Check the payer's address.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps: requests and urllib3 nest the cause in their arguments."""
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException):
            yield cause
            pending += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
