"""Stedi's answers: errors by status, and the four things that a 200 may be."""

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.api_key import credentials_refused
from claims_pipeline.payers.base import NOTHING_THERE
from claims_pipeline.payers.json_fields import Fields, fields, parsed, text
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer
from claims_pipeline.payers.x12_text import is_acknowledgement

_OK = 200
_FORBIDDEN = 403
_NOT_FOUND = 404
# Of the codes in `errorResponse`, those whose meaning is X12's own (reject reasons of an AAA).
_TRANSIENT_CODES = frozenset({"42", "80"})
_CONFIG_CODES = frozenset({"41", "43", "44", "45", "46", "47", "50", "51"})


def read_answer(reply: HttpReply) -> Fields:
    """The fields of an answer from the payer.

    Raises:
        PayerError: by the HTTP status; transient when the answer is not JSON.

    """
    if reply.status == _FORBIDDEN:
        # Never a claim's fault: a bad key, or an address that is kept out.
        raise credentials_refused()
    if reply.status == _NOT_FOUND:
        raise PayerError(
            ErrorClass.TRANSIENT,
            NOTHING_THERE,
            "Nothing was found at the payer's address (HTTP 404).",
        )
    if reply.status != _OK:
        raise error_for_status(reply.status)
    try:
        document = parsed(reply.body)
    except ValueError:
        raise unreadable_answer() from None
    if not isinstance(document, dict) or not ({"claims", "errorResponse", "x12"} & document.keys()):
        raise unreadable_answer()
    return document


def refusal_in(answer: Fields) -> PayerError | None:
    """Why a 200 is no answer about claims: the payer did not take the question."""
    if problem := fields(answer.get("errorResponse")):
        return _error_response(problem)
    if answer.get("implementationTransactionSetSyntaxError") or is_acknowledgement(
        text_of_x12(answer)
    ):
        return PayerError(
            ErrorClass.FIX_INPUT,
            "inquiry_rejected",
            "The payer refused the inquiry as it was written (999). Check the row's names and ids.",
        )
    return None


def text_of_x12(answer: Fields) -> str:
    """The text of the transaction; empty where there is none."""
    found = answer.get("x12")
    return found if isinstance(found, str) else ""


def _error_response(problem: Fields) -> PayerError:
    code = text(problem.get("code")) or ""
    if code in _TRANSIENT_CODES:
        return PayerError(
            ErrorClass.TRANSIENT,
            "payer_not_reached",
            "The payer cannot be reached. Retry later.",
            is_answer=True,
        )
    if code in _CONFIG_CODES:
        return PayerError(
            ErrorClass.CONFIG,
            "provider_not_accepted",
            "The payer does not take inquiries of this practice. Check its enrollment.",
        )
    # Which codes there are is not documented: whatever it is, nothing was looked up.
    return PayerError(
        ErrorClass.ESCALATE, "inquiry_not_answered", "The payer did not answer this inquiry online."
    )
