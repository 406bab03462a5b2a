"""HTTP sessions that cannot hang: every byte read is under one deadline.

A read time-out begins anew with every byte, so a payer that drips one byte a second would hold a
thread for hours. Here the socket's time-out is cut, before each read, to what is left of the
exchange's deadline; that covers status line and headers too.
"""

import io
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 64 * 1024
_CA_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

# Monotonic instant at which the exchange under way in this thread ends, come what may.
_deadline: ContextVar[float] = ContextVar("exchange_deadline")


@contextmanager
def exchange_deadline(seconds: float) -> Iterator[None]:
    """End all reading in this thread after `seconds` with a time-out."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def open_session() -> requests.Session:
    """A session for one thread: no proxies, no netrc, no redirects asked for, no tries of its own.

    The certificate bundle named by the usual variables is honoured, nothing else of the
    environment is.
    """
    # urllib3 warns of malformed headers by printing them: a hostile answer is not for our logs.
    logging.getLogger("urllib3.connection").disabled = True
    session = requests.Session()
    session.trust_env = False
    bundles = (os.environ.get(name) for name in _CA_BUNDLE_VARIABLES)
    session.verify = next((bundle for bundle in bundles if bundle), True)
    adapter = _DeadlineAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _DeadlineReader(io.RawIOBase):
    """A socket's reading end whose every read ends at the deadline."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket) -> None:
        self._stream = stream
        self._socket = sock
        self._read_timeout_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left_s = _deadline.get() - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        timeout_s = self._read_timeout_s
        self._socket.settimeout(left_s if timeout_s is None else min(timeout_s, left_s))
        count: int | None = self._stream.readinto(buffer)
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)  # type: ignore[arg-type]
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock), _BUFFER_BYTES)


class _DeadlineHTTPConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPSConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPPool(HTTPConnectionPool):
    ConnectionCls = _DeadlineHTTPConnection


class _DeadlineHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineHTTPSConnection


class _DeadlineAdapter(HTTPAdapter):
    """One connection to each address, for one thread."""

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _DeadlineHTTPPool,
            "https": _DeadlineHTTPSPool,
        }
