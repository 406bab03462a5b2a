"""What the sandbox payer does for each kind of call."""

import itertools
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs

from claims_pipeline.sandbox.part import PayerOptions
from claims_pipeline.sandbox.reply import Reply, json_reply
from claims_pipeline.sandbox.uhc.inquiry import Inquiry, RefusedError, read_inquiry
from claims_pipeline.sandbox.uhc.wire import detail, payment, summary_claim
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import PAYER_ID, World

CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox"  # noqa: S105 - guards nothing: the sandbox holds no real data
PAGE_SIZE = 50
MOST_RESULTS = 500

# Bounds of what a server that runs for days keeps.
_MOST_TRANSACTIONS = 200_000
_MOST_RENDERED = 40_000


@dataclass(frozen=True, slots=True)
class _Transaction:
    inquiry: Inquiry
    offset: int
    expires_at: float


class PayerCalls:
    """Answers calls from the world. For one event loop: its state has no locks."""

    def __init__(
        self,
        *,
        make_world: Callable[[date], World],
        today: Callable[[], date],
        options: PayerOptions,
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

    def world(self) -> World:
        """The world of today; a new one is made when the date changes."""
        today = self._today()
        if today != self._world.today:
            self._world = self._make_world(today)
            self._rendered.clear()
        return self._world

    def expire_tokens(self) -> None:
        """No token given so far is good any longer."""
        self._tokens.clear()

    def token(self, body: bytes) -> Reply:
        """Answer a token call."""
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        if form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"}, status=400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return json_reply({"error": "invalid_client"}, status=401)
        token = f"sandbox-token-{next(self._serial)}"
        lifetime_s = self._options.token_lifetime_s
        self._tokens[token] = self._clock() + lifetime_s
        return json_reply(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime_s)}
        )

    def claims_call(self, kind: str, headers: Mapping[str, str]) -> Reply:
        """Answer a summary, detail or payment call; header names are in lower case.

        Raises:
            RefusedError: with the payer's code.

        """
        if not self._is_authorized(headers):
            return json_reply({"error": "invalid_token"}, status=401)
        if kind == "summary":
            return self._summary(headers)
        return self._about_claim(kind, headers)

    def _is_authorized(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > self._clock()

    def _summary(self, headers: Mapping[str, str]) -> Reply:
        world = self.world()
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
            token = self._new_transaction(inquiry, next_offset)
            reply.after_claims = b'],"transactionId":"' + token.encode() + b'"}'
        return reply

    def _about_claim(self, kind: str, headers: Mapping[str, str]) -> Reply:
        claim_number = headers.get("claimnumber", "")
        token = headers.get("transactionid", "")
        if not claim_number or (self._options.token_on_last_page and not token):
            raise RefusedError("LCLM_PS_102", "transactionId and claimNumber are mandatory")
        world = self.world()
        records = world.records_numbered(claim_number)
        if token:
            searched = self._transaction(token).inquiry.practice.number
            records = tuple(record for record in records if record.practice_number == searched)
        if not records:
            raise RefusedError("LCLM_PS_201", "Nothing found")
        if kind == "detail":
            return json_reply(detail(records, token))
        return json_reply(payment(records, world.practices[records[0].practice_number - 1]))

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
