"""The world's claims as a payer's 277 tells them: other codes, no history, no suffixes.

A 277 says with categories what other channels say with amounts, and shows each claim as it stands:
earlier versions are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Draft, Line, Record
from claims_pipeline.sandbox.world.world import World

NOT_FOUND = ("D0", "35")
_PAID = "F1"
_NOTHING_TO_PAY = ("F4", "98")
_WRONG_PAYER = ("A3", "116")
_MISDIRECTED = "Misdirected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim277:
    """A claim with its statuses as (category, status) pairs, the first one first.

    Amounts are whole cents; before a claim is decided nothing was paid. `decided` is the date of
    the decision whatever it was; `check` is the first payment.
    """

    record: Record
    statuses: tuple[tuple[str, str], ...]
    charged: int
    paid: int
    decided: date | None
    check: Draft | None

    @property
    def clearinghouse_number(self) -> str:
        """The number under which the clearinghouse forwarded the claim."""
        return f"CH{self.record.claim_number}{self.record.order % 1000:03d}"


def search_277(
    world: World,
    practice: WorldPractice,
    window: DateWindow,
    patient: Patient,
    *,
    member_id: str | None = None,
) -> list[Claim277]:
    """The patient's claims; with `member_id` only those of the member."""
    found = world.search(practice, window, patient)
    if member_id is not None:
        found = [record for record in found if record.person.subscriber_id == member_id]
    return [_as_277(record) for record in _current(found)]


def statuses_of_line(line: Line, claim: Claim277) -> tuple[str, str]:
    """A line's status, which differs from the claim's where the line is denied."""
    if claim.record.processed is None:
        return claim.statuses[0]
    if line.not_covered:
        return ("F2", "585")
    return (_PAID, "65") if line.paid else claim.statuses[0]


def _current(records: Iterable[Record]) -> list[Record]:
    """The latest version of each claim, parts of one kept."""
    latest: dict[tuple[str, tuple[str, ...]], Record] = {}
    for record in records:
        key = (record.claim_number, tuple(row.suffix for row in record.crosswalk))
        known = latest.get(key)
        if known is None or (record.processed or date.min) > (known.processed or date.min):
            latest[key] = record
    return list(latest.values())


def _as_277(record: Record) -> Claim277:
    paid = record.total(lambda line: line.paid)
    rows = dict.fromkeys((row.category, row.status) for row in record.crosswalk)
    statuses = tuple(rows)
    if record.payer_status == _MISDIRECTED:
        statuses = (_WRONG_PAYER,)
    elif statuses[0][0] == _PAID and not paid:
        statuses = (_NOTHING_TO_PAY,)
    return Claim277(
        record=record,
        statuses=statuses,
        charged=record.total(lambda line: line.billed),
        paid=paid,
        decided=record.processed,
        check=record.drafts[0] if record.drafts else None,
    )
