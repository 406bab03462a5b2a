"""The sandbox payer over HTTP, as plain ASGI.

Plain because benchmarks measure the client: the server must never be what they wait for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from claims_pipeline.sandbox.delivery import Send, deliver, replaced
from claims_pipeline.sandbox.faults import Faults, FaultScript, FaultWhat, read_scripts
from claims_pipeline.sandbox.part import Call, SandboxPart
from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.world.practices import WorldPractice

# The shapes of ASGI, a protocol of plain dictionaries.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_MOST_BODY_BYTES = 1_000_000
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True, kw_only=True)
class Stats:
    """What a channel has counted since it was reset.

    `errors_sent` counts error statuses other than "no data", and answers that a fault spoiled.
    Token calls do not count as concurrent ones.
    """

    calls: dict[str, int]
    errors_sent: int = 0
    in_flight: int = 0
    max_concurrency: int = 0

    def as_json(self) -> dict[str, object]:
        """A channel's part of the answer of `/sandbox/stats`."""
        return {
            "calls": dict(self.calls),
            "errors_sent": self.errors_sent,
            "max_concurrency": self.max_concurrency,
        }


class PayerApp:
    """The ASGI application. One event loop, no threads: its state needs no locks."""

    def __init__(
        self,
        parts: Sequence[SandboxPart],
        *,
        practices: Callable[[], Sequence[WorldPractice]],
        latency_ms: float,
        scripts: Sequence[FaultScript] = (),
    ) -> None:
        self._parts = parts
        self._practices = practices
        self._latency_s = latency_ms / 1000
        self._faults = Faults(scripts)
        self._stats = self._nothing_counted()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method, path = scope["method"], scope["path"]
        for part in self._parts:
            kind = part.kind_of(method, path)
            if kind is not None:
                await self._call(part, kind, scope, receive, send)
                return
        reply = await self._own_page(method, path, receive)
        await deliver(reply, send, what=None, scope=scope)

    async def _call(
        self, part: SandboxPart, kind: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        stats = self._stats[part.name]
        stats.calls[kind] += 1
        is_counted = kind != "token"
        stats.in_flight += is_counted
        stats.max_concurrency = max(stats.max_concurrency, stats.in_flight)
        try:
            await self._answer(part, kind, stats, scope, receive, send)
        finally:
            stats.in_flight -= is_counted

    async def _answer(  # noqa: PLR0917 - ASGI's own three, and what is counted
        self,
        part: SandboxPart,
        kind: str,
        stats: Stats,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        call = Call(
            method=scope["method"],
            path=scope["path"],
            headers={
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            },
            query=scope.get("query_string", b"").decode("latin-1"),
            # Where there is none nothing is waited for: the next message is that of a hang-up.
            body=await _body(receive) if scope["method"] in _WITH_BODY else b"",
            in_flight=stats.in_flight,
        )
        what = self._faults.choose(part.name, part.facts(kind, call))
        wait_s = self._latency_s + (what.delay_s if what else 0.0)
        if wait_s and await _hangs_up(receive, within_s=wait_s):
            return
        reply = _reply(part, kind, call, what)
        if reply.is_error or (what is not None and what.spoils_the_answer):
            stats.errors_sent += 1
        await deliver(reply, send, what=what, scope=scope)

    def _nothing_counted(self) -> dict[str, Stats]:
        return {part.name: Stats(calls=dict.fromkeys(part.kinds, 0)) for part in self._parts}

    def _stats_page(self) -> dict[str, object]:
        """Those of the first channel stand at the top, too, where clients of old look for them."""
        channels = {name: stats.as_json() for name, stats in self._stats.items()}
        return {**next(iter(channels.values())), "channels": channels}

    async def _own_page(self, method: str, path: str, receive: Receive) -> Reply:
        """The sandbox's own addresses, for tests and demonstrations."""
        match method, path:
            case "GET", "/sandbox/world":
                practices = [
                    {"id": practice.practice_id, "tin": practice.tin, "name": practice.name}
                    for practice in self._practices()
                ]
                return json_reply({"practices": practices})
            case "GET", "/sandbox/stats":
                return json_reply(self._stats_page())
            case "POST", "/sandbox/reset":
                self._stats = self._nothing_counted()
                self._faults = Faults()
                return json_reply({})
            case "POST", "/sandbox/faults":
                try:
                    self._faults = Faults(read_scripts(await _body(receive)))
                except ValidationError as error:
                    return json_reply({"error": str(error)}, status=400)
                return json_reply({})
        return json_reply({"error": "no such page"}, status=404)


def _reply(part: SandboxPart, kind: str, call: Call, what: FaultWhat | None) -> Reply:
    if what is None:
        return part.answer(kind, call)
    if what.expire_tokens:
        part.expire_tokens()
    return replaced(part, kind, call, what)


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
