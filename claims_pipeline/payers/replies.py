"""What came back over HTTP, and what its status alone means.

Everything here treats an answer as hostile: headers may be garbage, a status may be anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from claims_pipeline.errors import ErrorClass, PayerError

UNREADABLE = "answer_unreadable"
_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_FIX_INPUT_STATUSES = frozenset({400, 413, 414, 422, 431})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A whole answer. `headers` has lower-case names; the body is kept out of the repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def unreadable_answer() -> PayerError:
    """An answer that is not what the contract promises: ask again, never guess."""
    return PayerError(
        ErrorClass.TRANSIENT, UNREADABLE, "The payer's answer could not be understood."
    )


def error_for_status(status: int) -> PayerError:
    """What an HTTP status other than 200 means when the body does not say.

    A 404 is a wrong address, never "no such claim".
    """
    code = f"http_{status}"
    if status in _TRANSIENT_STATUSES or status >= 500:
        return PayerError(
            ErrorClass.TRANSIENT, code, f"The payer could not answer now (HTTP {status})."
        )
    if status in _FIX_INPUT_STATUSES:
        return PayerError(
            ErrorClass.FIX_INPUT, code, f"The payer refused the request (HTTP {status})."
        )
    if 200 <= status < 300:
        return unreadable_answer()
    if 300 <= status < 400:
        return PayerError(
            ErrorClass.CONFIG,
            "redirected",
            "The payer's address answers with a redirect, which is never followed. "
            "Check the payer's address in the settings.",
        )
    return PayerError(
        ErrorClass.CONFIG,
        code,
        f"The payer refused the call (HTTP {status}). Check its address and the practice's setup.",
    )


def retry_after_s(reply: HttpReply, *, now: datetime) -> float | None:
    """Seconds to wait by the Retry-After header, never negative; None when it says nothing.

    Both forms of RFC 9110 are read: seconds and an HTTP date.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Nobody waits longer than a day, and a thousand digits are no number of seconds.
        return float(text) if len(text) < 6 else 86_400.0
    try:
        instant = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return max(0.0, (instant - now).total_seconds())
