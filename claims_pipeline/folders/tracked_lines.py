"""A followed claim as a line of a file."""

from collections.abc import Sequence
from datetime import UTC, date

from claims_pipeline.exports.lines import Cell, Line, joined, safe
from claims_pipeline.model import DenialCategory
from claims_pipeline.payers.denials import DENIAL_CATEGORIES
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.results_file.columns import TRACKED_COLUMNS
from claims_pipeline.store.tracked.records import TrackedClaim


def tracked_line(claim: TrackedClaim, *, today: date, notes: Sequence[str] = ()) -> Line:
    """The claim in the order of `TRACKED_COLUMNS`; `today` is the payer's."""
    category = claim.denial_category
    cells: dict[str, Cell] = {
        "last_name": claim.last_name,
        "first_name": claim.first_name,
        "date_of_birth": claim.date_of_birth,
        "claim_number": claim.claim_number,
        "patient_account_number": claim.patient_account_number,
        "claim_status": claim.status,
        "next_action": NEXT_ACTIONS.get(claim.next_action or "", claim.next_action),
        "open_amount": claim.open_amount,
        "act_by": claim.act_by,
        "days_left": (claim.act_by - today).days if claim.act_by else None,
        "owner": claim.owner,
        "follow_up_on": claim.follow_up_on,
        "done": "Y" if claim.done_at else None,
        "service_from": claim.service_from,
        "service_to": claim.service_to,
        "practice_id": claim.practice_id,
        "tin": claim.tin,
        "payer": claim.payer,
        "total_charged": claim.charged or claim.row_charged,
        "total_paid": claim.paid,
        "patient_responsibility": claim.patient_owes,
        "denial_category": DENIAL_CATEGORIES[DenialCategory(category)] if category else None,
        "denial_codes": joined(claim.denial_codes),
        "remark_codes": joined(claim.remark_codes),
        "processed_date": claim.processed,
        "previous_status": claim.previous_status,
        "status_since": claim.status_since.astimezone(UTC).date(),
        "checks": claim.checks,
        "last_checked_utc": (
            f"{claim.last_checked.astimezone(UTC):%m/%d/%Y %H:%M:%S}"
            if claim.last_checked
            else None
        ),
        "next_check_on": claim.next_check_on,
        "deadline_rule": claim.deadline_rule,
        "notes": joined(notes),
        "tracked_claim": claim.id,
    }
    return tuple(
        safe(cell) if isinstance(cell, str) else cell for cell in map(cells.get, TRACKED_COLUMNS)
    )
