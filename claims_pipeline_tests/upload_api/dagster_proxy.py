"""Stands between the API and Dagster's webserver, and spoils launches as it is told."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from claims_pipeline.cli.local.processes import free_port

# Longer than the API waits for an answer.
_SLOW_S = 13.0


class Spoil(Enum):
    """What becomes of a launch; everything else passes."""

    NOTHING = "nothing"
    SLOW = "slow"  # launched, and the answer comes too late
    REPLY_LOST = "reply lost"  # launched, and the connection ends without an answer
    SENT_IN_VAIN = "sent in vain"  # not launched, and the connection ends without an answer
    REFUSED = "refused"  # not launched: 200 with a PythonError
    REFUSED_TOO_LATE = "refused too late"  # launched, and 200 with a PythonError
    HTML = "html"  # not launched: a page of a proxy that is no GraphQL


_LAUNCHED = {Spoil.NOTHING, Spoil.SLOW, Spoil.REPLY_LOST, Spoil.REFUSED_TOO_LATE}


class DagsterProxy:
    """Passes GraphQL on to `upstream`; `spoil` decides about launches, which it counts."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.spoil = Spoil.NOTHING
        self.launches = 0
        self._port = free_port()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def answer(self, body: bytes) -> bytes | None:
        """The answer to one GraphQL operation; None for none at all."""
        if b"launchRun" not in body:
            return self._passed_on(body)
        self.launches += 1
        passed = self._passed_on(body) if self.spoil in _LAUNCHED else None
        if self.spoil is Spoil.SLOW:
            threading.Event().wait(_SLOW_S)
        if self.spoil in {Spoil.REFUSED, Spoil.REFUSED_TOO_LATE}:
            return json.dumps({"data": {"answer": {"__typename": "PythonError"}}}).encode()
        if self.spoil is Spoil.HTML:
            return b"<html>502</html>"
        return None if self.spoil is Spoil.REPLY_LOST else passed

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer while the block lasts; outside it connections are refused."""
        with served(self.answer, port=self._port):
            yield

    def _passed_on(self, body: bytes) -> bytes:
        return requests.post(
            f"{self.upstream}/graphql",
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=60,
        ).content


@contextmanager
def served(answer: Callable[[bytes], bytes | None], *, port: int | None = None) -> Iterator[str]:
    """Serve what `answer` says to each body that is posted, or end the connection; the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = answer(self.rfile.read(int(self.headers["Content-Length"])))
            if said is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # The client had waited long enough.

    server = ThreadingHTTPServer(("127.0.0.1", port or 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="proxy", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
