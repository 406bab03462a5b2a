"""A 277's claim loops to our values: what the file says, and what its trace tells beside it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeVar

from claims_pipeline.model import (
    AdjudicationCode,
    Claim,
    Patient,
    Payment,
    ServiceLine,
    StatusCode,
)
from claims_pipeline.payers.x12.replies import ClaimReply, LineStatus, StatusLine

T = TypeVar("T")

# A line's own 507 and 508, where the payer gives them.
LINE_STATUS = "STATUS"


def claim_of(reply: ClaimReply, *, payer_id: str, tin: str, patient: Patient) -> Claim:
    """The claim of a loop that holds one.

    A 277 has no date of birth. The payer looked for the patient of the inquiry that its trace
    names, by name and date of birth, so that date stands in the claim. Names are the file's own.
    """
    person = reply.dependent or reply.subscriber
    amounts = reply.statuses
    paid = _first(amounts, lambda line: line.paid)
    return Claim(
        payer_id=payer_id,
        tin=tin,
        claim_number=reply.payer_claim_number,
        patient_first_name=person.first or None,
        patient_last_name=person.last or None,
        patient_date_of_birth=patient.date_of_birth,
        subscriber_id=reply.subscriber.id or None,
        patient_account_number=reply.account_number or None,
        service_from=reply.service_from,
        service_to=reply.service_to,
        processed=_first(amounts, lambda line: line.decided),
        status_codes=status_codes(reply),
        codes=tuple(_line_codes(reply.lines)),
        lines=tuple(_line(number, line) for number, line in enumerate(reply.lines, start=1)),
        total_charged=_first(amounts, lambda line: line.charged),
        total_paid=paid,
        payments=_payments(amounts, paid),
    )


def status_codes(reply: ClaimReply) -> tuple[StatusCode, ...]:
    """All 507 and 508 codes of a claim, each once, in the file's order."""
    found = {
        StatusCode(category_code=status.category, status_code=status.code or None): None
        for line in reply.statuses
        for status in line.statuses
    }
    return tuple(found)


def _payments(amounts: tuple[StatusLine, ...], paid: Decimal | None) -> tuple[Payment, ...]:
    number = _first(amounts, lambda line: line.payment_number)
    issued = _first(amounts, lambda line: line.remitted)
    # A remittance without money has a number, too.
    if paid is None or paid <= 0 or (number is None and issued is None):
        return ()
    return (Payment(number=number, issued=issued, amount=paid),)


def _line(number: int, line: LineStatus) -> ServiceLine:
    return ServiceLine(
        number=str(number),
        service_from=line.service_from,
        service_to=line.service_to,
        procedure=line.procedure,
        modifiers=line.modifiers,
        revenue_code=line.revenue_code,
        units=line.units,
        charged=line.charged,
        paid=line.paid,
        codes=tuple(_codes_of_line(number, line)),
    )


def _line_codes(lines: tuple[LineStatus, ...]) -> Iterator[AdjudicationCode]:
    for number, line in enumerate(lines, start=1):
        yield from _codes_of_line(number, line)


def _codes_of_line(number: int, line: LineStatus) -> Iterator[AdjudicationCode]:
    for one in line.statuses:
        for status in one.statuses:
            code = f"{status.category}:{status.code}" if status.code else status.category
            yield AdjudicationCode(kind=LINE_STATUS, code=code, line_number=str(number))


def _first(lines: tuple[StatusLine, ...], read: Callable[[StatusLine], T | None]) -> T | None:
    """The first that any of the STCs gives: amounts and dates stand on the first as a rule."""
    return next((value for line in lines if (value := read(line)) is not None), None)
