"""An answer of the sandbox, and the payer's way to say no."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from claims_pipeline.sandbox.uhc.inquiry import RefusedError

_JSON = ("content-type", "application/json")
# What the payer answers with beside each of its codes; 400 for all others.
_STATUS_OF_CODE = {
    "LCLM_PS_105": 403,
    "LCLM_PS_201": 404,
    "LCLM_PS_202": 403,
    "LCLM_PS_203": 404,
    "LCLM_PS_301": 504,
    "LCLM_PS_302": 500,
    "LCLM_PS_303": 500,
    "LCLM_PS_304": 500,
    "LCLM_PS_305": 500,
    "LCLM_PS_500": 500,
    "LCLM_PA_500": 500,
}


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer before it is sent; `claims` are the entries of a summary page, as JSON.

    `is_error` is what the payer counts as `errors_sent`: "no data" is an answer like any other.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [_JSON])
    body: bytes = b""
    claims: list[bytes] | None = None
    transaction: str | None = None
    is_error: bool = False

    def rendered_body(self) -> bytes:
        """The body's bytes; a summary page is put together here."""
        if self.claims is None:
            return self.body
        tail = b"]}"
        if self.transaction is not None:
            tail = b'],"transactionId":"' + self.transaction.encode() + b'"}'
        return b'{"claims":[' + b",".join(self.claims) + tail


def json_reply(content: object, *, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status=status, body=json.dumps(content).encode(), is_error=status >= 400)


def refused(refusal: RefusedError, headers: Mapping[str, str]) -> Reply:
    """Answer with the payer's error body, which it gives only to those who ask for it."""
    content: dict[str, object] = {"message": refusal.message}
    if headers.get("getstandarderror", "").lower() == "true":
        content = {"errors": [{"code": refusal.code, "message": refusal.message}]}
    reply = json_reply(content, status=_STATUS_OF_CODE.get(refusal.code, 400))
    reply.is_error = refusal.code != "LCLM_PS_201"
    return reply
