"""A payer that says exactly the bytes it is told to, over a real socket.

For answers no well-behaved server can give. The sandbox plays a payer; this plays a broken wire.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

Chunks = Iterable[bytes]
RESET = b"<reset>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An HTTP request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_token(self) -> bool:
        return self.path.endswith("/oauthtoken")


def http(body: bytes = b"", *, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def json_http(
    content: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> bytes:
    """A whole answer in JSON."""
    return http(json.dumps(content).encode(), status=status, headers=headers)


def lclm(number: int | str, *, status: int = 400, **fields: object) -> bytes:
    """The payer's error body."""
    errors = [{"code": f"LCLM_PS_{number}", "message": "words of the payer"}]
    return json_http({"errors": errors, **fields}, status=status)


def token_answer(number: int = 1, **fields: object) -> bytes:
    """A token that lasts."""
    return json_http({"access_token": f"token-{number}", "expires_in": 3600, **fields})


Answers = Callable[[Seen, int], bytes | Chunks]


@dataclass(slots=True, kw_only=True)
class ScriptedPayer:
    """What has been asked, and how to answer: `answer` gets the request and its index."""

    url: str
    answer: Answers = lambda _seen, _index: json_http({"claims": []})
    token: Answers = lambda _seen, _index: token_answer()
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def calls(self) -> list[Seen]:
        return [seen for seen in self.seen if not seen.is_token]

    @property
    def token_calls(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.is_token]

    def say(self, *answers: bytes | Chunks) -> None:
        """Answer the calls with these in turn, the last one for all that follow."""
        self.answer = lambda _seen, index: answers[min(index, len(answers) - 1)]

    def drip(self, data: bytes, *, every_s: float) -> Iterator[bytes]:
        """One byte at a time, until the test is over."""
        for number in data:
            if self.stopping.wait(every_s):
                return
            yield bytes([number])


@contextmanager
def scripted_payer(*, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedPayer]:
    """A payer on a free port of this machine while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "https" if tls else "http"
        payer = ScriptedPayer(url=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_accept, args=(listener, payer, tls), daemon=True)
        thread.start()
        try:
            yield payer
        finally:
            payer.stopping.set()
            # Wakes the accepting thread on every platform.
            socket.create_connection(listener.getsockname()).close()
            thread.join(timeout=10)


class _NotHttpError(Exception):
    """Somebody speaks another protocol, such as TLS."""


def _accept(listener: socket.socket, payer: ScriptedPayer, tls: ssl.SSLContext | None) -> None:
    while not payer.stopping.is_set():
        connection, _ = listener.accept()
        payer.connections += 1
        threading.Thread(target=_serve, args=(connection, payer, tls), daemon=True).start()


def _serve(connection: socket.socket, payer: ScriptedPayer, tls: ssl.SSLContext | None) -> None:
    with connection:
        try:
            stream = tls.wrap_socket(connection, server_side=True) if tls else connection
            with stream, stream.makefile("rb") as reader:
                try:
                    while (seen := _read_request(reader)) and _answer(stream, payer, seen):
                        pass
                except _NotHttpError:
                    stream.sendall(http(status=400))
        except OSError:
            return


def _read_request(reader: BinaryIO) -> Seen | None:
    line = reader.readline()
    if not line:
        return None
    if not line.endswith(b" HTTP/1.1\r\n"):
        raise _NotHttpError
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while field_line := reader.readline().decode("latin-1").strip():
        name, _, value = field_line.partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Seen(method=method, path=path, headers=headers, body=body)


def _answer(connection: socket.socket, payer: ScriptedPayer, seen: Seen) -> bool:
    """Send the answer; whether the connection goes on."""
    with payer.lock:
        index = len(payer.token_calls if seen.is_token else payer.calls)
        payer.seen.append(seen)
    answer = (payer.token if seen.is_token else payer.answer)(seen, index)
    if isinstance(answer, bytes):
        connection.sendall(answer)
        return True
    for chunk in answer:
        if chunk is RESET:
            # A linger of no time turns the close into a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        connection.sendall(chunk)
    return False
