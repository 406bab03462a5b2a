"""Availity's answers: whether there is one yet, and what stands in its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import StatusCode
from claims_pipeline.payers.base import NOTHING_THERE, REFERENCE_UNKNOWN
from claims_pipeline.payers.json_fields import Fields, entries, fields, parsed, text
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer

_OK = 200
_ACCEPTED = 202
_SEE_OTHER = 303
_NOT_FOUND = 404
# An id is put into an address: nothing else of a `Location` is believed.
_ID = re.compile(r"[A-Za-z0-9_.~-]{1,200}")
_COMPLETE = "4"
_IN_PROGRESS = "0"
_GOES_ON = ("progress", "retry", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look found: the whole claim status, none yet, or the reason why there will be none."""

    status: Fields | None = field(default=None, repr=False)
    problem: PayerError | None = None


def read_submission(reply: HttpReply) -> str | None:
    """The id of what was submitted; None when the answer names none.

    With 200 and with 202 comes a set of summaries. A complete one has no claims in it either: they
    are looked for by its id.

    Raises:
        PayerError: by the HTTP status.

    """
    if reply.status == _NOT_FOUND:
        raise PayerError(
            ErrorClass.TRANSIENT,
            NOTHING_THERE,
            "Nothing was found at the payer's address (HTTP 404).",
        )
    if reply.status not in {_OK, _ACCEPTED}:
        raise error_for_status(reply.status)
    if located := _id_in(reply.headers.get("location")):
        return located
    for summary in entries(_document(reply).get("claimStatuses")):
        link = text(fields(fields(summary.get("links")).get("self")).get("href"))
        if found := _id_in(link) or _id_in(text(summary.get("id"))):
            return found
    return None


def read_look(reply: HttpReply) -> Looked:
    """What a look brought. 202 means not yet, and so does a state that goes on.

    Raises:
        PayerError: by the HTTP status. What looking again at once would not change stands in the
            answer: an inquiry that is unknown, or in a state of which nobody knows the meaning,
            which is never that there is no claim.

    """
    if reply.status in {_ACCEPTED, _SEE_OTHER}:
        return Looked()
    if reply.status == _NOT_FOUND:
        return _failed(
            REFERENCE_UNKNOWN, "The payer does not know the inquiry any longer. Retry later."
        )
    if reply.status != _OK:
        raise error_for_status(reply.status)
    document = _document(reply)
    code = text(document.get("statusCode"))
    words = (text(document.get("status")) or "").casefold()
    if code == _COMPLETE:
        return Looked(status=document)
    if code == _IN_PROGRESS or any(word in words for word in _GOES_ON):
        return Looked()
    return _failed(
        "lookup_state_unknown",
        "The inquiry ended in a state that is not documented; nothing is known of the claim.",
    )


def _failed(code: str, message: str) -> Looked:
    return Looked(problem=PayerError(ErrorClass.TRANSIENT, code, message, is_answer=True))


def statuses_of(values: object) -> tuple[StatusCode, ...]:
    """The `statusDetails[]` of a claim, a provider or the submitter."""
    rows = (
        StatusCode(
            category_code=text(row.get("categoryCode")),
            category_description=text(row.get("category")),
            status_code=text(row.get("statusCode")),
            status_description=text(row.get("status")),
        )
        for row in entries(values)
    )
    return tuple(row for row in rows if row != StatusCode())


def statuses_above_claims(status: Fields) -> tuple[StatusCode, ...]:
    """What is said of the submitter and the providers, instead of claims."""
    return tuple(
        row for level in _levels(status) for row in statuses_of(level.get("statusDetails"))
    )


def _levels(status: Fields) -> Iterator[Fields]:
    yield fields(status.get("submitter"))
    yield from entries(status.get("providers"))


def _document(reply: HttpReply) -> Fields:
    try:
        document = parsed(reply.body)
    except ValueError:
        raise unreadable_answer() from None
    if not isinstance(document, dict):
        raise unreadable_answer()
    return document


def _id_in(address: str | None) -> str | None:
    """The last part of an address's path."""
    last = (address or "").partition("?")[0].rstrip("/").rpartition("/")[2]
    return last if _ID.fullmatch(last) else None
