"""The world's claims as Stedi's JSON, and the text of the 277 that it was made from."""

from collections.abc import Sequence
from datetime import date

from claims_pipeline.sandbox.stedi.inquiry import Inquiry
from claims_pipeline.sandbox.world.as_277 import NOT_FOUND, Claim277, statuses_of_line
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Line

Json = dict[str, object]

_TRACE = "8c1f7a52"


def amount(cents: int) -> str:
    """Cents as Stedi writes amounts: without decimals where there are none."""
    return f"{cents // 100}" if cents % 100 == 0 else f"{cents / 100:.2f}"


def claim_entry(claim: Claim277) -> Json:
    """One entry of `claims[]`. It has room for one status: the first."""
    record = claim.record
    category, status = claim.statuses[0]
    found: Json = {
        "statusCategoryCode": category,
        "statusCategoryCodeValue": f"Our category {category}",
        "statusCode": status,
        "statusCodeValue": f"Our note number {status}",
        "effectiveDate": (claim.decided or record.received).isoformat(),
        "submittedAmount": amount(claim.charged),
        "amountPaid": amount(claim.paid),
        "claimServiceDate": _range(record.service.first, record.service.last),
        "trackingNumber": _TRACE,
        "tradingPartnerClaimNumber": record.claim_number,
        "patientAccountNumber": record.account_number,
        "clearingHouseClaimNumber": claim.clearinghouse_number,
    }
    if claim.decided is not None:
        found["paidDate"] = claim.decided.isoformat()
        # A remittance of nothing has a number, too.
        found["checkNumber"] = claim.check.check_number if claim.check else "NONPAY0001"
        found["checkIssueDate"] = (claim.check.issued if claim.check else claim.decided).isoformat()
    return {
        "claimStatus": found,
        "serviceDetails": [_line_entry(line, claim) for line in record.lines],
    }


def nothing_found() -> Json:
    """That there is no claim is said in the place of one."""
    category, status = NOT_FOUND
    return {
        "claimStatus": {
            "statusCategoryCode": category,
            "statusCode": status,
            "submittedAmount": "0",
            "amountPaid": "0",
            "trackingNumber": _TRACE,
        }
    }


def refused(category: str, status: str) -> Json:
    """That the payer could not look stands there as well."""
    return {
        "claimStatus": {
            "statusCategoryCode": category,
            "statusCode": status,
            "entityCode": "1P",
            "entity": "Provider",
            "trackingNumber": _TRACE,
        }
    }


def envelope(inquiry: Inquiry, practice: WorldPractice | None) -> Json:
    """Everything of an answer but its claims and its text."""
    person: Json = {
        "firstName": inquiry.patient.first_name,
        "lastName": inquiry.patient.last_name,
    }
    return {
        "controlNumber": "000000001",
        "status": "success",
        "tradingPartnerServiceId": inquiry.payer_id,
        "payer": {"organizationName": "DEMO INSURANCE", "payerIdentification": inquiry.payer_id},
        "providers": [
            {
                "providerType": "BillingProvider",
                "organizationName": practice.name.upper() if practice else "",
            }
        ],
        "subscriber": {"memberId": inquiry.member_id, **({} if inquiry.is_dependent else person)},
        **({"dependent": person} if inquiry.is_dependent else {}),
        "meta": {"traceId": _TRACE, "applicationMode": "production"},
    }


def people(inquiry: Inquiry, claims: Sequence[Claim277]) -> Json:
    """The patient as the payer knows them."""
    person = claims[0].record.person
    known: Json = {
        "firstName": person.first_name,
        "lastName": person.last_name,
        "dateOfBirth": _compact(person.date_of_birth),
    }
    member: Json = {"memberId": person.subscriber_id}
    if inquiry.is_dependent:
        return {"subscriber": member, "dependent": known}
    return {"subscriber": {**member, **known}}


def text_277(claims: Sequence[Claim277]) -> str:
    """The transaction's text: every status of a claim, the further ones in STC10 and STC11."""
    segments = ["ST*277*0001*005010X212", "BHT*0010*08*1*20260101*0000*DG", "HL*1**20*1"]
    for claim in claims:
        first, *others = (":".join(status) for status in claim.statuses)
        elements = ["STC", first, "20260101", "", amount(claim.charged), amount(claim.paid)]
        if others:
            elements += ["", "", "", "", *others[:2]]
        segments += [
            f"TRN*2*{_TRACE}",
            "*".join(elements),
            f"REF*1K*{claim.record.claim_number}",
            f"REF*EJ*{claim.record.account_number}",
            *(
                segment
                for line in claim.record.lines
                for segment in (
                    f"SVC*HC:{line.procedure}*{amount(line.billed)}*{amount(line.paid)}****1",
                    f"STC*{':'.join(statuses_of_line(line, claim))}*20260101",
                )
            ),
        ]
    if not claims:
        segments += [f"TRN*2*{_TRACE}", f"STC*{':'.join(NOT_FOUND)}*20260101**0*0"]
    segments.append(f"SE*{len(segments) + 1}*0001")
    return "~".join(segments) + "~"


def text_999() -> str:
    """The text of a refused transaction."""
    return "ST*999*0001*005010X231A1~AK1*HR*1*005010X212~IK5*R*5~AK9*R*1*1*0~SE*5*0001~"


def _line_entry(line: Line, claim: Claim277) -> Json:
    category, status = statuses_of_line(line, claim)
    return {
        "service": {
            "serviceIdQualifierCode": "HC",
            "procedureId": line.procedure,
            "submittedAmount": amount(line.billed),
            "amountPaid": amount(line.paid),
            "submittedUnits": "1",
        },
        "status": [{"statusCategoryCode": category, "statusCode": status}],
    }


def _range(first: date, last: date) -> str:
    return _compact(first) if first == last else f"{_compact(first)}-{_compact(last)}"


def _compact(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
