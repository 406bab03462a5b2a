"""Followed claims as work for people: which ones, in which order, whose, and what was noted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from claims_pipeline.follow_up.cadence import CadenceRule, Situation, age_on, next_check
from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of, reading
from claims_pipeline.store.tracked.gathering import is_overdue
from claims_pipeline.store.tracked.records import (
    MERGED,
    TRACKED_COLUMNS,
    TrackedClaim,
    tracked_of,
)
from claims_pipeline.store.tracked.rules import cadence_rules, lock_organization

Order = Literal["dollars", "days_left", "oldest"]
_AT_ONCE = 1000
# In the place of an owner: nobody's.
UNASSIGNED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which claims; what is None narrows nothing.

    `owner` is a user's id or `UNASSIGNED`. Without `with_done` those that are done are left out,
    without `with_waiting` those that nobody has to work. `code` is a CARC or RARC, `remark` a RARC,
    `search` a part of a name or number. `act_within` are days up to the deadline.
    """

    owner: str | None = None
    is_overdue: bool = False
    act_within: int | None = None
    status: str | None = None
    next_action: str | None = None
    payer: str | None = None
    practice_id: str | None = None
    code: str | None = None
    remark: str | None = None
    search: str | None = field(default=None, repr=False)
    ids: Sequence[str] | None = None
    with_done: bool = False
    with_waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPage:
    """One page of claims; how many there are on all pages, and what can still be won on them."""

    claims: tuple[TrackedClaim, ...]
    total: int
    dollars: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkChange:
    """What is changed about claims; fields that are not in `given` stay as they are."""

    given: frozenset[str]
    owner: str | None = None
    follow_up_on: date | None = None
    is_done: bool = False
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What somebody wrote about a claim: patients' data."""

    at: datetime
    author: str
    text: str = field(repr=False)


def page_of_work(
    engine: Engine,
    organization_id: str,
    wanted: WorkFilter,
    *,
    order: Order,
    page: int,
    page_size: int,
    today: date,
) -> WorkPage:
    """One page (from 1) of the claims; empty beyond the last."""
    conditions = _conditions(organization_id, wanted, today)
    columns = tables.tracked_claims.c
    totals = select(func.count(), func.coalesce(func.sum(columns.dollars), 0)).where(*conditions)
    offset = (page - 1) * page_size
    with reading(engine) as connection:
        total, dollars = connection.execute(totals).one()
        rows = _slice(connection, conditions, order, offset=offset, limit=page_size)
    return WorkPage(claims=tuple(rows), total=total, dollars=dollars)


def iterate_work(
    engine: Engine, organization_id: str, wanted: WorkFilter, *, order: Order, today: date
) -> Iterator[TrackedClaim]:
    """All claims of the filter, read portion by portion."""
    conditions = _conditions(organization_id, wanted, today)
    offset = 0
    while True:
        with reading(engine) as connection:
            portion = _slice(connection, conditions, order, offset=offset, limit=_AT_ONCE)
        yield from portion
        if len(portion) < _AT_ONCE:
            return
        offset += len(portion)


def change_work(
    connection: Connection,
    organization_id: str,
    ids: Sequence[str],
    change: WorkChange,
    *,
    author: str,
    today: date,
    now: datetime,
) -> list[str]:
    """Change many claims at once; the ids of those that are there and the organization's.

    A claim that is done is asked again by the rules for worked claims, one that is taken up again
    by those for others.
    """
    lock_organization(connection, organization_id, now=now)
    columns = tables.tracked_claims.c
    found: list[str] = []
    rules = cadence_rules(connection, organization_id)
    for some in chunks_of(ids):
        query = select(*TRACKED_COLUMNS).where(
            columns.organization_id == organization_id,
            columns.id.in_(some),
            columns.identity.not_like(f"{MERGED}%"),
        )
        for row in connection.execute(query).mappings().all():
            claim = tracked_of(dict(row))
            values = _changed(claim, change, rules, author=author, today=today, now=now)
            if values:
                connection.execute(
                    update(tables.tracked_claims).where(columns.id == claim.id).values(**values)
                )
            if change.note:
                connection.execute(
                    insert(tables.claim_notes).values(
                        organization_id=organization_id,
                        tracked_id=claim.id,
                        at=now,
                        author=author,
                        text=change.note,
                    )
                )
            found.append(claim.id)
    return found


def notes_of(engine: Engine, organization_id: str, ids: Sequence[str]) -> dict[str, list[Note]]:
    """The notes about each claim, newest first."""
    columns = tables.claim_notes.c
    notes: dict[str, list[Note]] = {each: [] for each in ids}
    with reading(engine) as connection:
        for some in chunks_of(list(ids)):
            query = (
                select(columns.tracked_id, columns.at, columns.author, columns.text)
                .where(columns.organization_id == organization_id, columns.tracked_id.in_(some))
                .order_by(columns.id.desc())
            )
            for row in connection.execute(query):
                notes[row.tracked_id].append(Note(at=row.at, author=row.author, text=row.text))
    return notes


def owners(engine: Engine, organization_id: str) -> list[str]:
    """Ids of the users who own a claim."""
    columns = tables.tracked_claims.c
    query = (
        select(columns.owner)
        .where(columns.organization_id == organization_id, columns.owner.is_not(None))
        .distinct()
        .order_by(columns.owner)
    )
    with reading(engine) as connection:
        return [owner for (owner,) in connection.execute(query) if owner]


def _changed(
    claim: TrackedClaim,
    change: WorkChange,
    rules: Sequence[CadenceRule],
    *,
    author: str,
    today: date,
    now: datetime,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "owner" in change.given:
        values["owner"] = change.owner or None
    if "follow_up_on" in change.given:
        values["follow_up_on"] = change.follow_up_on
    if "done" in change.given and change.is_done != (claim.done_at is not None):
        values |= {
            "done_at": now if change.is_done else None,
            "done_by": author if change.is_done else None,
        }
        planned = next_check(
            rules,
            Situation(
                status=claim.status,
                next_action=claim.next_action,
                is_worked=change.is_done,
                age_days=age_on(
                    today, service_to=claim.service_to, first_seen=claim.first_seen.date()
                ),
            ),
            checked_on=today,
        )
        values |= {
            "next_check_on": planned.on,
            "final_at": (claim.final_at or now) if planned.is_final else None,
        }
    return values


def _slice(
    connection: Connection,
    conditions: Sequence[ColumnElement[bool]],
    order: Order,
    *,
    offset: int,
    limit: int,
) -> list[TrackedClaim]:
    columns = tables.tracked_claims.c
    if order == "days_left":
        # Those with a deadline come first, each part in the order of an index.
        dated = [*conditions, columns.act_by.is_not(None)]
        count = connection.execute(
            select(func.count()).select_from(tables.tracked_claims).where(*dated)
        ).scalar_one()
        in_order = (columns.act_by, columns.dollars.desc(), columns.id)
        rows = _read(connection, _ordered(dated, in_order, offset=offset, limit=limit))
        if len(rows) < limit:
            undated = [*conditions, columns.act_by.is_(None)]
            rows += _read(
                connection,
                _ordered(
                    undated,
                    (columns.dollars.desc(), columns.id),
                    offset=max(0, offset - count),
                    limit=limit - len(rows),
                ),
            )
        return rows
    if order == "oldest":
        by_age = (columns.service_to, columns.id)
        return _read(connection, _ordered(conditions, by_age, offset=offset, limit=limit))
    by_dollars = (columns.dollars.desc(), columns.act_by, columns.id)
    return _read(connection, _ordered(conditions, by_dollars, offset=offset, limit=limit))


def _ordered(
    conditions: Sequence[ColumnElement[bool]], order: Sequence[Any], *, offset: int, limit: int
) -> Select[Any]:
    return (
        select(tables.tracked_claims.c.id)
        .where(*conditions)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
    )


def _read(connection: Connection, query: Select[Any]) -> list[TrackedClaim]:
    """The claims of the ids that the query gives, which an index alone can answer."""
    ids = list(connection.execute(query).scalars())
    columns = tables.tracked_claims.c
    found: dict[str, TrackedClaim] = {}
    for some in chunks_of(ids):
        rows = connection.execute(select(*TRACKED_COLUMNS).where(columns.id.in_(some)))
        for row in rows.mappings():
            found[row["id"]] = tracked_of(dict(row))
    return [found[each] for each in ids]


def _conditions(organization_id: str, wanted: WorkFilter, today: date) -> list[ColumnElement[bool]]:
    columns = tables.tracked_claims.c
    conditions: list[ColumnElement[bool]] = [columns.organization_id == organization_id]
    if not wanted.with_waiting:
        # As the indexes have it, which hold these rows only.
        conditions.append(columns.needs_person)
    else:
        conditions.append(columns.identity.not_like(f"{MERGED}%"))
    if not wanted.with_done:
        conditions.append(columns.done_at.is_(None))
    if wanted.owner is not None:
        conditions.append(
            columns.owner.is_(None) if wanted.owner == UNASSIGNED else columns.owner == wanted.owner
        )
    conditions += _narrower(wanted, today)
    if wanted.ids is not None:
        conditions.append(columns.id.in_(wanted.ids))
    if wanted.search:
        conditions.append(_is_called(wanted.search))
    return conditions


def _narrower(wanted: WorkFilter, today: date) -> Iterator[ColumnElement[bool]]:
    columns = tables.tracked_claims.c
    if wanted.is_overdue:
        yield is_overdue(today)
    if wanted.act_within is not None:
        yield columns.act_by <= today + timedelta(days=wanted.act_within)
    for column, value in (
        (columns.status, wanted.status),
        (columns.next_action, wanted.next_action),
        (columns.payer, wanted.payer),
        (columns.practice_id, wanted.practice_id),
    ):
        if value is not None:
            yield column == value
    if wanted.code is not None:
        code = f" {wanted.code.upper()} "
        yield or_(
            columns.denial_codes.contains(code, autoescape=True),
            columns.remark_codes.contains(code, autoescape=True),
        )
    if wanted.remark is not None:
        yield columns.remark_codes.contains(f" {wanted.remark.upper()} ", autoescape=True)


def _is_called(text: str) -> ColumnElement[bool]:
    """Every word is a part of the name, or of one of the numbers."""
    column = tables.tracked_claims.c.search_text
    return and_(*(column.contains(word, autoescape=True) for word in text.upper().split()))
