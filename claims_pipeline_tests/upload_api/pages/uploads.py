"""Uploads in every state that their page shows, with hostile names and texts in them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from claims_pipeline.model import (
    AdjudicationCode,
    Claim,
    ClaimStatus,
    Denial,
    DenialCategory,
    MatchedClaim,
    Outcome,
    Payment,
    Result,
    StatusCode,
    UploadStatus,
)
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.uploads import Upload, get_upload
from claims_pipeline_tests.store.builders import (
    Runs,
    answer,
    make_claim,
    make_result,
    store_rows,
)
from claims_pipeline_tests.upload_api.api import Api

# Markup in a file's name and in what a payer says: text, whatever reads it.
HOSTILE_NAME = '<img src=x onerror="document.title=1">&amp;.csv'
HOSTILE_TEXT = "<script>document.title='owned'</script> & \"quotes\""
ROWS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpload:
    """An upload that no Dagster has seen, and the hold with which its rows were answered."""

    api: Api
    id: str
    hold: Hold

    @property
    def upload(self) -> Upload:
        """It, as it stands now."""
        found = get_upload(self.api.engine, self.id)
        assert found is not None
        return found

    def end(self, status: UploadStatus, **error: str) -> "MadeUpload":
        """End its latest attempt."""
        attempt = attempts.latest_attempt(self.api.engine, self.id)
        assert attempt is not None
        attempts.finish(
            self.api.engine,
            self.id,
            status,
            attempt_id=attempt.id,
            now=datetime.now(UTC),
            error_code=error.get("error_code"),
            error_message=error.get("error_message"),
        )
        return self


def running_upload(api: Api, *, answered: bool = True, **fields: object) -> MadeUpload:
    """One that a run holds: rows 1 to 11 answered in many ways, 12 open, 13 and 14 rejected."""
    upload = api.add_upload(**{"file_name": HOSTILE_NAME, **fields})
    runs = Runs(engine=api.engine, upload_id=upload.id)
    hold = runs.held(str(uuid4()), now=datetime.now(UTC) - timedelta(seconds=20))
    if answered:
        store_rows(api.engine, hold, accepted=12, rejected=2)
        answer(api.engine, hold, *_answers())
    return MadeUpload(api=api, id=upload.id, hold=hold)


def pending_upload(api: Api, **fields: str) -> Upload:
    """One that nobody has taken yet."""
    return api.add_upload(**{"file_name": HOSTILE_NAME, **fields})


def done_upload(api: Api, **fields: str) -> MadeUpload:
    """One that has ended: as the running one, the open row answered too."""
    made = running_upload(api, **fields)
    answer(api.engine, made.hold, _found(12, ClaimStatus.ACKNOWLEDGED, "check_later", "64.00"))
    return made.end(UploadStatus.COMPLETED)


def cancelled_upload(api: Api, **fields: str) -> MadeUpload:
    """One that was cancelled with a row open."""
    return running_upload(api, **fields).end(UploadStatus.CANCELLED)


def failed_upload(api: Api, **fields: str) -> MadeUpload:
    """One whose file could not be read."""
    return running_upload(api, answered=False, **fields).end(
        UploadStatus.FAILED,
        error_code="columns_missing",
        error_message="Columns that every row needs are not there. Missing: date_of_birth.",
    )


def waiting_upload(api: Api, **fields: str) -> MadeUpload:
    """One whose payer is down."""
    made = running_upload(api, **fields)
    now = datetime.now(UTC)
    attempts.wait_for_payer(
        api.engine,
        made.hold,
        reason="payer_unavailable",
        next_try_at=now + timedelta(minutes=10),
        now=now,
    )
    return made


def _answers() -> list[Result]:
    several = _found(1, ClaimStatus.PAID, "post_payment", "120.50", paid="99.95")
    older = replace(several.claims[0].claim, claim_number="FH0000009", processed=date(2025, 12, 1))
    return [
        replace(
            several,
            claims=(*several.claims, replace(several.claims[0], claim=older, primary=False)),
            match_note="The first name is written in another form.",
        ),
        _found(2, ClaimStatus.PAID, "post_payment_and_review_lines", "410.00", paid="250.10"),
        _found(3, ClaimStatus.PENDING, "wait_for_decision", "1900.00"),
        _found(4, ClaimStatus.DENIED, "appeal_with_authorization", "75.25", hostile=True),
        _found(5, ClaimStatus.DENIED, "appeal_with_authorization", "2210.00"),
        _found(6, ClaimStatus.ACTION_REQUIRED, "send_information", "333.33"),
        _found(7, ClaimStatus.CLOSED_NO_PAYMENT, "bill_patient", "88.00"),
        replace(make_result(8, Outcome.NOT_FOUND), next_action="check_row"),
        replace(
            make_result(9, Outcome.FAILED),
            next_action="retry_later",
            error_message="The payer is not answering right now. Retry the rows later.",
        ),
        replace(
            make_result(10, Outcome.FAILED),
            next_action="check_practice_setup",
            error_code="payer_id_refused",
            error_message="The payer does not take this payer id.",
        ),
        replace(
            make_result(11, Outcome.AMBIGUOUS, claims=2),
            next_action="choose_claim",
            match_note="Only the claim number matches; check that the claim is this patient's.",
        ),
    ]


def _found(
    row_number: int,
    status: ClaimStatus,
    next_action: str,
    charged: str,
    *,
    paid: str = "0.00",
    hostile: bool = False,
) -> Result:
    claim = _full_claim(row_number, Decimal(charged), Decimal(paid))
    if hostile:
        claim = replace(
            claim,
            patient_last_name=HOSTILE_TEXT,
            payer_status=HOSTILE_TEXT,
            codes=(AdjudicationCode(kind="CARC", code="197", description=HOSTILE_TEXT),),
        )
    is_settled = status in {ClaimStatus.PAID, ClaimStatus.CLOSED_NO_PAYMENT}
    is_denied = status is ClaimStatus.DENIED
    code = claim.codes[0]
    match = MatchedClaim(
        claim=claim,
        status=status,
        next_action=next_action,
        primary=True,
        open_amount=Decimal("0.00") if is_settled else Decimal(charged),
        denial_category=DenialCategory.NO_AUTHORIZATION if is_denied else None,
        denials=(Denial(code=code.code, description=code.description),) if is_denied else (),
    )
    return replace(make_result(row_number), next_action=next_action, claims=(match,))


def _full_claim(row_number: int, charged: Decimal, paid: Decimal) -> Claim:
    return replace(
        make_claim(f"FH{row_number:08d}", processed=date(2026, 1, 20)),
        patient_first_name="EMILE",
        patient_last_name=f"EXAMPLE{row_number}",
        patient_date_of_birth=date(1975, 5, 10),
        subscriber_id="90001",
        patient_account_number="000123",
        received=date(2026, 1, 9),
        claim_type="Professional",
        network_status="In network",
        rendering_provider="ROWAN SAMPLE",
        payer_status="Finalized",
        service_from=date(2026, 1, row_number),
        status_codes=(
            StatusCode(
                category_code="F1",
                category_description="Made-up category",
                status_code="65",
                status_description="Made-up status",
            ),
        ),
        codes=(
            AdjudicationCode(kind="CARC", code="29", description="Made-up reason", line_number="1"),
            AdjudicationCode(kind="RARC", code="N30", description="Made-up remark"),
        ),
        total_charged=charged,
        total_allowed=paid + Decimal("20.00") if paid else Decimal("0.00"),
        total_paid=paid,
        patient_responsibility=Decimal("20.00"),
        payments=(
            (
                Payment(
                    number="EFT0001", kind="EFT", issued=date(2026, 1, 22), amount=paid, total=paid
                ),
            )
            if paid
            else ()
        ),
    )
