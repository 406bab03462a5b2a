"""An answer of the sandbox, before it is sent."""

import json
from dataclasses import dataclass, field

_JSON = ("content-type", "application/json")


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer before it is sent; `claims` are the entries of a page of claims, as JSON.

    The body of a page is `before_claims`, the entries with commas between them, `after_claims`.
    `is_error` is what the payer counts as `errors_sent`: "no data" is an answer like any other.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=lambda: [_JSON])
    body: bytes = b""
    claims: list[bytes] | None = None
    before_claims: bytes = b'{"claims":['
    after_claims: bytes = b"]}"
    is_error: bool = False

    def rendered_body(self) -> bytes:
        """The body's bytes; a page of claims is put together here."""
        if self.claims is None:
            return self.body
        return self.before_claims + b",".join(self.claims) + self.after_claims


def json_reply(content: object, *, status: int = 200) -> Reply:
    """Answer with JSON."""
    return Reply(status=status, body=json.dumps(content).encode(), is_error=status >= 400)
