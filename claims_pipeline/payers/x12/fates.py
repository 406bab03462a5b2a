"""What a reply means for the rows it is about: the whole table, as pure functions.

A failed inquiry is never "not found": only a claim-level reply that says so is. What says nothing
certain leaves its rows waiting, until their deadline.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.payers.status import ABSENT_CATEGORIES
from claims_pipeline.payers.x12.replies import (
    ClaimReply,
    InterchangeAck,
    ProviderReply,
    ReceiverReply,
    SetAck,
    Status,
    StatusLine,
    Verdict,
)


class FateKind(StrEnum):
    """What becomes of a row."""

    WAITING = "waiting"
    CLAIM = "claim"
    NOT_FOUND = "not_found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a row. One that fails has a class, and a code of `MESSAGES`."""

    kind: FateKind
    error_class: ErrorClass | None = None
    code: str | None = None

    def error(self) -> PayerError:
        """The error that its rows show.

        Raises:
            ValueError: the rows have not failed.

        """
        if self.error_class is None or self.code is None:
            raise ValueError("only a fate that failed has an error")
        return PayerError(self.error_class, self.code, MESSAGES[self.code], is_answer=True)


def _failed(error_class: ErrorClass, code: str) -> Fate:
    return Fate(kind=FateKind.FAILED, error_class=error_class, code=code)


MESSAGES = MappingProxyType(
    {
        "interchange_refused": (
            "The clearinghouse did not take the file. Have the partner's ids and qualifiers "
            "checked, then retry."
        ),
        "set_refused": (
            "The clearinghouse did not take the inquiries. Have the partner's setup checked, then "
            "retry."
        ),
        "inquiry_refused": (
            "The clearinghouse refused the inquiry about this row. Check its names, ids and dates."
        ),
        "payer_refused_inquiry": (
            "The payer cannot work with what was asked. Check the row's names, ids and dates."
        ),
        "payer_refused_setup": (
            "The payer does not answer this practice or submitter. Have the enrollment checked."
        ),
        "provider_refused": (
            "The payer does not answer for this practice. Check its NPI and tax id, and whether "
            "it is enrolled with the payer."
        ),
        "payer_not_available": "The payer's system could not look. Retry the row later.",
        "no_answer": (
            "No answer came within the clearinghouse's time. Retry the row; if it happens again, "
            "ask the clearinghouse about the file."
        ),
        "answer_not_understood": (
            "The payer's answer about this row could not be read. Look the claim up at the payer."
        ),
    }
)

WAITING = Fate(kind=FateKind.WAITING)
CLAIM = Fate(kind=FateKind.CLAIM)
NOT_FOUND = Fate(kind=FateKind.NOT_FOUND)
NO_ANSWER = _failed(ErrorClass.TRANSIENT, "no_answer")
NOT_UNDERSTOOD = _failed(ErrorClass.ESCALATE, "answer_not_understood")
NOT_AVAILABLE = _failed(ErrorClass.TRANSIENT, "payer_not_available")
REFUSED_INQUIRY = _failed(ErrorClass.FIX_INPUT, "payer_refused_inquiry")
REFUSED_SETUP = _failed(ErrorClass.CONFIG, "payer_refused_setup")
INTERCHANGE_REFUSED = _failed(ErrorClass.CONFIG, "interchange_refused")
SET_REFUSED = _failed(ErrorClass.CONFIG, "set_refused")
INQUIRY_REFUSED = _failed(ErrorClass.FIX_INPUT, "inquiry_refused")
PROVIDER_REFUSED = _failed(ErrorClass.CONFIG, "provider_refused")

_BY_ERROR_CATEGORY = MappingProxyType(
    {
        "E0": REFUSED_INQUIRY,
        "E1": NOT_AVAILABLE,
        "E2": NOT_AVAILABLE,
        "E3": REFUSED_INQUIRY,
        "E4": REFUSED_SETUP,
    }
)
# The payer's application cannot look: with whatever category it is said.
_APPLICATION_DOWN = "484"
# Acknowledged, pending, finalized, requested: what begins so is said about a claim.
_CLAIM_FAMILIES = frozenset("APFR")
# Above the claims these say that nobody looked for any.
_REFUSALS_ABOVE_CLAIMS = frozenset({"A3", "A6", "A7", "A8"}) | ABSENT_CATEGORIES


def fate_of_claim(reply: ClaimReply) -> Fate:
    """One loop's fate. Its errors count where nothing else is said; a claim counts before them."""
    statuses = _statuses(reply.statuses)
    if not statuses:
        # A claim without a status is one, and "unknown"; without a number there is nothing.
        return CLAIM if reply.payer_claim_number else NOT_UNDERSTOOD
    if _says_down(statuses):
        return NOT_AVAILABLE
    categories = {status.category for status in statuses}
    errors = [_BY_ERROR_CATEGORY[one] for one in categories if one in _BY_ERROR_CATEGORY]
    if errors and len(errors) == len(categories):
        return _gravest(errors)
    if categories <= ABSENT_CATEGORIES:
        return NOT_FOUND
    if categories <= ABSENT_CATEGORIES | _BY_ERROR_CATEGORY.keys():
        # It found nothing, and could not look everywhere.
        return _gravest(errors)
    is_one = reply.payer_claim_number or any(one[:1] in _CLAIM_FAMILIES for one in categories)
    return CLAIM if is_one else NOT_UNDERSTOOD


def fate_of_inquiry(fates: Sequence[Fate]) -> Fate:
    """The fate of a trace whose replies have these: several claims may answer one inquiry.

    A claim counts first. Where one part was not found and another failed, it failed.
    """
    if CLAIM in fates:
        return CLAIM
    failed = [fate for fate in fates if fate.kind is FateKind.FAILED]
    if failed:
        return _gravest(failed)
    return NOT_FOUND if NOT_FOUND in fates else WAITING


def fate_of_receiver(reply: ReceiverReply) -> Fate:
    """The fate of all rows of a set that failed at the receiver."""
    return _fate_above_claims(reply.statuses, otherwise=REFUSED_SETUP)


def fate_of_provider(reply: ProviderReply) -> Fate:
    """The fate of all rows of a provider: the setup is wrong, unless only a system is down."""
    fate = _fate_above_claims(reply.statuses, otherwise=PROVIDER_REFUSED)
    return fate if fate in (WAITING, NOT_AVAILABLE) else PROVIDER_REFUSED


def fate_of_interchange(ack: InterchangeAck) -> Fate:
    """The fate of all rows of an interchange; errors that are only noted let them wait."""
    return INTERCHANGE_REFUSED if ack.verdict is Verdict.REFUSED else WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFate:
    """What a 999 does to the inquiries of a set.

    Each of `refused` is refused alone. With `ask_rest_again` the others were not taken because of
    them, and are sent again without them. `fate` is that of the others.
    """

    fate: Fate
    refused: frozenset[str] = frozenset()
    ask_rest_again: bool = False


def fate_of_set(ack: SetAck) -> SetFate:
    """The fate of a set's rows.

    Where each of its errors names its inquiry, those are at fault and nothing else is.
    """
    if ack.verdict is not Verdict.REFUSED:
        return SetFate(fate=WAITING)
    named = all(error.traces for error in ack.errors)
    if ack.errors and named:
        refused = frozenset(trace for error in ack.errors for trace in error.traces)
        return SetFate(fate=WAITING, refused=refused, ask_rest_again=True)
    return SetFate(fate=SET_REFUSED)


def _fate_above_claims(lines: Iterable[StatusLine], *, otherwise: Fate) -> Fate:
    statuses = _statuses(lines)
    if not statuses:
        return WAITING
    if _says_down(statuses):
        return NOT_AVAILABLE
    categories = {status.category for status in statuses}
    errors = [_BY_ERROR_CATEGORY[one] for one in categories if one in _BY_ERROR_CATEGORY]
    if errors:
        return _gravest(errors)
    return otherwise if categories & _REFUSALS_ABOVE_CLAIMS else WAITING


def _gravest(failed: Sequence[Fate]) -> Fate:
    """What a person must see to counts before what passes by itself."""
    order = (ErrorClass.CONFIG, ErrorClass.FIX_INPUT, ErrorClass.ESCALATE, ErrorClass.TRANSIENT)
    return min(failed, key=lambda fate: order.index(fate.error_class or ErrorClass.TRANSIENT))


def _statuses(lines: Iterable[StatusLine]) -> list[Status]:
    return [status for line in lines for status in line.statuses]


def _says_down(statuses: Iterable[Status]) -> bool:
    return all(status.code.lstrip("0") == _APPLICATION_DOWN for status in statuses)
