"""How an answer goes wrong, in what it says and on its way."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from claims_pipeline.sandbox.faults import FaultWhat
from claims_pipeline.sandbox.part import Call, SandboxPart
from claims_pipeline.sandbox.reply import Reply

Send = Callable[[dict[str, Any]], Awaitable[None]]

_EXTENSION = "sandbox.connection"
_CHUNK_BYTES = 1 << 20
_HTML = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


class TransportProtocol(HttpToolsProtocol):
    """Shows the connection to the application, which may have to break it."""

    def on_message_begin(self) -> None:
        """Begin an HTTP request."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


def replaced(part: SandboxPart, kind: str, call: Call, what: FaultWhat) -> Reply:
    """Return the answer that a fault puts in the place of the channel's own."""
    if what.code is not None:
        return _error_with_code(part, kind, call, what)
    if what.status is not None:
        content_type = ("content-type", "text/plain" if what.body else "application/json")
        return Reply(
            status=what.status,
            headers=[content_type, *what.extra_headers()],
            body=(what.body or "{}").encode(),
        )
    if what.html:
        return Reply(headers=[("content-type", "text/html")], body=_HTML)
    if what.big_body_bytes is not None:
        filler = b'{"claims":[],"filler":"'
        return Reply(body=filler + b"x" * max(0, what.big_body_bytes - len(filler) - 2) + b'"}')
    answer = part.answer(kind, call)
    answer.headers += what.extra_headers()
    if what.body is not None:
        answer.claims, answer.body = None, what.body.encode()
    if what.claims is not None and answer.claims:
        answer.claims = _changed(part, what.claims, answer.claims)
    return answer


def _error_with_code(part: SandboxPart, kind: str, call: Call, what: FaultWhat) -> Reply:
    error = part.error(what.code or "", call)
    error.status = what.status or error.status
    error.headers += what.extra_headers()
    if what.keep_claims and (claims := part.answer(kind, call).claims) is not None:
        errors = error.body.removeprefix(b"{")
        error.body = b'{"claims":[' + b",".join(claims) + b"]," + errors
    return error


def _changed(part: SandboxPart, change: str, claims: list[bytes]) -> list[bytes]:
    match change:
        case "reordered":
            return claims[::-1]
        case "duplicated":
            return [claim for claim in claims for _ in range(2)]
        case "missing":
            return claims[1::2]
        case "foreign":
            return part.strangers(claims)
    return part.unreadable(claims)


async def deliver(reply: Reply, send: Send, *, what: FaultWhat | None, scope: Any) -> None:
    """Send an answer, spoiled on its way if a fault says so."""
    body = reply.rendered_body()
    if what is not None and what.empty:
        body = b""
    if what is not None and what.truncated:
        body = body[: len(body) // 2]
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    headers.append((b"content-length", str(len(body)).encode()))
    headers.append((b"x-payer-environment", b"sandbox"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if what is None or not (what.reset or what.drip_bytes_per_s or len(body) > _CHUNK_BYTES):
        await send({"type": "http.response.body", "body": body})
        return
    transport = scope["extensions"][_EXTENSION]["transport"]
    if what.reset:
        body = body[: len(body) // 2]
    async for piece in _pieces(body, what.drip_bytes_per_s):
        if transport.is_closing():
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if what.reset:
        await _reset(transport)
        return
    await send({"type": "http.response.body", "body": b""})


async def _pieces(body: bytes, bytes_per_s: float | None) -> AsyncIterator[bytes]:
    size = _CHUNK_BYTES
    if bytes_per_s is not None:
        size = max(1, int(bytes_per_s / 10))
    for at in range(0, len(body), size):
        yield body[at : at + size]
        if bytes_per_s is not None:
            await asyncio.sleep(size / bytes_per_s)


async def _reset(transport: Any) -> None:
    """Send what was written so far, then break the connection."""
    while transport.get_write_buffer_size():
        await asyncio.sleep(0.001)
    # Lingering for no time makes the kernel send RST instead of FIN.
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
