"""Claim statuses as Availity's JSON: summaries while they are looked for, the whole at last."""

from collections.abc import Sequence

from claims_pipeline.sandbox.availity.inquiry import Inquiry
from claims_pipeline.sandbox.world.as_277 import NOT_FOUND, Claim277, statuses_of_line
from claims_pipeline.sandbox.world.records import Line

Json = dict[str, object]

IN_PROGRESS = ("0", "In Progress")
COMPLETE = ("4", "Complete")


def summary(job_id: str, url: str, state: tuple[str, str]) -> Json:
    """The set of one summary with which a submission is answered."""
    code, words = state
    return {
        "totalCount": 1,
        "count": 1,
        "offset": 0,
        "limit": 50,
        "links": {},
        "claimStatuses": [
            {
                "id": job_id,
                "statusCode": code,
                "status": words,
                "links": {"self": {"href": url}},
            }
        ],
    }


def claim_status(job_id: str, inquiry: Inquiry, claims: Sequence[Claim277]) -> Json:
    """The whole answer; that there is no claim stands in the place of one."""
    entries = [_claim(claim) for claim in claims] or [_nothing_found(inquiry)]
    return {**envelope(job_id, inquiry, claims), "claimStatuses": entries}


def refused_above_claims(job_id: str, inquiry: Inquiry, *, level: str) -> Json:
    """An answer without claims: the submitter or the provider was not accepted."""
    details = [{"categoryCode": "E4", "category": "Our category E4", "statusCode": "24"}]
    whole = envelope(job_id, inquiry, ())
    if level == "submitter":
        whole["submitter"] = {"statusDetails": details}
    else:
        whole["providers"] = [{"npi": inquiry.npi, "statusDetails": details}]
    return whole


def envelope(
    job_id: str,
    inquiry: Inquiry,
    claims: Sequence[Claim277],
    state: tuple[str, str] = COMPLETE,
) -> Json:
    """Everything of an answer but its claims."""
    code, words = state
    person = claims[0].record.person if claims else None
    patient = inquiry.patient
    return {
        "id": job_id,
        "statusCode": code,
        "status": words,
        "claimCount": str(len(claims)),
        "payer": {"id": inquiry.payer_id, "name": "DEMO INSURANCE"},
        "submitter": {},
        "providers": [{"npi": inquiry.npi}],
        "subscriber": {"memberId": person.subscriber_id if person else inquiry.member_id},
        "patient": {
            "firstName": person.first_name if person else patient.first_name,
            "lastName": person.last_name if person else patient.last_name,
            "birthDate": (person.date_of_birth if person else patient.date_of_birth).isoformat(),
        },
        "fromDate": inquiry.window.first.isoformat(),
        "toDate": inquiry.window.last.isoformat(),
    }


def _claim(claim: Claim277) -> Json:
    record = claim.record
    return {
        "claimControlNumber": record.claim_number,
        "claimIdentificationNumber": claim.clearinghouse_number,
        "patientControlNumber": record.account_number,
        "fromDate": record.service.first.isoformat(),
        "toDate": record.service.last.isoformat(),
        "statusDetails": [
            _detail(claim, category, status, is_first=at == 0)
            for at, (category, status) in enumerate(claim.statuses)
        ],
        "serviceLines": [_line(line, claim) for line in record.lines],
    }


def _detail(claim: Claim277, category: str, status: str, *, is_first: bool) -> Json:
    detail: Json = {
        "categoryCode": category,
        "category": f"Our category {category}",
        "statusCode": status,
        "status": f"Our note number {status}",
        "effectiveDate": (claim.decided or claim.record.received).isoformat(),
    }
    if is_first:
        detail |= {
            "claimAmount": _amount(claim.charged),
            "claimAmountUnits": "USD",
            "paymentAmount": _amount(claim.paid),
            "paymentAmountUnits": "USD",
        }
        if claim.decided is not None:
            detail["finalizedDate"] = claim.decided.isoformat()
        if claim.check is not None:
            detail["checkNumber"] = claim.check.check_number
            detail["remittanceDate"] = claim.check.issued.isoformat()
    return detail


def _nothing_found(inquiry: Inquiry) -> Json:
    category, status = NOT_FOUND
    return {
        "fromDate": inquiry.window.first.isoformat(),
        "toDate": inquiry.window.last.isoformat(),
        "statusDetails": [{"categoryCode": category, "statusCode": status, "claimAmount": "0"}],
    }


def _line(line: Line, claim: Claim277) -> Json:
    category, status = statuses_of_line(line, claim)
    return {
        "procedureCode": line.procedure,
        "procedureQualifierCode": "HC",
        "quantity": "1",
        "chargeAmount": _amount(line.billed),
        "paymentAmount": _amount(line.paid),
        "fromDate": claim.record.service.first.isoformat(),
        "statusDetails": [{"categoryCode": category, "statusCode": status}],
    }


def _amount(cents: int) -> str:
    return f"{cents / 100:.2f}"
