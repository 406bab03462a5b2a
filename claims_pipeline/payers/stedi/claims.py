"""Stedi's JSON to our values: the one place that knows its field names."""

import re
from collections.abc import Iterable
from datetime import date

from claims_pipeline.model import Claim, Payment, Query, ServiceLine, StatusCode
from claims_pipeline.payers.json_fields import Fields, day, entries, fields, money, text
from claims_pipeline.payers.x12_text import ClaimLoop

_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_DENIED = "F2"


def statuses_of(entry: Fields, loops: list[ClaimLoop]) -> tuple[StatusCode, ...]:
    """The claim's statuses: one stands in the JSON, further ones only in the text.

    Loops that are used up are taken out of `loops`: several claims may have one number.
    """
    status = fields(entry.get("claimStatus"))
    first = StatusCode(
        category_code=text(status.get("statusCategoryCode")),
        category_description=text(status.get("statusCategoryCodeValue")),
        status_code=text(status.get("statusCode")),
        status_description=text(status.get("statusCodeValue")),
    )
    number = text(status.get("tradingPartnerClaimNumber"))
    for loop in loops:
        if loop.claim_number == number and loop.statuses and _same(loop.statuses[0], first):
            loops.remove(loop)
            return (first, *loop.statuses[1:])
    return () if first == StatusCode() else (first,)


def claim_of(
    entry: Fields, answer: Fields, query: Query, statuses: tuple[StatusCode, ...]
) -> Claim | None:
    """One entry of `claims[]`; None when nothing tells it from other claims."""
    status = fields(entry.get("claimStatus"))
    number = (
        text(status.get("tradingPartnerClaimNumber"))
        or text(status.get("clearingHouseClaimNumber"))
        or text(status.get("patientAccountNumber"))
    )
    if number is None or not statuses:
        return None
    subscriber = fields(answer.get("subscriber"))
    # A dependent that is there is the patient.
    person = fields(answer.get("dependent")) or subscriber
    member_id = text(subscriber.get("memberId"))
    first, last = _service(status.get("claimServiceDate"))
    paid = money(status.get("amountPaid"))
    details = list(entries(entry.get("serviceDetails")))
    return Claim(
        payer_id=query.payer_id,
        tin=query.tin,
        claim_number=number,
        patient_first_name=text(person.get("firstName")),
        patient_last_name=text(person.get("lastName")),
        patient_date_of_birth=_birth_date(person, member_id, query),
        subscriber_id=member_id,
        patient_account_number=text(status.get("patientAccountNumber")),
        service_from=first,
        service_to=last,
        # The date of the decision, approval or denial: no date of a payment.
        processed=day(status.get("paidDate")),
        status_codes=statuses,
        lines=tuple(_line(detail, str(at)) for at, detail in enumerate(details, start=1)),
        total_charged=money(status.get("submittedAmount")),
        total_paid=paid,
        payments=_payments(status) if paid else (),
        partial_denial=_is_partly_denied(details) if paid else None,
    )


def _birth_date(person: Fields, member_id: str | None, query: Query) -> date | None:
    """The payer's own; where it keeps silent, what was asked by, if the member is the same."""
    told = _compact_day(person.get("dateOfBirth"))
    asked = query.member.subscriber_id if query.member else None
    if told is not None or query.patient is None or member_id != asked:
        return told
    return query.patient.date_of_birth


def _payments(status: Fields) -> tuple[Payment, ...]:
    """The check, where anything was paid: else its number is that of a remittance of nothing."""
    number = text(status.get("checkNumber"))
    issued = day(status.get("checkIssueDate"))
    if number is None and issued is None:
        return ()
    return (Payment(number=number, issued=issued, amount=money(status.get("amountPaid"))),)


def _line(detail: Fields, number: str) -> ServiceLine:
    service = fields(detail.get("service"))
    modifiers = service.get("procedureModifiers")
    return ServiceLine(
        number=number,
        procedure=text(service.get("procedureId")),
        modifiers=tuple(
            found
            for each in (modifiers if isinstance(modifiers, list) else [modifiers])
            if (found := text(each))
        ),
        revenue_code=text(service.get("revenueCode")),
        units=text(service.get("submittedUnits")),
        charged=money(service.get("submittedAmount")),
        paid=money(service.get("amountPaid")),
    )


def _is_partly_denied(details: Iterable[Fields]) -> bool | None:
    categories = [
        text(status.get("statusCategoryCode"))
        for detail in details
        for status in entries(detail.get("status"))
    ]
    return any(category == _DENIED for category in categories) if categories else None


def _service(value: object) -> tuple[date | None, date | None]:
    """`YYYYMMDD`, or two of them with a hyphen."""
    first, _, last = (text(value) or "").partition("-")
    begins, ends = _compact_day(first), _compact_day(last)
    return begins or ends, ends or begins


def _compact_day(value: object) -> date | None:
    match = _COMPACT_DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return day(value)
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _same(one: StatusCode, other: StatusCode) -> bool:
    return (one.category_code, one.status_code) == (other.category_code, other.status_code)
