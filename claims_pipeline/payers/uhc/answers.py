"""UHC's answers: JSON or not, and what the payer's error codes mean."""

import re
from dataclasses import dataclass, field
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.base import NOTHING_THERE
from claims_pipeline.payers.json_fields import Fields, entries, fields, parsed, text
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer

_ERROR_CODE = re.compile(r"LCLM_P[A-Z]_(\d{3})")
_CLASS_BY_NUMBER = MappingProxyType(
    {
        "102": ErrorClass.FIX_INPUT,
        "105": ErrorClass.CONFIG,
        "106": ErrorClass.FIX_INPUT,
        "107": ErrorClass.FIX_INPUT,
        "108": ErrorClass.FIX_INPUT,
        "111": ErrorClass.FIX_INPUT,
        "112": ErrorClass.SPLIT_WINDOW,
        "113": ErrorClass.FIX_INPUT,
        "201": ErrorClass.NOT_FOUND,
        "202": ErrorClass.CONFIG,
        "203": ErrorClass.RESTART_PAGING,
        "301": ErrorClass.TRANSIENT,
        "302": ErrorClass.ESCALATE,
        "303": ErrorClass.TRANSIENT,
        "304": ErrorClass.TRANSIENT,
        "305": ErrorClass.PARTIAL,
        "306": ErrorClass.SPLIT_WINDOW,
        "307": ErrorClass.NEAR_MATCH,
        "500": ErrorClass.TRANSIENT,
    }
)
_MESSAGES = MappingProxyType(
    {
        ErrorClass.TRANSIENT: "The payer could not answer now.",
        ErrorClass.FIX_INPUT: "The payer refused what was asked. Check the row's names and dates.",
        ErrorClass.NOT_FOUND: "The payer has nothing for this question.",
        ErrorClass.CONFIG: "The payer does not accept this practice's tax id or payer id.",
        ErrorClass.SPLIT_WINDOW: "The payer has too many claims in this range of dates.",
        ErrorClass.RESTART_PAGING: "The payer lost track of this search.",
        ErrorClass.PARTIAL: "The payer could not give all claims.",
        ErrorClass.NEAR_MATCH: "The payer has a claim like this on another date of service.",
        ErrorClass.ESCALATE: "The payer does not answer this question online.",
    }
)
_THROTTLED = 429
_BAD_REQUEST = 400
_NOT_FOUND = 404
# With these the payer sends codes of its own.
_OWN_STATUSES = frozenset({_BAD_REQUEST, _NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class UhcAnswer:
    """An answer's fields, and the error that stands beside them if the caller deals with it."""

    fields: Fields = field(repr=False)
    problem: PayerError | None = None


def read_answer(reply: HttpReply, *, done: frozenset[ErrorClass] = frozenset()) -> UhcAnswer:
    """Understand any UHC answer; an error is raised unless its class is in `done`.

    The payer's own code counts before the HTTP status, but for 429, which a gateway says. Where
    that code got lost on the way, the status alone is not believed. A 404 without it is neither
    "nothing found" nor, for one call, a wrong address: a gateway that starts anew says so too.

    Raises:
        PayerError: with the code's class, else the status's; transient when the answer is not
            what the contract promises, `NOTHING_THERE` for a 404 that is not the payer's own.

    """
    try:
        document = parsed(reply.body)
    except ValueError:
        document = None
    problem = None if reply.status == _THROTTLED else _error_in(document)
    if problem is None and reply.status != 200:
        if document is None and _is_cut_off(reply):
            raise unreadable_answer()
        if reply.status == _NOT_FOUND:
            raise PayerError(
                ErrorClass.TRANSIENT,
                NOTHING_THERE,
                "Nothing was found at the payer's address (HTTP 404).",
            )
        raise error_for_status(reply.status)
    if problem is not None and problem.error_class not in done:
        raise problem
    if not isinstance(document, dict):
        raise unreadable_answer()
    if problem is None and document.get("errors"):
        raise payer_error(ErrorClass.ESCALATE, "payer_error_unknown")
    return UhcAnswer(fields=document, problem=problem)


def transaction_of(answer: Fields) -> str | None:
    """The token for the next page, and for detail and payments.

    Raises:
        PayerError: transient, when it could not be sent back as it came.

    """
    token = answer.get("transactionId")
    if token is None or token == "":
        return None
    if not isinstance(token, str) or not is_sendable(token):
        raise unreadable_answer()
    return token


def is_sendable(value: str) -> bool:
    """Whether a payer's value can stand in an HTTP header exactly as it is."""
    return value.isascii() and text(value) == value


def payer_error(error_class: ErrorClass, code: str) -> PayerError:
    """An error of the payer in our words: its own may repeat a patient's data."""
    return PayerError(error_class, code, _MESSAGES[error_class])


def _is_cut_off(reply: HttpReply) -> bool:
    """Whether the body of one of the payer's own errors is not whole, or with 400 missing."""
    body = reply.body.lstrip()
    if not body:
        return reply.status == _BAD_REQUEST
    return reply.status in _OWN_STATUSES and body.startswith(b"{")


def _error_in(document: object) -> PayerError | None:
    """The first error whose code is known."""
    for error in entries(fields(document).get("errors")):
        match = _ERROR_CODE.fullmatch(text(error.get("code")) or "")
        if match and match[1] in _CLASS_BY_NUMBER:
            return payer_error(_CLASS_BY_NUMBER[match[1]], match[0])
    return None
