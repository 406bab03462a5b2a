"""The sandbox payer over HTTP: the contract of the UHC claims API, as plain ASGI.

Plain ASGI because benchmarks measure the client: the server must never be what they wait for.
"""

import asyncio
import itertools
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import parse_qs

from claims_pipeline.sandbox.claims import Record
from claims_pipeline.sandbox.inquiry import Inquiry, RefusedError, read_inquiry
from claims_pipeline.sandbox.wire import detail, payment, summary_claim
from claims_pipeline.sandbox.world import PAYER_ID, World, WorldPractice

# The shapes of ASGI, a protocol of plain dictionaries.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox"  # noqa: S105 - guards nothing: the sandbox holds no real data
PAGE_SIZE = 50
MOST_RESULTS = 500

_KINDS = {
    ("POST", "/v1/oauthtoken"): "token",
    ("GET", "/Claims/api/claim/summary/byprovider/v2.0"): "summary",
    ("GET", "/Claims/api/claim/detail/v2.0"): "detail",
    ("GET", "/Claims/api/claim/payment/v2.0"): "payment",
}
_JSON = ("content-type", "application/json")
_MOST_TRANSACTIONS = 200_000
_MOST_RENDERED = 40_000
_MOST_BODY_BYTES = 1_000_000
# What the payer answers with beside each of its codes; 400 for all others.
_STATUS_OF_CODE = {
    "LCLM_PS_201": 404,
    "LCLM_PS_203": 404,
    "LCLM_PS_105": 403,
    "LCLM_PS_202": 403,
    "LCLM_PS_301": 504,
    "LCLM_PS_302": 500,
    "LCLM_PS_303": 500,
    "LCLM_PS_304": 500,
    "LCLM_PS_305": 500,
    "LCLM_PS_500": 500,
    "LCLM_PA_500": 500,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the payer behaves.

    `token_lifetime_s` is sent as `expires_in` and obeyed; `transaction_lifetime_s` is how long a
    page's token works. `token_on_last_page` is False for the payer that leaves the transaction id
    away when there is no further page; detail and payment then do not ask for one.
    """

    latency_ms: float = 0.0
    token_lifetime_s: float = 3600.0
    transaction_lifetime_s: float = 24 * 3600.0
    token_on_last_page: bool = True


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer before it is sent; `claims` are the entries of a summary page, as JSON."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [_JSON])
    body: bytes = b""
    claims: list[bytes] | None = None
    transaction: str | None = None

    def rendered_body(self) -> bytes:
        """The body's bytes; a summary page is put together here."""
        if self.claims is None:
            return self.body
        tail = b"]}"
        if self.transaction is not None:
            tail = b'],"transactionId":"' + self.transaction.encode() + b'"}'
        return b'{"claims":[' + b",".join(self.claims) + tail


@dataclass(slots=True, kw_only=True)
class Stats:
    """What the payer has counted since it was reset.

    `errors_sent` counts error statuses other than "no data". Token calls do not count as
    concurrent ones.
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


@dataclass(frozen=True, slots=True)
class _Transaction:
    inquiry: Inquiry
    offset: int
    expires_at: float


class PayerApp:
    """The ASGI application. One event loop, no threads: its state needs no locks."""

    def __init__(
        self,
        *,
        make_world: Callable[[date], World],
        today: Callable[[], date],
        options: ServerOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_world = make_world
        self._today = today
        self._world = make_world(today())
        self._options = options
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._transactions: OrderedDict[str, _Transaction] = OrderedDict()
        self._rendered: OrderedDict[tuple[str, date | None, int], bytes] = OrderedDict()
        self._serial = itertools.count(1)
        self._in_flight = 0
        self._stats = Stats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method, path = scope["method"], scope["path"]
        kind = _KINDS.get((method, path))
        if kind is None:
            await _send(self._own_page(method, path), send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self._stats.calls[kind] += 1
        if kind == "token":
            await self._answer(kind, headers, await _body(receive), send)
            return
        self._in_flight += 1
        self._stats.max_concurrency = max(self._stats.max_concurrency, self._in_flight)
        try:
            await self._answer(kind, headers, b"", send)
        finally:
            self._in_flight -= 1

    async def _answer(self, kind: str, headers: Mapping[str, str], body: bytes, send: Send) -> None:
        if self._options.latency_ms:
            await asyncio.sleep(self._options.latency_ms / 1000)
        try:
            reply = self._token(body) if kind == "token" else self._claims_call(kind, headers)
        except RefusedError as refusal:
            reply = refused(refusal, headers)
        if reply.status >= 400 and not _is_no_data(reply):
            self._stats.errors_sent += 1
        await _send(reply, send)

    def _token(self, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return _json_reply({"error": "unsupported_grant_type"}, status=400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _json_reply({"error": "invalid_client"}, status=401)
        token = f"sandbox-token-{next(self._serial)}"
        lifetime_s = self._options.token_lifetime_s
        self._tokens[token] = self._clock() + lifetime_s
        return _json_reply(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime_s)}
        )

    def _claims_call(self, kind: str, headers: Mapping[str, str]) -> Reply:
        if not self._is_authorized(headers):
            return _json_reply({"error": "invalid_token"}, status=401)
        if kind == "summary":
            return self._summary(headers)
        return self._about_claim(kind, headers)

    def _is_authorized(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > self._clock()

    def _summary(self, headers: Mapping[str, str]) -> Reply:
        world = self._world_of_today()
        inquiry = read_inquiry(headers, world)
        offset = 0
        if token := headers.get("transactionid"):
            transaction = self._transaction(token)
            if transaction.inquiry != inquiry:
                raise RefusedError("LCLM_PS_106", "transactionId belongs to another search")
            offset = transaction.offset
        records: list[Record] = []
        if inquiry.payer_id == PAYER_ID:
            records = world.search(inquiry.practice, inquiry.window, inquiry.patient)
        if not records:
            raise RefusedError("LCLM_PS_201", "Nothing found")
        if len(records) > MOST_RESULTS:
            raise RefusedError("LCLM_PS_306", "More than 500 claims, narrow the dates")
        page = records[offset : offset + PAGE_SIZE]
        next_offset = offset + len(page)
        reply = Reply(claims=[self._render(record, inquiry.practice) for record in page])
        if self._options.token_on_last_page or next_offset < len(records):
            reply.transaction = self._new_transaction(inquiry, next_offset)
        return reply

    def _about_claim(self, kind: str, headers: Mapping[str, str]) -> Reply:
        claim_number = headers.get("claimnumber", "")
        token = headers.get("transactionid", "")
        if not claim_number or (self._options.token_on_last_page and not token):
            raise RefusedError("LCLM_PS_102", "transactionId and claimNumber are mandatory")
        if token:
            self._transaction(token)
        records = self._world_of_today().records_numbered(claim_number)
        if not records:
            raise RefusedError("LCLM_PS_201", "Nothing found")
        if kind == "detail":
            return _json_reply(detail(records, token))
        practice = self._world.practices[records[0].practice_number - 1]
        return _json_reply(payment(records, practice))

    def _transaction(self, token: str) -> _Transaction:
        transaction = self._transactions.get(token)
        if transaction is None or transaction.expires_at <= self._clock():
            raise RefusedError("LCLM_PS_203", "Nothing found for this transactionId")
        return transaction

    def _new_transaction(self, inquiry: Inquiry, offset: int) -> str:
        token = f"tx{next(self._serial):012d}"
        expires_at = self._clock() + self._options.transaction_lifetime_s
        self._transactions[token] = _Transaction(inquiry, offset, expires_at)
        if len(self._transactions) > _MOST_TRANSACTIONS:
            self._transactions.popitem(last=False)
        return token

    def _render(self, record: Record, practice: WorldPractice) -> bytes:
        key = (record.claim_number, record.processed, record.order)
        rendered = self._rendered.get(key)
        if rendered is None:
            text = json.dumps(summary_claim(record, practice), separators=(",", ":"))
            rendered = self._rendered[key] = text.encode()
            if len(self._rendered) > _MOST_RENDERED:
                self._rendered.popitem(last=False)
        return rendered

    def _world_of_today(self) -> World:
        today = self._today()
        if today != self._world.today:
            self._world = self._make_world(today)
            self._rendered.clear()
        return self._world

    def _own_page(self, method: str, path: str) -> Reply:
        """The sandbox's own addresses, for tests and demonstrations."""
        if (method, path) == ("GET", "/sandbox/world"):
            practices = [
                {"id": practice.practice_id, "tin": practice.tin, "name": practice.name}
                for practice in self._world_of_today().practices
            ]
            return _json_reply({"practices": practices})
        if (method, path) == ("GET", "/sandbox/stats"):
            return _json_reply(self._stats.as_json())
        if (method, path) == ("POST", "/sandbox/reset"):
            self._stats = Stats()
            return _json_reply({})
        return _json_reply({"error": "no such page"}, status=404)


def refused(refusal: RefusedError, headers: Mapping[str, str]) -> Reply:
    """The payer's error body, which it gives only to those who ask for it."""
    status = _STATUS_OF_CODE.get(refusal.code, 400)
    if headers.get("getstandarderror", "").lower() != "true":
        return _json_reply({"message": refusal.message}, status=status)
    error = {"code": refusal.code, "message": refusal.message}
    return _json_reply({"errors": [error]}, status=status)


def _is_no_data(reply: Reply) -> bool:
    return reply.status == _STATUS_OF_CODE["LCLM_PS_201"]


def _json_reply(content: object, *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(content).encode())


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _MOST_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


async def _send(reply: Reply, send: Send) -> None:
    body = reply.rendered_body()
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    headers.append((b"content-length", str(len(body)).encode()))
    headers.append((b"x-payer-environment", b"sandbox"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
