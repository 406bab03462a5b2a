"""Records of the world as the payer's JSON: the one place that knows its field names."""

from collections.abc import Callable, Iterable

from claims_pipeline.sandbox.world.amounts import dollars
from claims_pipeline.sandbox.world.dates import us_date
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Code, Draft, Line, Record
from claims_pipeline.sandbox.world.world import PAYER_ID

Json = dict[str, object]

# The payer's words for its codes, made up here: X12's own descriptions are not ours to ship.
_CATEGORY_WORDS = {
    "A0": "Sent on to another payer",
    "A1": "We have it, and have not looked at it",
    "A2": "Taken in for a decision",
    "A3": "Sent back, could not be worked on",
    "A6": "Refused, something is missing",
    "A7": "Refused, something is wrong",
    "A8": "Refused, two fields contradict each other",
    "P0": "Waiting",
    "P1": "Being worked on",
    "P2": "With a reviewer",
    "P3": "Waiting for the practice",
    "P4": "Waiting for the patient",
    "P5": "On hold in our system",
    "R4": "Documents wanted",
    "F1": "Done, see the amounts",
    "F2": "Done, not covered",
    "F3": "Done, changed after a second look",
    "F3F": "Done, and sent to the next payer",
    "F3N": "Done, and not sent to the next payer",
    "F4": "Done, nothing will be paid",
}
_ADDRESS = {"addressLine1": "1 SAMPLE STREET", "city": "ANYTOWN", "state": "MN", "zip": "00000"}


def summary_claim(record: Record, practice: WorldPractice) -> Json:
    """One entry of `claims[]` in a summary answer."""
    provider = {
        "tin": practice.tin,
        "billProvNm": practice.name.upper(),
        "billingNpi": f"000000{practice.number:04d}",
        "servicingProvNm": f"DR SAMPLE {record.order % 9 + 1}",
    }
    return {
        "claimNumber": record.claim_number,
        "claimStatus": record.payer_status,
        "detailsAvailable": "Y" if record.processed else "N",
        "memberInfo": {
            "subscriberId": record.person.subscriber_id,
            "policyNbr": f"0{practice.number:06d}",
            "ptntFn": record.person.first_name,
            "ptntLn": record.person.last_name,
            "ptntDob": us_date(record.person.date_of_birth),
        },
        "provInfo": {
            "submitted": provider,
            "adjudicated": {**provider, "tinPrfx": "1", "tinSufx": "00001"},
        },
        "claimSummary": _claim_summary(record),
        "claimCodes": [_code(code) for code in record.codes],
    }


def _claim_summary(record: Record) -> Json:
    def total(amount: Callable[[Line], int]) -> str:
        return dollars(record.total(amount))

    return {
        "receivedDt": us_date(record.received),
        "processedDt": us_date(record.processed),
        "processedTm": record.processed_time,
        "firstSrvcDt": us_date(record.service.first),
        "lastSrvcDt": us_date(record.service.last),
        "ptntAcctNbr": record.account_number,
        "networkStatus": "I" if record.in_network else "O",
        "claimType": "I" if record.institutional else "P",
        "statusEfctDt": us_date(record.processed or record.received),
        "totalChargedAmt": total(lambda line: line.billed),
        "provWriteOffAmt": total(lambda line: line.write_off),
        "ptntNoCovAmt": "0.00",
        "provNotCovAmt": total(lambda line: line.not_covered),
        "totalAllowdAmt": total(lambda line: line.allowed),
        "deductibleAmt": total(lambda line: line.deductible),
        "totalCopayAmt": total(lambda line: line.copay),
        "totalCoinsAmt": total(lambda line: line.coinsurance),
        "totalPaidAmt": total(lambda line: line.paid),
        "totalPtntRespAmt": total(lambda line: line.deductible + line.copay + line.coinsurance),
        "faclOrProfCd": "F" if record.institutional else "P",
        "dccFln": f"{record.order:010d}",
        "clmXWalkData": [
            {
                "clm507Cd": row.category,
                "clm507CdDesc": _CATEGORY_WORDS[row.category],
                "clm508Cd": row.status,
                "clm508CdDesc": f"Our note number {row.status}",
                "clmIcnSufxCd": row.suffix,
                "clmDrftNbr": row.draft_number,
            }
            for row in record.crosswalk
        ],
        # As in the real answers: check numbers come from the payment call.
        "chkInfo": [],
    }


def detail(records: Iterable[Record], transaction: str) -> Json:
    """The answer to a detail call for all records of one claim number."""
    return {
        "transactionId": transaction,
        "invokeActions": [],
        "claimsDetailInfo": [_detail_claim(record) for record in records],
        "claimSummaryInfo": [],
    }


def _detail_claim(record: Record) -> Json:
    return {
        "claimNumber": record.claim_number,
        "payerId": PAYER_ID,
        "cobInfo": {},
        "diagnosisCodes": [],
        "dateReceived": us_date(record.received),
        "initialDecisionDate": us_date(record.processed),
        "placeOfService": "21" if record.institutional else "11",
        "patientAccountNumber": record.account_number,
        "typeOfClaim": "I" if record.institutional else "P",
        "lines": [_line(line, record) for line in record.lines],
    }


def _line(line: Line, record: Record) -> Json:
    return {
        "lineNbr": str(line.number),
        "lineKey": f"{record.claim_number}{line.suffix}{line.number:03d}",
        "icnSuffix": line.suffix,
        "firstSrvcDt": us_date(record.service.first),
        "lastSrvcDt": us_date(record.service.last),
        "processedDt": us_date(record.processed),
        "srvcCode": line.procedure,
        "procedureCd": line.procedure,
        "revenueCode": "0450" if record.institutional else "",
        "unitCount": "1",
        "billedAmt": dollars(line.billed),
        "allowdAmt": dollars(line.allowed),
        "paidAmt": dollars(line.paid),
        "notCovAmt": dollars(line.not_covered),
        "provWrtOffAmt": dollars(line.write_off),
        "totalMemResp": dollars(line.deductible + line.copay + line.coinsurance),
        "copay": dollars(line.copay),
        "deductible": dollars(line.deductible),
        "coinsurance": dollars(line.coinsurance),
        "networkStatus": "I" if record.in_network else "O",
        "claimCodes": [_code(code) for code in line.codes],
    }


def _code(code: Code) -> Json:
    return {"type": code.kind, "code": code.code, "description": code.description}


def payment(records: Iterable[Record], practice: WorldPractice) -> Json:
    """The answer to a payment call for all records of one claim number."""
    return {
        "payments": [_payment(draft, practice) for record in records for draft in record.drafts]
    }


def _payment(draft: Draft, practice: WorldPractice) -> Json:
    return {
        "paymentIssueDt": us_date(draft.issued),
        "checkNbr": draft.check_number,
        "checkAmt": dollars(draft.check_total),
        "checkEFTIndicator": "E" if draft.electronic else "C",
        "chkSrsDesg": "A1",
        "checkStatus": "ISSUED",
        "draftAmt": dollars(draft.amount),
        "draftNbr": draft.number,
        "cashedDt": "",
        "payeeTypeCode": "P",
        "payeeNm": practice.name.upper(),
        "paymentType": "EFT" if draft.electronic else "CHECK",
        "payeeAddress": _ADDRESS,
    }
