"""Optum Real's part of the sandbox: tokens, and one address that reads GraphQL."""

import itertools
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLError, execute_sync, parse, validate

from claims_pipeline.sandbox.optum.inquiry import RefusedError, read_inquiry
from claims_pipeline.sandbox.optum.schema import schema
from claims_pipeline.sandbox.optum.wire import claim_entry
from claims_pipeline.sandbox.part import (
    Call,
    CallFacts,
    ChannelPart,
    PayerOptions,
    WorldOfToday,
)
from claims_pipeline.sandbox.reply import Reply, json_reply

CLIENT_ID, CLIENT_SECRET = "sandbox", "sandbox"
PAGE_SIZE = 50

_TOKEN_PATH = "/optum/apip/auth/sntl/v1/token"  # noqa: S105 - an address
_SEARCH_PATH = "/optum/oihub/claim/inquiry/v1"
_HEALTH_PATH = f"{_SEARCH_PATH}/healthcheck"
_KINDS = {
    ("POST", _TOKEN_PATH): "token",
    ("POST", _SEARCH_PATH): "search",
    ("GET", _HEALTH_PATH): "health",
}
_STATUS_OF_CODE = {
    "AUTH_FAILURE": 401,
    "GRAPHQL_VALIDATION_FAILED": 400,
    "GRAPHQL_PARSE_FAILED": 400,
    "INTERNAL_SERVER_ERROR": 500,
    "GATEWAY_TIMEOUT": 504,
}
# Codes of scripted faults that stand beside claims.
_BESIDE_CLAIMS = "PARTIAL"
_MOST_PAGES_KEPT = 10_000
_MOST_DOCUMENTS_KEPT = 50


class OptumPart:
    """See `SandboxPart`."""

    name = "optum"
    kinds = tuple(_KINDS.values())

    def __init__(self, world: WorldOfToday, options: PayerOptions) -> None:
        self._world = world
        self._options = options
        self._tokens: dict[str, float] = {}
        self._serial = itertools.count(1)
        self._pages: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._documents: OrderedDict[str, DocumentNode | Reply] = OrderedDict()

    def kind_of(self, method: str, path: str) -> str | None:
        """The kind of a call to this address."""
        return _KINDS.get((method, path))

    def facts(self, kind: str, call: Call) -> CallFacts:
        """What fault scripts may ask of the call."""
        asked = _asked(_content(call))
        return CallFacts(
            kind=kind,
            tin=call.headers.get("providertaxid"),
            patient_last_name=asked.get("memberLastName"),
            further_page="nextpagetoken" in call.headers,
        )

    def answer(self, kind: str, call: Call) -> Reply:
        """The answer of a payer at which nothing goes wrong."""
        if kind == "token":
            return self._token(call)
        if not self._is_authorized(call.headers):
            return _error("AUTH_FAILURE", "The token is missing or has ended")
        if kind == "health":
            return json_reply({"status": "UP"})
        return self._search(call)

    def error(self, code: str, call: Call) -> Reply:
        """An error by its code; `PARTIAL` is one beside the claims."""
        if code != _BESIDE_CLAIMS:
            return _error(code, "As the script says")
        reply = self.answer("search", call)
        if reply.claims is not None:
            errors = [{"message": "Some claims could not be read", "extensions": {}}]
            reply.after_claims = reply.after_claims[:-1] + (
                b', "errors": ' + json.dumps(errors).encode() + b"}"
            )
        return reply

    def strangers(self, claims: list[bytes]) -> list[bytes]:
        """Claims of another practice and of a patient nobody asked for come along."""
        other_practice, stranger = json.loads(claims[0]), json.loads(claims[0])
        other_practice["claimNumber"] = "ZZ99990001"
        for provider in other_practice["provider"].values():
            if provider:
                provider["billingTin"] = "079999999"
        stranger["claimNumber"] = "ZZ99990002"
        stranger["member"] |= {
            "firstName": "NOBODY",
            "lastName": "ASKEDFOR",
            "dateOfBirth": "01/02/1940",
            "subscriberId": "999999999",
        }
        return [json.dumps(other_practice).encode(), *claims, json.dumps(stranger).encode()]

    def unreadable(self, claims: list[bytes]) -> list[bytes]:
        """Entries that are no claims."""
        return [b"17", b'{"claimNumber": null}', *claims]

    def expire_tokens(self) -> None:
        """No token given so far is good any longer."""
        self._tokens.clear()

    def _token(self, call: Call) -> Reply:
        form = call.form()
        if form.get("grant_type") != "client_credentials":
            return _token_refused(400, "grant_type")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _token_refused(401, "client")
        token = f"optum-token-{next(self._serial)}"
        self._tokens[token] = time.monotonic() + self._options.token_lifetime_s
        return json_reply(
            {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": int(self._options.token_lifetime_s),
                "refresh_expires_in": 0,
                "scope": "read_healthcheck",
            }
        )

    def _is_authorized(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._tokens.get(token, 0.0) > time.monotonic()

    def _search(self, call: Call) -> Reply:
        content = _content(call)
        document = self._document(str(content.get("query") or ""))
        if isinstance(document, Reply):
            return document
        variables = content.get("variables")
        result = execute_sync(
            schema(),
            document,
            root_value={"searchClaim": self._resolver(call)},
            variable_values=variables if isinstance(variables, dict) else {},
        )
        return _rendered(result)

    def _document(self, text: str) -> DocumentNode | Reply:
        """The query as it was understood; an answer where it was not."""
        found = self._documents.get(text)
        if found is None:
            found = self._documents[text] = _understood(text)
            if len(self._documents) > _MOST_DOCUMENTS_KEPT:
                self._documents.popitem(last=False)
        return found

    def _resolver(self, call: Call) -> Any:
        def search_claim(_info: object, **arguments: dict[str, str]) -> dict[str, Any]:
            world = self._world()
            asked = arguments["searchClaimInput"]
            try:
                inquiry = read_inquiry(call.headers.get("providertaxid"), asked, world)
                offset = self._offset(call, asked)
            except RefusedError as refusal:
                raise GraphQLError(refusal.message, extensions={"code": refusal.code}) from None
            records = inquiry.looked_up(world)
            page = records[offset : offset + PAGE_SIZE]
            has_more = offset + len(page) < len(records)
            return {
                "claims": [claim_entry(record, inquiry.practice) for record in page],
                "pagination": {
                    "hasMoreRecords": has_more,
                    "nextPageToken": self._next_page(asked, offset + len(page)) if has_more else "",
                },
            }

        return search_claim

    def _next_page(self, asked: Mapping[str, str], offset: int) -> str:
        token = f"page{next(self._serial):012d}"
        self._pages[token] = (json.dumps(asked, sort_keys=True), offset)
        if len(self._pages) > _MOST_PAGES_KEPT:
            self._pages.popitem(last=False)
        return token

    def _offset(self, call: Call, asked: Mapping[str, str]) -> int:
        token = call.headers.get("nextpagetoken")
        if token is None:
            return 0
        body, offset = self._pages.get(token, ("", 0))
        if body != json.dumps(asked, sort_keys=True):
            raise RefusedError("BAD_USER_INPUT", "nextPageToken belongs to another search")
        return offset


def _understood(text: str) -> DocumentNode | Reply:
    try:
        document = parse(text)
    except GraphQLError:
        return _error("GRAPHQL_PARSE_FAILED", "The query cannot be parsed")
    if validate(schema(), document):
        return _error("GRAPHQL_VALIDATION_FAILED", "The query does not fit the schema")
    return document


def _rendered(result: ExecutionResult) -> Reply:
    """The result, with its claims apart where it has any, so that faults can be put among them."""
    if result.errors:
        errors = [
            {"message": error.message, "extensions": error.extensions or {}}
            for error in result.errors
        ]
        return Reply(
            body=json.dumps({"data": result.data, "errors": errors}).encode(), is_error=True
        )
    data = dict(result.data or {})
    found = data.get("searchClaim")
    if not isinstance(found, dict) or not isinstance(found.get("claims"), list):
        return json_reply({"data": data})
    claims = found.pop("claims")
    before = json.dumps({"searchClaim": found})[:-2].encode()
    comma = b", " if found else b""
    return Reply(
        claims=[json.dumps(claim).encode() for claim in claims],
        before_claims=b'{"data": ' + before + comma + b'"claims": [',
        after_claims=b"]}}}",
    )


def _content(call: Call) -> dict[str, Any]:
    try:
        content = json.loads(call.body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _asked(content: Mapping[str, Any]) -> dict[str, str]:
    variables = content.get("variables")
    asked = variables.get("searchClaimInput") if isinstance(variables, dict) else None
    return asked if isinstance(asked, dict) else {}


def _error(code: str, description: str) -> Reply:
    """As the contract's error bodies; what it does not name comes with 200, as from siblings."""
    errors = [{"code": code, "description": description}]
    return Reply(
        status=_STATUS_OF_CODE.get(code, 200),
        body=json.dumps({"errors": errors}).encode(),
        is_error=True,
    )


def _token_refused(status: int, what: str) -> Reply:
    content = {"status": str(status), "failureReason": f"invalid {what}", "Errors": []}
    return json_reply(content, status=status)


def _make(world: WorldOfToday, options: PayerOptions) -> OptumPart:
    return OptumPart(world, options)


def _settings(url: str) -> dict[str, str]:
    return {
        "CLAIMS_OPTUM_API_URL": f"{url}/optum",
        "CLAIMS_OPTUM_TOKEN_URL": f"{url}{_TOKEN_PATH}",
        "CLAIMS_OPTUM_CLIENT_ID": CLIENT_ID,
        "CLAIMS_OPTUM_CLIENT_SECRET": CLIENT_SECRET,
    }


PART = ChannelPart(payer="optum-demo", make=_make, settings=_settings)
