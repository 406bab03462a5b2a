"""Somebody who is told: a real HTTP server that checks signatures as the standard says."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


class Listener:
    """What was told, and with which statuses to answer; by default 204 to all."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[int] = []
        self.bodies: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self.ids: list[str] = []

    def settings(self) -> dict[str, str]:
        """What makes it the receiver of alerts."""
        return {"CLAIMS_ALERT_WEBHOOK_URL": self.url, "CLAIMS_ALERT_WEBHOOK_SECRET": SECRET}

    def hear(self, body: bytes, headers: dict[str, str]) -> int:
        """Note a message whose signature is right; the status to answer with."""
        self.messages.append(Webhook(SECRET).verify(body, headers))
        self.bodies.append(body)
        self.ids.append(headers["webhook-id"])
        return self.answers.pop(0) if self.answers else 204


@contextmanager
def listening() -> Iterator[Listener]:
    """A receiver on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(listener.hear(body, headers))
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            del arguments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_address[1]}/alerts")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
