"""Uploads, rows and answers for the store's tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import Engine

from claims_pipeline.model import (
    Claim,
    ClaimStatus,
    DateWindow,
    MatchedClaim,
    Outcome,
    Patient,
    QueryKind,
    RejectedRow,
    Request,
    Result,
)
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import writing
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ORGANIZATION = "demo"
TIN = "070000001"
PAYER_ID = "87726"
HEADER = ("first_name", "last_name", "date_of_birth")


@dataclass
class Runs:
    """Runs that ask for an upload, as Dagster would launch them."""

    engine: Engine
    upload_id: str
    ended: set[str] = field(default_factory=set)

    def acquire(
        self,
        run_id: str,
        *,
        ticket: str | None = None,
        has_parent: bool = False,
        is_automatic_retry: bool = False,
        now: datetime = NOW,
    ) -> Hold | None:
        """Let a run ask for the upload's attempt; None when it has no business with it."""
        hold = attempts.acquire(
            self.engine,
            self.upload_id,
            run_id,
            ticket=ticket,
            has_parent=has_parent,
            run_has_ended=self.ended.__contains__,
            dead_after_s=30,
            dead_between_steps_s=600,
            now=now,
            is_automatic_retry=is_automatic_retry,
        )
        return hold if isinstance(hold, Hold) else None

    def launch(self, run_id: str, *, now: datetime = NOW) -> Hold | None:
        """Launch the latest attempt with a ticket and let the run take it."""
        ticket = str(uuid4())
        attempt = attempts.latest_attempt(self.engine, self.upload_id)
        assert attempt is not None
        assert attempts.issue_ticket(self.engine, attempt.id, ticket=ticket, now=now)
        return self.acquire(run_id, ticket=ticket, now=now)

    def held(self, run_id: str | None = None, *, now: datetime = NOW) -> Hold:
        """As `launch`, where the run is sure to get the attempt."""
        hold = self.launch(run_id or str(uuid4()), now=now)
        assert hold is not None
        return hold


def make_upload(
    engine: Engine,
    *,
    organization_id: str = ORGANIZATION,
    upload_id: str | None = None,
    sha256: str = "ab" * 32,
    file_name: str = "worklist.csv",
    now: datetime = NOW,
    total_rows: int = 0,
    actor: str | None = None,
    outbox_name: str | None = None,
) -> Upload:
    """A pending upload of an organization that is there."""
    ensure_organization(engine, organization_id, "Demo billing")
    upload_id = upload_id or str(uuid4())
    new = uploads.NewUpload(
        id=upload_id,
        organization_id=organization_id,
        payer="uhc",
        source="api",
        file_name=file_name,
        file_key=f"{organization_id}/{upload_id}/upload.csv",
        file_size=100,
        file_sha256=sha256,
        total_rows=total_rows,
        outbox_name=outbox_name,
    )
    return uploads.create_upload(engine, new, now=now, actor=actor)


def make_runs(engine: Engine) -> Runs:
    """A pending upload and whoever asks for it."""
    return Runs(engine=engine, upload_id=make_upload(engine).id)


def make_request(row_number: int, *, duplicate_of: int | None = None) -> Request:
    """One valid row with every column filled."""
    service = DateWindow(date(2026, 1, 5), date(2026, 1, 6))
    return Request(
        row_number=row_number,
        line_number=row_number + 1,
        practice_id="1",
        tin=TIN,
        payer="uhc",
        payer_id=PAYER_ID,
        patient=Patient(
            first_name="Émile",
            last_name=f"Example{row_number}",
            date_of_birth=date(1975, 5, 10),
            gender="F",
        ),
        claim_number=f"FH{row_number:08d}",
        patient_account_number="000123",
        subscriber_id="900-01",
        subscriber_first_name="Zoë",
        subscriber_last_name="Example",
        npi="1234567893",
        service=service,
        total_charged=Decimal("120.50"),
        cells=("Émile", f"Example{row_number}", "05/10/1975"),
        duplicate_of=duplicate_of,
    )


def make_rejected(row_number: int) -> RejectedRow:
    """One row without a birth date."""
    return RejectedRow(
        row_number=row_number,
        line_number=row_number + 1,
        column="date_of_birth",
        code="value_missing",
        message="Fill in the date of birth.",
        cells=("Ada", "Example", ""),
    )


def store_rows(
    engine: Engine,
    hold: Hold,
    *,
    accepted: int = 3,
    rejected: int = 0,
    duplicates: Sequence[int] = (),
) -> None:
    """Rows 1 to `accepted`, then one for each row of `duplicates`, then the rejected ones."""
    requests = [make_request(number) for number in range(1, accepted + 1)]
    for number, original in enumerate(duplicates, start=accepted + 1):
        requests.append(make_request(number, duplicate_of=original))
    first = len(requests) + 1
    stored.begin_rows(engine, hold, HEADER)
    rejected_rows = [make_rejected(number) for number in range(first, first + rejected)]
    stored.add_rows(engine, hold, RequestColumns.of(requests), rejected_rows)
    stored.complete_rows(engine, hold, record_count=len(requests) + rejected)


def make_claim(number: str = "FH00000001", *, processed: date | None = None) -> Claim:
    """A claim with what a summary brings."""
    return Claim(
        payer_id=PAYER_ID,
        tin=TIN,
        claim_number=number,
        service_from=date(2026, 1, 5),
        service_to=date(2026, 1, 5),
        processed=processed,
        total_charged=Decimal("120.50"),
        total_paid=Decimal("99.95"),
    )


def make_result(
    row_number: int,
    outcome: Outcome = Outcome.FOUND,
    *,
    status: ClaimStatus = ClaimStatus.PAID,
    claims: int = 1,
) -> Result:
    """An answer; one that is found or ambiguous has claims, the first of them primary."""
    has_claims = outcome in {Outcome.FOUND, Outcome.AMBIGUOUS}
    matched = tuple(
        MatchedClaim(
            claim=make_claim(f"FH{row_number:06d}{index:02d}"),
            status=status,
            next_action="Nothing to do.",
            primary=index == 0,
        )
        for index in range(claims if has_claims else 0)
    )
    return Result(
        row_number=row_number,
        outcome=outcome,
        claims=matched,
        matched_by="patient" if has_claims else None,
        next_action="Nothing to do.",
        searched=DateWindow(date(2026, 1, 1), date(2026, 1, 31)),
        search=QueryKind.SWEEP,
        error_code="payer_unavailable" if outcome is Outcome.FAILED else None,
        payer_environment="sandbox",
        checked_at=NOW,
    )


def answer(engine: Engine, hold: Hold, *answers: Result) -> int:
    """Write answers as a checkpoint does; returns how many rows they answered."""
    with writing(engine) as connection:
        attempts.verify_hold(connection, hold)
        return results.write_results(connection, hold, answers)


def seconds_later(seconds: float) -> datetime:
    """An instant after NOW."""
    return NOW + timedelta(seconds=seconds)
