"""What is due, and the upload that is made of it: one for an organization, payer and day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    func,
    insert,
    select,
    update,
)

from claims_pipeline.model import ChangeKind
from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of, insert_or_ignore, reading, writing
from claims_pipeline.store.tracked.feeding import FOLLOW_UP
from claims_pipeline.store.tracked.records import TRACKED_COLUMNS, TrackedClaim, tracked_of
from claims_pipeline.store.tracked.rules import lock_organization
from claims_pipeline.store.uploads import NewUpload, add_upload

SCHEDULED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of one follow-up upload; `number` 0 is the schedule's, others are asked for."""

    organization_id: str
    payer: str
    day: date
    number: int = SCHEDULED


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedCounts:
    """How the tracked claims of all organizations, or of one, stand; no patient's data."""

    tracked: int
    due: int
    final: int
    overdue: int
    changed_today: int


def due_claims(engine: Engine, organization_id: str, payer: str, day: date) -> list[TrackedClaim]:
    """Claims of the payer that are to be asked by that day and are under no check, most first."""
    columns = tables.tracked_claims.c
    query = (
        select(*TRACKED_COLUMNS)
        .where(columns.organization_id == organization_id, columns.payer == payer, _is_due(day))
        .order_by(columns.dollars.desc(), columns.next_check_on, columns.id)
    )
    with reading(engine) as connection:
        return [tracked_of(dict(row)) for row in connection.execute(query).mappings()]


def slot_is_taken(engine: Engine, slot: Slot) -> bool:
    """Whether the slot's upload has been made, or there was nothing to make it of."""
    with reading(engine) as connection:
        query = select(tables.follow_up_uploads.c.made_at).where(_of_slot(slot))
        return connection.execute(query).first() is not None


def next_number(engine: Engine, slot: Slot) -> int:
    """The number of a further upload on the slot's day, after the schedule's."""
    columns = tables.follow_up_uploads.c
    query = select(func.max(columns.number)).where(
        columns.organization_id == slot.organization_id,
        columns.payer == slot.payer,
        columns.day == slot.day,
    )
    with reading(engine) as connection:
        latest: int | None = connection.execute(query).scalar_one()
    return SCHEDULED + 1 if latest is None else latest + 1


def calls_made(engine: Engine, organization_id: str, *, since: datetime) -> int:
    """Calls to payers of the organization's follow-up uploads since then, every try counted."""
    query = (
        select(func.count())
        .select_from(tables.payer_calls)
        .join(tables.uploads, tables.uploads.c.id == tables.payer_calls.c.upload_id)
        .where(
            tables.uploads.c.organization_id == organization_id,
            tables.uploads.c.source == FOLLOW_UP,
            tables.payer_calls.c.started_at >= since,
        )
    )
    with reading(engine) as connection:
        count: int = connection.execute(query).scalar_one()
    return count


def take_slot(
    engine: Engine,
    slot: Slot,
    claims: Sequence[TrackedClaim],
    new: NewUpload | None,
    *,
    left_for_later: int,
    now: datetime,
) -> bool:
    """Make the slot's upload of these claims, row by row in their order; all of it or nothing.

    `new` is None where there are no claims: then only the slot is taken. False, and nothing done,
    when somebody else has taken the slot, or one of the claims is not to be asked any more.
    """
    try:
        with writing(engine) as connection:
            lock_organization(connection, slot.organization_id, now=now)
            _take(connection, slot, claims, new, left_for_later=left_for_later, now=now)
            if new is not None:
                add_upload(connection, new, now=now)
                connection.execute(
                    update(tables.follow_up_uploads).where(_of_slot(slot)).values(upload_id=new.id)
                )
                _put_under_check(connection, slot, claims, new.id)
    except _OvertakenError:
        return False
    return True


class _OvertakenError(Exception):
    """Somebody else has been quicker; nothing is to be done."""


def count_tracked(
    engine: Engine, *, today: date, organization_id: str | None = None
) -> TrackedCounts:
    """How tracked claims stand on that day of the payer's."""
    columns = tables.tracked_claims.c
    of_organization = (
        columns.organization_id == organization_id if organization_id is not None else None
    )

    def counted(*conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(tables.tracked_claims).where(*conditions)
        if of_organization is not None:
            query = query.where(of_organization)
        count: int = connection.execute(query).scalar_one()
        return count

    changes = (
        select(func.count())
        .select_from(tables.claim_changes)
        .where(tables.claim_changes.c.day == today, tables.claim_changes.c.kind != ChangeKind.NEW)
    )
    if organization_id is not None:
        changes = changes.where(tables.claim_changes.c.organization_id == organization_id)
    with reading(engine) as connection:
        return TrackedCounts(
            tracked=counted(),
            due=counted(_is_due(today)),
            final=counted(columns.final_at.is_not(None)),
            overdue=counted(is_overdue(today)),
            changed_today=connection.execute(changes).scalar_one(),
        )


def is_overdue(today: date) -> ColumnElement[bool]:
    """Whether somebody wanted to be at it by now."""
    columns = tables.tracked_claims.c
    return and_(columns.follow_up_on < today, columns.done_at.is_(None))


def _is_due(day: date) -> ColumnElement[bool]:
    columns = tables.tracked_claims.c
    return and_(
        columns.next_check_on <= day,
        columns.final_at.is_(None),
        columns.check_upload_id.is_(None),
    )


def _of_slot(slot: Slot) -> ColumnElement[bool]:
    columns = tables.follow_up_uploads.c
    return and_(
        columns.organization_id == slot.organization_id,
        columns.payer == slot.payer,
        columns.day == slot.day,
        columns.number == slot.number,
    )


def _take(
    connection: Connection,
    slot: Slot,
    claims: Sequence[TrackedClaim],
    new: NewUpload | None,
    *,
    left_for_later: int,
    now: datetime,
) -> None:
    inserted = connection.execute(
        insert_or_ignore(connection, tables.follow_up_uploads).values(
            organization_id=slot.organization_id,
            payer=slot.payer,
            day=slot.day,
            number=slot.number,
            # Set when the upload is there to be named.
            upload_id=None,
            made_at=now,
            claims=len(claims) if new else 0,
            left_for_later=left_for_later,
        ),
        # An INSERT does not tell otherwise.
        execution_options={"preserve_rowcount": True},
    )
    if inserted.rowcount != 1:
        raise _OvertakenError


def _put_under_check(
    connection: Connection, slot: Slot, claims: Sequence[TrackedClaim], upload_id: str
) -> None:
    taken = 0
    for some in chunks_of([claim.id for claim in claims]):
        taken += connection.execute(
            update(tables.tracked_claims)
            .where(tables.tracked_claims.c.id.in_(some), _is_due(slot.day))
            .values(check_upload_id=upload_id)
        ).rowcount
    if taken < len(claims):
        raise _OvertakenError
    connection.execute(
        insert(tables.claim_checks),
        [
            {
                "upload_id": upload_id,
                "row_number": row_number,
                "attempt": 0,
                "tracked_id": claim.id,
                "organization_id": slot.organization_id,
            }
            for row_number, claim in enumerate(claims, start=1)
        ],
    )
