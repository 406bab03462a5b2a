"""Availity's JSON to our values: the one place that knows its field names."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from claims_pipeline.model import Claim, Payment, Query, ServiceLine, StatusCode
from claims_pipeline.payers.availity.answers import statuses_of
from claims_pipeline.payers.json_fields import Fields, day, entries, fields, money, text

_DENIED = "F2"


def claim_of(
    entry: Fields, status: Fields, query: Query, codes: tuple[StatusCode, ...]
) -> Claim | None:
    """One entry of `claimStatuses[]`; None when nothing tells it from other claims."""
    number = (
        text(entry.get("claimControlNumber"))
        or text(entry.get("claimIdentificationNumber"))
        or text(entry.get("patientControlNumber"))
    )
    if number is None or not codes:
        return None
    # Amounts stand with the first status, and may be missing with the others.
    details = list(entries(entry.get("statusDetails")))
    patient = fields(status.get("patient"))
    member_id = text(fields(status.get("subscriber")).get("memberId"))
    paid = _first_amount(details, "paymentAmount")
    first, last = day(entry.get("fromDate")), day(entry.get("toDate"))
    lines = list(entries(entry.get("serviceLines")))
    return Claim(
        payer_id=query.payer_id,
        tin=query.tin,
        claim_number=number,
        patient_first_name=text(patient.get("firstName")),
        patient_last_name=text(patient.get("lastName")),
        patient_date_of_birth=_birth_date(patient, member_id, query),
        subscriber_id=member_id,
        patient_account_number=text(entry.get("patientControlNumber")),
        service_from=first or last,
        service_to=last or first,
        processed=_first_day(details, "finalizedDate"),
        status_codes=codes,
        lines=tuple(_line(line, str(at)) for at, line in enumerate(lines, start=1)),
        total_charged=_first_amount(details, "claimAmount"),
        total_paid=paid,
        payments=_payments(details) if paid else (),
        partial_denial=_is_partly_denied(lines) if paid else None,
    )


def _birth_date(patient: Fields, member_id: str | None, query: Query) -> date | None:
    """The payer's own; where it keeps silent, what was asked by, if the member is the same."""
    told = day(patient.get("birthDate"))
    asked = query.member.subscriber_id if query.member else None
    if told is not None or query.patient is None or member_id != asked:
        return told
    return query.patient.date_of_birth


def _payments(details: Iterable[Fields]) -> tuple[Payment, ...]:
    return tuple(
        Payment(
            number=text(each.get("checkNumber")),
            issued=day(each.get("remittanceDate")),
            amount=money(each.get("paymentAmount")),
        )
        for each in details
        if text(each.get("checkNumber")) or day(each.get("remittanceDate"))
    )


def _line(entry: Fields, number: str) -> ServiceLine:
    first, last = day(entry.get("fromDate")), day(entry.get("toDate"))
    modifiers = (text(entry.get(f"modifier{at}Code")) for at in range(1, 5))
    return ServiceLine(
        number=number,
        service_from=first or last,
        service_to=last or first,
        procedure=text(entry.get("procedureCode")),
        modifiers=tuple(modifier for modifier in modifiers if modifier),
        revenue_code=text(entry.get("serviceCode")),
        units=text(entry.get("quantity")),
        charged=money(entry.get("chargeAmount")),
        paid=money(entry.get("paymentAmount")),
    )


def _is_partly_denied(lines: Iterable[Fields]) -> bool | None:
    codes = [code for line in lines for code in statuses_of(line.get("statusDetails"))]
    return any(code.category_code == _DENIED for code in codes) if codes else None


def _first_amount(details: Iterable[Fields], name: str) -> Decimal | None:
    return next((found for each in details if (found := money(each.get(name))) is not None), None)


def _first_day(details: Iterable[Fields], name: str) -> date | None:
    return next((found for each in details if (found := day(each.get(name)))), None)
