"""Optum's JSON to our values: the one place that knows its field names. All are optional."""

from decimal import Decimal

from claims_pipeline.model import AdjudicationCode, Claim, Payment, ServiceLine, StatusCode
from claims_pipeline.payers.json_fields import Fields, day, entries, fields, money, text

_TIN_DIGITS, _SHORT_TIN_DIGITS = 9, 8
_PAYMENT_KINDS = {"E": "EFT", "EFT": "EFT", "C": "CHECK", "CHK": "CHECK", "CHECK": "CHECK"}


def claim_of(entry: Fields, *, payer_id: str, tin: str) -> Claim | None:
    """One entry of `claims[]`; None when it has no claim number.

    `payer_id` and `tin` are those of the search: `is_of_practice` tells whether it is its own.
    """
    claim_number = text(entry.get("claimNumber"))
    if claim_number is None:
        return None
    member = fields(entry.get("member"))
    provider = fields(entry.get("provider"))
    events = fields(entry.get("claimEvents"))
    info = fields(entry.get("claimLevelInfo"))
    totals = fields(entry.get("claimLevelTotalAmount"))
    first, last = day(events.get("serviceStartDate")), day(events.get("serviceEndDate"))
    lines = lines_of(entry)
    return Claim(
        payer_id=payer_id,
        tin=tin,
        claim_number=claim_number,
        patient_first_name=text(member.get("firstName")),
        patient_last_name=text(member.get("lastName")),
        patient_date_of_birth=day(member.get("dateOfBirth")),
        subscriber_id=text(member.get("subscriberId")) or text(member.get("memberId")),
        patient_account_number=text(info.get("patientAccountNumber")),
        service_from=first or last,
        service_to=last or first,
        received=day(events.get("receivedDate")),
        # Its status has a date of its own that may lie before the receipt: it orders nothing.
        processed=day(events.get("processedDate")),
        processed_time=text(events.get("processedTime")),
        claim_type=text(info.get("claimType")),
        network_status=text(info.get("providerNetworkStatus")),
        rendering_provider=(
            text(fields(provider.get("adjudicated")).get("renderingProviderName"))
            or text(fields(provider.get("submitted")).get("renderingProviderName"))
        ),
        payer_status=text(entry.get("claimStatus")),
        status_codes=_status_codes(entry),
        codes=_codes(entry.get("claimAdjudicationCodes"), kind_field="claimCodeType"),
        lines=lines,
        total_charged=money(totals.get("totalBilledChargeAmount")),
        total_allowed=money(totals.get("totalAllowedAmount")),
        total_paid=money(totals.get("totalPaidAmount")),
        provider_write_off=money(totals.get("totalProviderWriteOffAmount")),
        not_covered=_not_covered(totals),
        deductible=money(totals.get("totaldeductibleAmount")),
        copay=money(totals.get("totalCopayAmount")),
        coinsurance=money(totals.get("totalCoinsAmount")),
        patient_responsibility=money(totals.get("totalPatientResponsibilityAmount")),
        payments=tuple(map(_payment, entries(entry.get("payments")))),
        detail_available=entry.get("hasClaimDetails") is True,
    )


def is_of_practice(entry: Fields, tin: str) -> bool:
    """Whether the claim was billed under the TIN; one that names none is.

    A decided claim has the TIN's last eight digits, and its first one as a prefix of its own.
    """
    provider = fields(entry.get("provider"))
    submitted = fields(provider.get("submitted"))
    adjudicated = fields(provider.get("adjudicated"))
    prefix = _digits(adjudicated.get("billingTinPrefix"))
    found = [
        (prefix if side is adjudicated else "", number)
        for side in (submitted, adjudicated)
        if (number := _digits(side.get("billingTin")))
    ]
    return not found or any(_same_tin(tin, prefix, number) for prefix, number in found)


def lines_of(entry: Fields) -> tuple[ServiceLine, ...]:
    """The lines of a claim that was asked for with its details."""
    details = fields(entry.get("claimDetailedInformation"))
    return tuple(map(_line, entries(details.get("lines"))))


def _same_tin(tin: str, prefix: str, number: str) -> bool:
    if len(number) == _SHORT_TIN_DIGITS:
        return number == tin[-_SHORT_TIN_DIGITS:] and prefix in {"", tin[0]}
    return number.zfill(_TIN_DIGITS) == tin


def _digits(value: object) -> str:
    return "".join(filter(str.isdecimal, text(value) or ""))


def _status_codes(entry: Fields) -> tuple[StatusCode, ...]:
    rows = (
        StatusCode(
            category_code=text(row.get("claim507Code")),
            category_description=text(row.get("claim507CodeDesc")),
            status_code=text(row.get("claim508Code")),
            status_description=text(row.get("claim508CodeDesc")),
            icn_suffix=text(row.get("adjudicatedClaimSuffixCode")),
            draft_number=text(row.get("adjudicatedClaimPaymentNumber")),
        )
        for row in entries(entry.get("claimStatusCrosswalkData"))
    )
    return tuple(row for row in rows if row != StatusCode())


def _payment(entry: Fields) -> Payment:
    kind = text(entry.get("paymentModeCode"))
    return Payment(
        number=text(entry.get("paymentNumber")),
        kind=_PAYMENT_KINDS.get(kind.upper(), kind) if kind else None,
        issued=day(entry.get("paymentIssueDate")),
        amount=money(entry.get("adjudicatedClaimPaymentAmount")),
        # That of the whole check, for all of its claims; sometimes masked.
        total=money(entry.get("paymentAmount")),
        draft_number=text(entry.get("adjudicatedClaimPaymentNumber")),
    )


def _line(entry: Fields) -> ServiceLine:
    events = fields(entry.get("lineEvents"))
    amounts = fields(entry.get("lineLevelTotalAmounts"))
    number = text(entry.get("lineNumber"))
    modifiers = entry.get("modifiers")
    first, last = day(events.get("serviceStartDate")), day(events.get("serviceEndDate"))
    return ServiceLine(
        number=number,
        icn_suffix=text(fields(entry.get("lineIndicators")).get("inventoryControlNumberSuffix")),
        service_from=first or last,
        service_to=last or first,
        processed=day(events.get("processedDate")),
        procedure=text(entry.get("procedureCode")),
        modifiers=tuple(
            found
            for each in (modifiers if isinstance(modifiers, list) else [])
            if (found := text(each))
        ),
        revenue_code=text(entry.get("revenueCode")),
        units=text(entry.get("unitCount")),
        charged=money(amounts.get("billedChargeAmount")),
        allowed=money(amounts.get("allowedAmount")),
        paid=money(amounts.get("paidAmount")),
        not_covered=money(amounts.get("notCoveredAmount")),
        codes=_codes(entry.get("lineAdjudicationCodes"), kind_field="type", line_number=number),
    )


def _codes(
    listed: object, *, kind_field: str, line_number: str | None = None
) -> tuple[AdjudicationCode, ...]:
    return tuple(
        AdjudicationCode(
            kind=(text(entry.get(kind_field)) or "CODE").upper(),
            code=value,
            description=text(entry.get("description")),
            line_number=line_number,
        )
        for entry in entries(listed)
        if (value := text(entry.get("code")))
    )


def _not_covered(totals: Fields) -> Decimal | None:
    names = ("totalPatientNotCoveredAmount", "totalProviderNotCoveredAmount")
    known = [amount for name in names if (amount := money(totals.get(name))) is not None]
    return sum(known, Decimal()) if known else None
