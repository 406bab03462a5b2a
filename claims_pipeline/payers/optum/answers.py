"""Optum's answers: GraphQL over JSON, whose errors come with any HTTP status and beside claims."""

from dataclasses import dataclass, field
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.json_fields import Fields, entries, fields, parsed, text
from claims_pipeline.payers.replies import HttpReply, error_for_status, unreadable_answer

# By the codes of the contract and of its siblings; what is in none of them could not be asked.
_CLASS_BY_CODE = MappingProxyType(
    {
        "GRAPHQL_VALIDATION_FAILED": ErrorClass.ESCALATE,
        "GRAPHQL_PARSE_FAILED": ErrorClass.ESCALATE,
        "BAD_USER_INPUT": ErrorClass.FIX_INPUT,
        "BAD_REQUEST": ErrorClass.FIX_INPUT,
        "INTERNAL_SERVER_ERROR": ErrorClass.TRANSIENT,
        "SERVICE_UNAVAILABLE": ErrorClass.TRANSIENT,
        "TIMEOUT": ErrorClass.TRANSIENT,
        "UNAUTHENTICATED": ErrorClass.TRANSIENT,
        "FORBIDDEN": ErrorClass.CONFIG,
        "PERMISSION_DENIED": ErrorClass.CONFIG,
    }
)
_MESSAGES = MappingProxyType(
    {
        ErrorClass.TRANSIENT: "The payer could not answer now.",
        ErrorClass.FIX_INPUT: "The payer refused what was asked. Check the row's names and dates.",
        ErrorClass.CONFIG: "The payer does not let this practice be asked. Associate its TIN in "
        "Optum Real's file manager.",
        ErrorClass.PARTIAL: "The payer could not give all claims.",
        ErrorClass.ESCALATE: "The payer does not answer this question online.",
        ErrorClass.SPLIT_WINDOW: "The payer has too many claims in this range of dates.",
    }
)
_THROTTLED = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class OptumAnswer:
    """One page. `problem` stands beside claims that came all the same."""

    claims: list[object] = field(repr=False)
    next_page: str | None
    has_more: bool
    problem: PayerError | None


def read_answer(reply: HttpReply) -> OptumAnswer:
    """Understand any answer. Claims that came beside errors are kept.

    Raises:
        PayerError: with the class of the payer's code where no claims came, else of the HTTP
            status; transient when the answer is not what the contract promises.

    """
    try:
        document = fields(parsed(reply.body))
    except ValueError:
        document = {}
    problem = _problem_in(document)
    if reply.status != 200:
        # A gateway's 429 and 5xx are its own; 4xx come with the payer's code.
        is_the_payers = problem is not None and reply.status < 500 and reply.status != _THROTTLED
        raise problem if problem is not None and is_the_payers else error_for_status(reply.status)
    found = fields(fields(document.get("data")).get("searchClaim"))
    claims = found.get("claims")
    if not isinstance(claims, list):
        raise problem or unreadable_answer()
    paging = fields(found.get("pagination"))
    return OptumAnswer(
        claims=claims,
        next_page=_page_token(paging),
        has_more=paging.get("hasMoreRecords") is True,
        problem=problem and payer_error(ErrorClass.PARTIAL, problem.code),
    )


def payer_error(error_class: ErrorClass, code: str) -> PayerError:
    """An error of the payer in our words: its own may repeat a patient's data."""
    return PayerError(error_class, code, _MESSAGES[error_class])


def _problem_in(document: Fields) -> PayerError | None:
    """The first error; its code may stand in three places, by the product it was built after."""
    errors = document.get("errors")
    if not errors:
        return None
    for error in entries(errors):
        extensions = fields(error.get("extensions"))
        for place in (error.get("code"), extensions.get("code"), extensions.get("classification")):
            code = (text(place) or "").upper()
            if code in _CLASS_BY_CODE:
                return payer_error(_CLASS_BY_CODE[code], f"optum_{code.lower()}")
    return payer_error(ErrorClass.ESCALATE, "optum_error_unknown")


def _page_token(paging: Fields) -> str | None:
    """The token for the next page, which goes back in a header as it came.

    Raises:
        PayerError: transient, when it could not.

    """
    token = paging.get("nextPageToken")
    if token is None or token == "":
        return None
    if not isinstance(token, str) or not token.isascii() or text(token) != token:
        raise unreadable_answer()
    return token
