"""Records of the world as Optum's fields: texts all of them, and empty where there is nothing."""

from claims_pipeline.sandbox.world.amounts import dollars
from claims_pipeline.sandbox.world.dates import us_date
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Code, Draft, Line, Record

Json = dict[str, object]

_MASKED_FROM_CENTS = 100_000


def claim_entry(record: Record, practice: WorldPractice) -> Json:
    """One entry of `claims[]`, with its details: a query takes what it wants of it."""
    rendering = f"DR SAMPLE {record.order % 9 + 1}"
    provider = {
        "billingProviderName": practice.name.upper(),
        "billingNpi": practice.npi,
        "renderingProviderName": rendering,
    }
    decided = record.processed is not None
    return {
        "claimNumber": record.claim_number,
        "claimReceiptLocatorNumber": f"{record.order:010d}",
        "claimInventoryControlNumber": "",
        "claimStatus": record.payer_status,
        "isMedicarePendProcess": False,
        "hasClaimDetails": decided,
        "member": {
            "subscriberId": record.person.subscriber_id,
            "policyNumber": f"0{practice.number:06d}",
            "firstName": record.person.first_name,
            "lastName": record.person.last_name,
            "middleInitial": None,
            "dateOfBirth": us_date(record.person.date_of_birth),
            "relationshipCode": None,
            "memberId": None,
        },
        "provider": {
            "submitted": {**provider, "billingTin": practice.tin},
            # Decided claims have the TIN without its first digit, which stands beside it.
            "adjudicated": {
                **provider,
                "billingTinPrefix": practice.tin[0],
                "billingTin": practice.tin[1:],
                "billingTinSuffix": "00003",
            }
            if decided
            else None,
        },
        "claimEvents": {
            "receivedDate": us_date(record.received),
            "processedDate": us_date(record.processed) or None,
            "processedTime": record.processed_time,
            "serviceStartDate": us_date(record.service.first),
            "serviceEndDate": us_date(record.service.last),
            # Years before the receipt, as in the contract's own example.
            "statusEffectiveDate": "01/01/2019",
        },
        "claimLevelInfo": {
            "patientAccountNumber": record.account_number,
            "claimType": "I" if record.institutional else "P",
            "providerNetworkStatus": "I" if record.in_network else "O",
        },
        "claimLevelTotalAmount": _totals(record),
        "payments": [_payment(draft) for draft in record.drafts],
        "claimStatusCrosswalkData": [
            {
                "claim507Code": row.category,
                "claim507CodeDesc": f"Our category {row.category}",
                "claim508Code": row.status,
                "claim508CodeDesc": f"Our note number {row.status}",
                "adjudicatedClaimSuffixCode": row.suffix,
                "adjudicatedClaimPaymentNumber": row.draft_number or None,
            }
            for row in record.crosswalk
        ],
        "claimAdjudicationCodes": [
            {"claimCodeType": code.kind, "code": code.code, "description": code.description}
            for code in record.codes
        ],
        "claimDetailedInformation": {
            "claimNumber": record.claim_number,
            "allowedActions": "false",
            "lines": [_line(line, record) for line in record.lines],
        }
        if decided
        else None,
    }


def _totals(record: Record) -> Json:
    return {
        "totalBilledChargeAmount": dollars(record.total(lambda line: line.billed)),
        "totalProviderWriteOffAmount": dollars(record.total(lambda line: line.write_off)),
        "totalPatientNotCoveredAmount": "",
        "totalProviderNotCoveredAmount": dollars(record.total(lambda line: line.not_covered)),
        "totalAllowedAmount": dollars(record.total(lambda line: line.allowed)),
        "totaldeductibleAmount": dollars(record.total(lambda line: line.deductible)),
        "totalCopayAmount": dollars(record.total(lambda line: line.copay)),
        "totalCoinsAmount": dollars(record.total(lambda line: line.coinsurance)),
        "totalPaidAmount": dollars(record.total(lambda line: line.paid)),
        "totalPatientResponsibilityAmount": dollars(
            record.total(lambda line: line.deductible + line.copay + line.coinsurance)
        ),
    }


def _payment(draft: Draft) -> Json:
    total = dollars(draft.check_total)
    return {
        "paymentNumber": draft.check_number,
        "adjudicatedClaimPaymentNumber": draft.number,
        "adjudicatedClaimPaymentAmount": dollars(draft.amount),
        "paymentModeCode": "E" if draft.electronic else "C",
        # Large ones are masked.
        "paymentAmount": f"{total[:2]}XXX{total[-3:]}"
        if draft.check_total >= _MASKED_FROM_CENTS
        else total,
        "paymentIssueDate": us_date(draft.issued),
        "claimPayeeAssignmentCode": "P",
    }


def _line(line: Line, record: Record) -> Json:
    return {
        "lineKey": f"{record.claim_number}{line.suffix}{line.number:03d}",
        "lineNumber": str(line.number),
        "unitCount": "1",
        "serviceCode": line.procedure,
        "revenueCode": "0450" if record.institutional else "",
        "procedureCode": line.procedure,
        "procedureTypeCode": "HC",
        "modifiers": [],
        "lineEvents": {
            "processedDate": us_date(record.processed),
            "serviceStartDate": us_date(record.service.first),
            "serviceEndDate": us_date(record.service.last),
        },
        "lineLevelTotalAmounts": {
            "billedChargeAmount": dollars(line.billed),
            "notCoveredAmount": dollars(line.not_covered),
            "providerWriteOffAmount": dollars(line.write_off),
            "allowedAmount": dollars(line.allowed),
            "deductibleAmount": dollars(line.deductible),
            "copayAmount": dollars(line.copay),
            "coinsuranceAmount": dollars(line.coinsurance),
            "paidAmount": dollars(line.paid),
            "memberResponsiblityAmount": dollars(line.deductible + line.copay + line.coinsurance),
        },
        "lineIndicators": {"inventoryControlNumberSuffix": line.suffix},
        "lineAdjudicationCodes": [_line_code(code) for code in line.codes],
    }


def _line_code(code: Code) -> Json:
    return {"type": code.kind, "code": code.code, "description": code.description}
