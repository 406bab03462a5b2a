"""The sandbox payer over HTTP, as plain ASGI.

Plain because benchmarks measure the client: the server must never be what they wait for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from claims_pipeline.sandbox.delivery import Send, deliver, replaced
from claims_pipeline.sandbox.faults import Faults, FaultScript, FaultWhat, read_scripts
from claims_pipeline.sandbox.uhc.inquiry import RefusedError
from claims_pipeline.sandbox.uhc.payer_calls import PayerCalls
from claims_pipeline.sandbox.uhc.reply import Reply, json_reply, refused

# The shapes of ASGI, a protocol of plain dictionaries.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_KINDS = {
    ("POST", "/v1/oauthtoken"): "token",
    ("GET", "/Claims/api/claim/summary/byprovider/v2.0"): "summary",
    ("GET", "/Claims/api/claim/detail/v2.0"): "detail",
    ("GET", "/Claims/api/claim/payment/v2.0"): "payment",
}
_MOST_BODY_BYTES = 1_000_000


@dataclass(slots=True, kw_only=True)
class Stats:
    """What the payer has counted since it was reset.

    `errors_sent` counts error statuses other than "no data", and answers that a fault spoiled.
    Token calls do not count as concurrent ones.
    """

    calls: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS.values(), 0))
    errors_sent: int = 0
    max_concurrency: int = 0

    def as_json(self) -> dict[str, object]:
        """The answer of `/sandbox/stats`."""
        return {
            "calls": dict(self.calls),
            "errors_sent": self.errors_sent,
            "max_concurrency": self.max_concurrency,
        }


class PayerApp:
    """The ASGI application. One event loop, no threads: its state needs no locks."""

    def __init__(
        self, payer: PayerCalls, *, latency_ms: float, scripts: Sequence[FaultScript] = ()
    ) -> None:
        self._payer = payer
        self._latency_s = latency_ms / 1000
        self._faults = Faults(scripts)
        self._stats = Stats()
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method, path = scope["method"], scope["path"]
        kind = _KINDS.get((method, path))
        if kind is None:
            reply = await self._own_page(method, path, receive)
            await deliver(reply, send, what=None, scope=scope)
            return
        self._stats.calls[kind] += 1
        if kind == "token":
            await self._answer(kind, scope, await _body(receive), receive, send)
            return
        self._in_flight += 1
        self._stats.max_concurrency = max(self._stats.max_concurrency, self._in_flight)
        try:
            await self._answer(kind, scope, b"", receive, send)
        finally:
            self._in_flight -= 1

    async def _answer(
        self, kind: str, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        what = self._faults.choose(kind, headers)
        wait_s = self._latency_s + (what.delay_s if what else 0.0)
        if wait_s and await _hangs_up(receive, within_s=wait_s):
            return
        reply = self._reply(kind, headers, body, what)
        if reply.is_error or (what is not None and what.spoils_the_answer):
            self._stats.errors_sent += 1
        await deliver(reply, send, what=what, scope=scope)

    def _reply(
        self, kind: str, headers: Mapping[str, str], body: bytes, what: FaultWhat | None
    ) -> Reply:
        def answer() -> Reply:
            try:
                if kind == "token":
                    return self._payer.token(body)
                return self._payer.claims_call(kind, headers)
            except RefusedError as refusal:
                return refused(refusal, headers)

        if what is None:
            return answer()
        if what.expire_tokens:
            self._payer.expire_tokens()
        return replaced(answer, what, headers)

    async def _own_page(self, method: str, path: str, receive: Receive) -> Reply:
        """The sandbox's own addresses, for tests and demonstrations."""
        match method, path:
            case "GET", "/sandbox/world":
                practices = [
                    {"id": practice.practice_id, "tin": practice.tin, "name": practice.name}
                    for practice in self._payer.world().practices
                ]
                return json_reply({"practices": practices})
            case "GET", "/sandbox/stats":
                return json_reply(self._stats.as_json())
            case "POST", "/sandbox/reset":
                self._stats = Stats()
                self._faults = Faults()
                return json_reply({})
            case "POST", "/sandbox/faults":
                try:
                    self._faults = Faults(read_scripts(await _body(receive)))
                except ValidationError as error:
                    return json_reply({"error": str(error)}, status=400)
                return json_reply({})
        return json_reply({"error": "no such page"}, status=404)


async def _hangs_up(receive: Receive, *, within_s: float) -> bool:
    """Wait, unless the caller leaves first: a call that nobody waits for is not in flight."""
    try:
        async with asyncio.timeout(within_s):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _MOST_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body
