"""UHC's JSON to our values: the one place that knows its field names."""

import re
from collections.abc import Iterator
from decimal import Decimal

from claims_pipeline.model import AdjudicationCode, Claim, Payment, ServiceLine, StatusCode
from claims_pipeline.payers.json_fields import Fields, day, entries, fields, money, text

# Some of the payer's systems write the group before the code: `CO-45`, or `PR3`.
_GROUPED_CODE = re.compile(r"(CO|PR|OA|PI)[- ]?([A-Z]?[0-9]+)")
_GROUPS = frozenset({"CO", "PR", "OA", "PI"})
_CARC = "CARC"
_BETWEEN_MODIFIERS = re.compile(r"[-:, ]+")
_PAYMENT_KINDS = {"E": "EFT", "EFT": "EFT", "C": "CHECK", "CHK": "CHECK", "CHECK": "CHECK"}


def claim_of(entry: Fields, *, payer_id: str, tin: str) -> Claim | None:
    """One entry of `claims[]`; None when it has no claim number.

    `payer_id` and `tin` are those of the search: `tins_of` tells whether the claim is its own.
    """
    claim_number = text(entry.get("claimNumber"))
    if claim_number is None:
        return None
    member = fields(entry.get("memberInfo"))
    provider = fields(entry.get("provInfo"))
    summary = fields(entry.get("claimSummary"))
    service_from = day(summary.get("firstSrvcDt"))
    service_to = day(summary.get("lastSrvcDt"))
    return Claim(
        payer_id=payer_id,
        tin=tin,
        claim_number=claim_number,
        patient_first_name=text(member.get("ptntFn")),
        patient_last_name=text(member.get("ptntLn")),
        patient_date_of_birth=day(member.get("ptntDob")),
        subscriber_id=text(member.get("subscriberId")),
        patient_account_number=text(summary.get("ptntAcctNbr")),
        service_from=service_from or service_to,
        service_to=service_to or service_from,
        received=day(summary.get("receivedDt")),
        processed=day(summary.get("processedDt")),
        processed_time=text(summary.get("processedTm")),
        claim_type=text(summary.get("claimType")),
        network_status=text(summary.get("networkStatus")),
        rendering_provider=(
            text(fields(provider.get("adjudicated")).get("servicingProvNm"))
            or text(fields(provider.get("submitted")).get("servicingProvNm"))
        ),
        payer_status=text(entry.get("claimStatus")),
        status_codes=_status_codes(summary),
        codes=codes_of(entry) + codes_of(summary),
        total_charged=money(summary.get("totalChargedAmt")),
        total_allowed=money(summary.get("totalAllowdAmt")),
        total_paid=money(summary.get("totalPaidAmt")),
        provider_write_off=money(summary.get("provWriteOffAmt")),
        not_covered=_not_covered(summary),
        deductible=money(summary.get("deductibleAmt")),
        copay=money(summary.get("totalCopayAmt")),
        coinsurance=money(summary.get("totalCoinsAmt")),
        patient_responsibility=money(summary.get("totalPtntRespAmt")),
        payments=tuple(_check(check) for check in entries(summary.get("chkInfo"))),
        detail_available=text(entry.get("detailsAvailable")) != "N",
    )


def tins_of(entry: Fields) -> frozenset[str]:
    """The TINs the claim was submitted and decided under, digits only."""
    provider = fields(entry.get("provInfo"))
    found = (text(fields(provider.get(side)).get("tin")) for side in ("submitted", "adjudicated"))
    digits = ("".join(filter(str.isdecimal, tin)) for tin in found if tin)
    return frozenset(tin.zfill(9) for tin in digits if tin)


def codes_of(entry: Fields, *, line_number: str | None = None) -> tuple[AdjudicationCode, ...]:
    """The `claimCodes[]` of a claim or of a line."""
    return tuple(
        _code(code, value, line_number)
        for code in entries(entry.get("claimCodes"))
        if (value := text(code.get("code")))
    )


def _code(entry: Fields, value: str, line_number: str | None) -> AdjudicationCode:
    kind = (text(entry.get("type")) or "CODE").upper()
    group = None
    if kind in _GROUPS:
        kind, group = _CARC, kind
    elif kind == _CARC and (grouped := _GROUPED_CODE.fullmatch(value.upper())):
        group, value = grouped.groups()
    return AdjudicationCode(
        kind=kind,
        code=value,
        description=text(entry.get("description")),
        line_number=line_number,
        group=group,
    )


def line_of(entry: Fields) -> ServiceLine:
    """One entry of a detail's `lines[]`."""
    number = text(entry.get("lineNbr"))
    procedure, modifiers = _procedure(entry)
    service_from = day(entry.get("firstSrvcDt"))
    service_to = day(entry.get("lastSrvcDt"))
    return ServiceLine(
        number=number,
        icn_suffix=text(entry.get("icnSuffix")),
        service_from=service_from or service_to,
        service_to=service_to or service_from,
        processed=day(entry.get("processedDt")),
        procedure=procedure,
        modifiers=modifiers,
        revenue_code=text(entry.get("revenueCode")),
        units=text(entry.get("unitCount")),
        charged=money(entry.get("billedAmt")),
        allowed=money(entry.get("allowdAmt")),
        paid=money(entry.get("paidAmt")),
        not_covered=money(entry.get("notCovAmt")),
        codes=codes_of(entry, line_number=number),
    )


def _procedure(entry: Fields) -> tuple[str | None, tuple[str, ...]]:
    """The procedure and its modifiers, which may stand behind it (`99213-25`)."""
    written = text(entry.get("procedureCd")) or text(entry.get("srvcCode")) or ""
    procedure, *behind = [part for part in _BETWEEN_MODIFIERS.split(written) if part] or [""]
    return procedure or None, tuple(dict.fromkeys((*behind, *_listed_modifiers(entry))))


def _listed_modifiers(entry: Fields) -> Iterator[str]:
    listed = entry.get("modifiers")
    if isinstance(listed, list):
        yield from (found for one in listed if (found := text(one)))


def payment_of(entry: Fields) -> Payment:
    """One entry of a payment answer's `payments[]`."""
    return _payment(entry, kind=entry.get("checkEFTIndicator") or entry.get("paymentType"))


def _check(entry: Fields) -> Payment:
    """One entry of a summary's `chkInfo[]`."""
    return _payment(entry, kind=entry.get("chkEftInd"))


def _payment(entry: Fields, *, kind: object) -> Payment:
    # `checkNbr` and `checkAmt` in payments, `chkNbr` and `chkAmt` in summaries.
    kind_text = text(kind)
    return Payment(
        number=text(entry.get("checkNbr")) or text(entry.get("chkNbr")),
        kind=_PAYMENT_KINDS.get(kind_text.upper(), kind_text) if kind_text else None,
        issued=day(entry.get("paymentIssueDt")),
        amount=money(entry.get("draftAmt")),
        total=money(entry.get("checkAmt") or entry.get("chkAmt")),
        draft_number=text(entry.get("draftNbr")),
    )


def _status_codes(summary: Fields) -> tuple[StatusCode, ...]:
    rows = (
        StatusCode(
            category_code=text(row.get("clm507Cd")),
            category_description=text(row.get("clm507CdDesc")),
            status_code=text(row.get("clm508Cd")),
            status_description=text(row.get("clm508CdDesc")),
            icn_suffix=text(row.get("clmIcnSufxCd")),
            draft_number=text(row.get("clmDrftNbr")),
        )
        for row in entries(summary.get("clmXWalkData"))
    )
    return tuple(row for row in rows if row != StatusCode())


def _not_covered(summary: Fields) -> Decimal | None:
    amounts = [money(summary.get(name)) for name in ("ptntNoCovAmt", "provNotCovAmt")]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal()) if known else None
