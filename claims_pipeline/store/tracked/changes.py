"""What changed about followed claims, in the order in which it became true."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, Select, select

from claims_pipeline.model import ChangeKind
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.tracked.records import TRACKED_COLUMNS, TrackedClaim, tracked_of

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedChange:
    """One change with the claim as it stands now; what it changed to is the change's own."""

    number: int
    at: datetime
    day: date
    kind: ChangeKind
    previous_status: str | None
    status: str
    next_action: str | None
    open_amount: Decimal | None
    paid: Decimal | None
    patient_owes: Decimal | None
    upload_id: str | None
    claim: TrackedClaim


def changes_since(
    engine: Engine,
    organization_id: str,
    *,
    since: int,
    limit: int,
    with_new: bool = True,
    payer: str | None = None,
) -> list[TrackedChange]:
    """Changes numbered above `since`, in order; without those of claims that are merely new."""
    columns = tables.claim_changes.c
    query = _changes().where(columns.organization_id == organization_id, columns.id > since)
    if not with_new:
        query = query.where(columns.kind != ChangeKind.NEW)
    if payer is not None:
        query = query.where(tables.tracked_claims.c.payer == payer)
    with reading(engine) as connection:
        return _read(connection, query.order_by(columns.id).limit(limit))


def latest_changes(engine: Engine, organization_id: str, *, limit: int) -> list[TrackedChange]:
    """The newest changes, newest first; claims that are merely new are left out."""
    columns = tables.claim_changes.c
    query = (
        _changes()
        .where(columns.organization_id == organization_id, columns.kind != ChangeKind.NEW)
        .order_by(columns.id.desc())
        .limit(limit)
    )
    with reading(engine) as connection:
        return _read(connection, query)


def changes_of_claim(engine: Engine, organization_id: str, tracked_id: str) -> list[TrackedChange]:
    """Everything that was told of one claim, newest first."""
    columns = tables.claim_changes.c
    query = (
        _changes()
        .where(columns.organization_id == organization_id, columns.tracked_id == tracked_id)
        .order_by(columns.id.desc())
        .limit(_AT_ONCE)
    )
    with reading(engine) as connection:
        return _read(connection, query)


def changes_of_day(engine: Engine, organization_id: str, day: date) -> Iterator[TrackedChange]:
    """What changed on that day of the payer's; claims that are merely new are left out."""
    columns = tables.claim_changes.c
    since = 0
    while True:
        query = (
            _changes()
            .where(
                columns.organization_id == organization_id,
                columns.day == day,
                columns.kind != ChangeKind.NEW,
                columns.id > since,
            )
            .order_by(columns.id)
            .limit(_AT_ONCE)
        )
        with reading(engine) as connection:
            found = _read(connection, query)
        if not found:
            return
        yield from found
        since = found[-1].number


def _changes() -> "Select[tuple[object, ...]]":
    columns = tables.claim_changes.c
    return select(
        columns.id.label("change_number"),
        columns.at.label("change_at"),
        columns.day.label("change_day"),
        columns.kind.label("change_kind"),
        columns.previous_status.label("change_previous_status"),
        columns.status.label("change_status"),
        columns.next_action.label("change_next_action"),
        columns.open_amount.label("change_open_amount"),
        columns.paid.label("change_paid"),
        columns.patient_owes.label("change_patient_owes"),
        columns.upload_id.label("change_upload_id"),
        *TRACKED_COLUMNS,
    ).join_from(
        tables.claim_changes,
        tables.tracked_claims,
        tables.tracked_claims.c.id == columns.tracked_id,
    )


def _read(connection: Connection, query: "Select[tuple[object, ...]]") -> list[TrackedChange]:
    found = []
    for row in connection.execute(query).mappings():
        values = dict(row)
        change = {
            name.removeprefix("change_"): values.pop(name)
            for name in list(values)
            if name.startswith("change_")
        }
        change["kind"] = ChangeKind(change["kind"])
        found.append(TrackedChange(**change, claim=tracked_of(values)))
    return found
