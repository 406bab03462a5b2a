"""A tracked claim as it stands in the database, and as the rooms above speak of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from claims_pipeline.model import DateWindow, Patient, Request, Standing
from claims_pipeline.store import tables

# The identity of one that turned out to be another begins so; it is closed, and joined no more.
MERGED = "merged:"
_LONGEST_CODE, _MOST_CODES = 16, 20
_LONGEST_SEARCH_TEXT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedClaim:
    """One followed claim. Names, dates and numbers are patients' data, kept out of its text.

    `next_check_on` is a day of the payer's. `last_checked`, `checks` and `status_since` are of
    answers; a check that failed is none. `dollars` is what can still be won, by which work is put
    in order.
    """

    id: str
    organization_id: str
    claim_key: str | None
    payer: str
    payer_id: str
    practice_id: str
    tin: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    date_of_birth: date = field(repr=False)
    gender: str | None = field(repr=False)
    subscriber_id: str | None = field(repr=False)
    subscriber_first_name: str | None = field(repr=False)
    subscriber_last_name: str | None = field(repr=False)
    npi: str | None
    claim_number: str | None = field(repr=False)
    patient_account_number: str | None = field(repr=False)
    service_from: date | None = field(repr=False)
    service_to: date | None = field(repr=False)
    row_charged: Decimal | None
    status: str
    next_action: str | None
    charged: Decimal | None
    open_amount: Decimal | None
    paid: Decimal | None
    patient_owes: Decimal | None
    denial_category: str | None
    denial_codes: tuple[str, ...]
    remark_codes: tuple[str, ...]
    received: date | None
    processed: date | None
    first_seen: datetime
    last_checked: datetime | None
    checks: int
    status_since: datetime
    previous_status: str | None
    changed_at: datetime | None
    next_check_on: date | None
    final_at: datetime | None
    last_upload_id: str | None
    last_row_number: int | None
    check_upload_id: str | None
    needs_person: bool
    dollars: Decimal
    owner: str | None
    follow_up_on: date | None
    done_at: datetime | None
    done_by: str | None
    act_by: date | None
    deadline_rule: str | None

    def request(self, row_number: int) -> Request:
        """The row by which the claim is asked for again."""
        service = None
        if self.service_from is not None:
            service = DateWindow(self.service_from, self.service_to or self.service_from)
        return Request(
            row_number=row_number,
            line_number=row_number + 1,
            practice_id=self.practice_id,
            tin=self.tin,
            payer=self.payer,
            payer_id=self.payer_id,
            patient=Patient(
                first_name=self.first_name,
                last_name=self.last_name,
                date_of_birth=self.date_of_birth,
                gender=self.gender,
            ),
            claim_number=self.claim_number,
            patient_account_number=self.patient_account_number,
            subscriber_id=self.subscriber_id,
            subscriber_first_name=self.subscriber_first_name,
            subscriber_last_name=self.subscriber_last_name,
            npi=self.npi,
            service=service,
            total_charged=self.row_charged,
        )


TRACKED_COLUMNS = tuple(tables.tracked_claims.c[each.name] for each in fields(TrackedClaim))


def tracked_of(row: Mapping[str, Any]) -> TrackedClaim:
    """The claim of a row with `TRACKED_COLUMNS`."""
    values = dict(row)
    for name in ("denial_codes", "remark_codes"):
        values[name] = codes_of(values[name])
    return TrackedClaim(**values)


def standing_of_row(row: Mapping[str, Any]) -> Standing:
    """Where the claim stood at its last answer."""
    return Standing(
        status=row["status"],
        next_action=row["next_action"],
        claim_number=row["claim_number"],
        service_from=row["service_from"],
        service_to=row["service_to"],
        charged=row["charged"],
        open_amount=row["open_amount"],
        paid=row["paid"],
        patient_owes=row["patient_owes"],
        denial_category=row["denial_category"],
        denial_codes=codes_of(row["denial_codes"]),
        remark_codes=codes_of(row["remark_codes"]),
        received=row["received"],
        processed=row["processed"],
    )


def search_text_of(row: Mapping[str, Any]) -> str:
    """What a claim is searched by: names and numbers, in capitals and bounded."""
    names = ("last_name", "first_name", "claim_number", "patient_account_number")
    return " ".join(row[name] for name in names if row[name]).upper()[:_LONGEST_SEARCH_TEXT]


def codes_of(text: str | None) -> tuple[str, ...]:
    """The codes of a column that has a blank around each."""
    return tuple((text or "").split())


def codes_text(codes: Sequence[str]) -> str | None:
    """Codes with a blank around each, so that one is found by itself; None for none.

    What a payer sends is bounded: an index holds it.
    """
    kept = [code for code in codes if len(code) <= _LONGEST_CODE and not code.isspace()]
    return f" {' '.join(kept[:_MOST_CODES])} " if kept else None
