"""Uploads whose answers were told to tracked claims, as a run tells them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, select

from claims_pipeline.model import (
    Claim,
    ClaimStatus,
    DateWindow,
    Denial,
    MatchedClaim,
    Outcome,
    Patient,
    Request,
    Result,
    UploadOptions,
    UploadStatus,
)
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import attempts, tables, uploads
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.tracked.feeding import Fed, feed
from claims_pipeline.store.tracked.gathering import Slot
from claims_pipeline.store.tracked.records import TRACKED_COLUMNS, TrackedClaim, tracked_of

ORGANIZATION = "demo"
TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TIN = "070000001"
VISIT = date(2026, 2, 2)
ACTIONS = {
    ClaimStatus.PENDING: "wait_for_decision",
    ClaimStatus.ACKNOWLEDGED: "check_later",
    ClaimStatus.PAID: "post_payment",
    ClaimStatus.DENIED: "review_denial",
    ClaimStatus.APPROVED: "expect_payment",
    ClaimStatus.ACTION_REQUIRED: "send_information",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a file with what the payer answers; `claims` are numbers and statuses."""

    person: str = "EXAMPLE"
    visit: date = VISIT
    claim_number: str | None = None
    outcome: Outcome = Outcome.FOUND
    claims: Sequence[tuple[str, ClaimStatus]] = ()
    charged: Decimal = Decimal("100.00")
    paid: Decimal | None = None
    codes: Sequence[str] = ()

    def request(self, row_number: int) -> Request:
        """The row as intake stores it."""
        return Request(
            row_number=row_number,
            line_number=row_number + 1,
            practice_id="1",
            tin=TIN,
            payer="uhc",
            payer_id="87726",
            patient=Patient(
                first_name="ADA", last_name=self.person, date_of_birth=date(1975, 5, 10)
            ),
            claim_number=self.claim_number,
            service=DateWindow(self.visit, self.visit),
            total_charged=self.charged,
            cells=("ADA", self.person),
        )

    def result(self, row_number: int, *, checked_at: datetime) -> Result:
        """The answer."""
        matches = tuple(
            MatchedClaim(
                claim=Claim(
                    payer_id="87726",
                    tin=TIN,
                    claim_number=number,
                    patient_first_name="ADA",
                    patient_last_name=self.person,
                    service_from=self.visit,
                    service_to=self.visit,
                    processed=self.visit + timedelta(days=20),
                    total_charged=self.charged,
                    total_paid=self.paid,
                ),
                status=status,
                next_action=ACTIONS[status],
                primary=place == 0,
                open_amount=Decimal() if status is ClaimStatus.PAID else self.charged,
                denials=tuple(Denial(code=code) for code in self.codes),
            )
            for place, (number, status) in enumerate(self.claims)
        )
        return Result(
            row_number=row_number,
            outcome=self.outcome,
            claims=matches,
            next_action=(
                None if self.outcome is Outcome.FOUND else next_action_for_error(self.outcome)
            ),
            error_code="payer_unavailable" if self.outcome is Outcome.FAILED else None,
            payer_environment="sandbox",
            checked_at=checked_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """An upload whose rows are answered and not told yet."""

    engine: Engine
    upload_id: str
    hold: Hold
    fields: dict[str, Any] = field(default_factory=dict)

    def tell(self, *, today: date = TODAY, now: datetime = NOW) -> Fed | None:
        """Tell the tracked claims."""
        upload = uploads.get_upload(self.engine, self.upload_id)
        assert upload is not None
        return feed(self.engine, upload, today=today, now=now)

    def end(self) -> None:
        """The upload has ended."""
        attempts.finish(
            self.engine,
            self.upload_id,
            UploadStatus.COMPLETED,
            attempt_id=self.hold.attempt_id,
            now=NOW,
            hold=self.hold,
        )


def hand_in(
    engine: Engine,
    *rows: Row,
    organization_id: str = ORGANIZATION,
    follow_up: bool | None = True,
    checked_at: datetime = NOW,
) -> Handed:
    """An upload of these rows, each answered."""
    ensure_organization(engine, organization_id, "Demo billing")
    upload_id = str(uuid4())
    new = uploads.NewUpload(
        id=upload_id,
        organization_id=organization_id,
        payer="uhc",
        source="api",
        file_name="worklist.csv",
        file_key=f"{organization_id}/{upload_id}/upload.csv",
        file_size=1,
        file_sha256=upload_id.replace("-", "") * 2,
        options=UploadOptions(follow_up=follow_up),
    )
    uploads.create_upload(engine, new, now=NOW)
    return answer_upload(engine, upload_id, *rows, checked_at=checked_at)


def answer_upload(engine: Engine, upload_id: str, *rows: Row, checked_at: datetime = NOW) -> Handed:
    """Let a run answer an upload that is there, such as one that was gathered."""
    hold = attempts.acquire(
        engine,
        upload_id,
        str(uuid4()),
        ticket=None,
        has_parent=False,
        run_has_ended=lambda _run: False,
        dead_after_s=30,
        dead_between_steps_s=600,
        now=NOW,
    )
    assert isinstance(hold, Hold)
    stored.begin_rows(engine, hold, ("first_name", "last_name"))
    requests = [row.request(number) for number, row in enumerate(rows, start=1)]
    stored.add_rows(engine, hold, RequestColumns.of(requests), [])
    stored.complete_rows(engine, hold, record_count=len(rows))
    with writing(engine) as connection:
        results.write_results(
            connection,
            hold,
            [row.result(number, checked_at=checked_at) for number, row in enumerate(rows, start=1)],
        )
    return Handed(engine=engine, upload_id=upload_id, hold=hold)


def follow(engine: Engine, *rows: Row, **options: Any) -> Handed:
    """Hand in, tell, end."""
    times = {name: options.pop(name) for name in ("today", "now") if name in options}
    handed = hand_in(engine, *rows, **options)
    handed.tell(**times)
    handed.end()
    return handed


def tracked(engine: Engine, organization_id: str = ORGANIZATION) -> list[TrackedClaim]:
    """All tracked claims, by their numbers."""
    columns = tables.tracked_claims.c
    query = (
        select(*TRACKED_COLUMNS)
        .where(columns.organization_id == organization_id)
        .order_by(columns.claim_number, columns.id)
    )
    with reading(engine) as connection:
        return [tracked_of(dict(row)) for row in connection.execute(query).mappings()]


def told(engine: Engine) -> list[tuple[str, str | None, str]]:
    """Kind, previous and new status of every change, in order."""
    columns = tables.claim_changes.c
    query = select(columns.kind, columns.previous_status, columns.status).order_by(columns.id)
    with reading(engine) as connection:
        return [(row.kind, row.previous_status, row.status) for row in connection.execute(query)]


def slot(day: date = TODAY, number: int = 0) -> Slot:
    """The demo organization's place for a follow-up upload."""
    return Slot(organization_id=ORGANIZATION, payer="uhc", day=day, number=number)
