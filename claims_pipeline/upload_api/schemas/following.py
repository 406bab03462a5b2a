"""Followed claims, their changes and candidates as JSON."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Self

from pydantic import BaseModel

from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.tracked.changes import TrackedChange
from claims_pipeline.store.tracked.decisions import Candidate
from claims_pipeline.store.tracked.records import TrackedClaim
from claims_pipeline.store.tracked.work import Note


class NoteJson(BaseModel):
    """What somebody wrote about a claim."""

    at: datetime
    author: str
    text: str


class CandidateJson(BaseModel):
    """A claim of an ambiguous row; `candidate` names it in a decision."""

    candidate: str
    claim_number: str
    patient_first_name: str | None
    patient_last_name: str | None
    patient_date_of_birth: date | None
    service_from: date | None
    service_to: date | None
    claim_status: str
    total_charged: Decimal | None
    total_paid: Decimal | None
    note: str | None

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """The JSON of one candidate."""
        match = candidate.match
        claim = match.claim
        return cls(
            candidate=candidate.key,
            claim_number=claim.claim_number,
            patient_first_name=claim.patient_first_name,
            patient_last_name=claim.patient_last_name,
            patient_date_of_birth=claim.patient_date_of_birth,
            service_from=claim.service_from,
            service_to=claim.service_to,
            claim_status=match.status,
            total_charged=claim.total_charged,
            total_paid=claim.total_paid,
            note=match.note,
        )


class TrackedClaimJson(BaseModel):
    """One followed claim as it stands now. Amounts are texts in dollars.

    `claim_status` is in lower case where no claim answers for certain. `days_left` counts from the
    payer's today to `act_by`. `next_check_on` is null when the claim is not asked again by itself.
    """

    id: str
    payer: str
    practice_id: str
    tin: str
    first_name: str
    last_name: str
    date_of_birth: date
    claim_number: str | None
    patient_account_number: str | None
    service_from: date | None
    service_to: date | None
    claim_status: str
    next_action: str | None
    next_action_text: str | None
    denial_category: str | None
    denial_codes: list[str]
    remark_codes: list[str]
    total_charged: Decimal | None
    open_amount: Decimal | None
    total_paid: Decimal | None
    patient_responsibility: Decimal | None
    processed_date: date | None
    previous_status: str | None
    status_since: datetime
    first_seen: datetime
    last_checked: datetime | None
    checks: int
    next_check_on: date | None
    is_final: bool
    owner: str | None
    follow_up_on: date | None
    done: bool
    act_by: date | None
    days_left: int | None
    deadline_rule: str | None
    upload_id: str | None
    row_number: int | None

    @classmethod
    def of(cls, claim: TrackedClaim, *, today: date) -> Self:
        """The JSON of one claim."""
        return cls(
            id=claim.id,
            payer=claim.payer,
            practice_id=claim.practice_id,
            tin=claim.tin,
            first_name=claim.first_name,
            last_name=claim.last_name,
            date_of_birth=claim.date_of_birth,
            claim_number=claim.claim_number,
            patient_account_number=claim.patient_account_number,
            service_from=claim.service_from,
            service_to=claim.service_to,
            claim_status=claim.status,
            next_action=claim.next_action,
            next_action_text=NEXT_ACTIONS.get(claim.next_action or ""),
            denial_category=claim.denial_category,
            denial_codes=list(claim.denial_codes),
            remark_codes=list(claim.remark_codes),
            total_charged=claim.row_charged if claim.charged is None else claim.charged,
            open_amount=claim.open_amount,
            total_paid=claim.paid,
            patient_responsibility=claim.patient_owes,
            processed_date=claim.processed,
            previous_status=claim.previous_status,
            status_since=claim.status_since,
            first_seen=claim.first_seen,
            last_checked=claim.last_checked,
            checks=claim.checks,
            next_check_on=claim.next_check_on,
            is_final=claim.final_at is not None,
            owner=claim.owner,
            follow_up_on=claim.follow_up_on,
            done=claim.done_at is not None,
            act_by=claim.act_by,
            days_left=(claim.act_by - today).days if claim.act_by else None,
            deadline_rule=claim.deadline_rule,
            upload_id=claim.last_upload_id,
            row_number=claim.last_row_number,
        )


class WorkListJson(BaseModel):
    """One page of claims. `count` and `dollars` are those of all pages."""

    count: int
    dollars: Decimal
    next: str | None
    previous: str | None
    results: list[TrackedClaimJson]


class OneClaimJson(BaseModel):
    """A claim with its notes, newest first, and what may be chosen from while it is ambiguous."""

    claim: TrackedClaimJson
    notes: list[NoteJson]
    candidates: list[CandidateJson]
    is_decided: bool

    @classmethod
    def build(
        cls,
        claim: TrackedClaim,
        *,
        today: date,
        notes: Sequence[Note],
        candidates: Sequence[Candidate],
        is_decided: bool,
    ) -> Self:
        """The JSON of one claim and what belongs to it."""
        return cls(
            claim=TrackedClaimJson.of(claim, today=today),
            notes=[NoteJson(at=note.at, author=note.author, text=note.text) for note in notes],
            candidates=[CandidateJson.of(candidate) for candidate in candidates],
            is_decided=is_decided,
        )


class ChangeJson(BaseModel):
    """One change; `number` rises, and is the cursor of whoever asks for what came later.

    `changed` is `new` for a claim that was answered for the first time.
    """

    number: int
    at: datetime
    day: date
    changed: str
    previous_status: str | None
    claim_status: str
    next_action: str | None
    open_amount: Decimal | None
    total_paid: Decimal | None
    patient_responsibility: Decimal | None
    upload_id: str | None
    claim: TrackedClaimJson

    @classmethod
    def of(cls, change: TrackedChange, *, today: date) -> Self:
        """The JSON of one change."""
        return cls(
            number=change.number,
            at=change.at,
            day=change.day,
            changed=change.kind.value,
            previous_status=change.previous_status,
            claim_status=change.status,
            next_action=change.next_action,
            open_amount=change.open_amount,
            total_paid=change.paid,
            patient_responsibility=change.patient_owes,
            upload_id=change.upload_id,
            claim=TrackedClaimJson.of(change.claim, today=today),
        )


class ChangeListJson(BaseModel):
    """Changes in order. Ask again with `cursor` as `since`; `has_more` when there are more now."""

    cursor: int
    has_more: bool
    results: list[ChangeJson]


class ChangedWorkJson(BaseModel):
    """How many claims were changed. Ids that are not the organization's are left out."""

    changed: int


class DenialGroupJson(BaseModel):
    """Followed claims of one payer that were denied for one reason, with one remark or none."""

    payer: str
    carc: str
    rarc: str | None
    claims: int
    dollars: Decimal


class DenialGroupListJson(BaseModel):
    """Groups, most dollars first."""

    count: int
    results: list[DenialGroupJson]
