"""An organization's partners, and the control numbers that each has used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, and_, case, func, select, update
from sqlalchemy.exc import IntegrityError

from claims_pipeline.errors import InputError
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.payers.x12.writing import ControlNumbers
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing

_PARTNER = TypeAdapter(Partner)


def list_partners(engine: Engine, organization_id: str) -> list[Partner]:
    """The organization's partners, by name."""
    columns = tables.x12_partners.c
    query = (
        select(columns.name, columns.terms)
        .where(columns.organization_id == organization_id)
        .order_by(columns.name)
    )
    with reading(engine) as connection:
        return [_partner(name, terms) for name, terms in connection.execute(query)]


def all_partners(engine: Engine) -> list[tuple[str, Partner]]:
    """The active partners of all organizations, each with whose it is."""
    columns = tables.x12_partners.c
    query = select(columns.organization_id, columns.name, columns.terms).order_by(
        columns.organization_id, columns.name
    )
    with reading(engine) as connection:
        found = [
            (organization_id, _partner(name, terms))
            for organization_id, name, terms in connection.execute(query)
        ]
    return [(organization_id, partner) for organization_id, partner in found if partner.active]


def partner_for(partners: Sequence[Partner], payer: str | None) -> Partner | None:
    """Through whom a payer is asked: a partner that names it, else one that is for all."""
    active = [partner for partner in partners if partner.active]
    named = [partner for partner in active if payer in partner.payers]
    for_all = [partner for partner in active if not partner.payers]
    return next(iter((*named, *for_all)), None)


def save_partners(engine: Engine, organization_id: str, partners: Sequence[Partner]) -> None:
    """Add partners, or replace them by name; their control numbers go on. All or none.

    Raises:
        InputError: `partners_refused` when there is no such organization, another partner has
            one of the folders (both would read it), or test and production would be mixed.

    """
    columns = tables.x12_partners.c
    try:
        with writing(engine) as connection:
            _require_to_fit(connection, organization_id, partners)
            for partner in partners:
                terms = _PARTNER.dump_python(partner, mode="json", exclude={"name"})
                changed = connection.execute(
                    update(tables.x12_partners)
                    .where(columns.organization_id == organization_id, columns.name == partner.name)
                    .values(terms=terms)
                )
                if not changed.rowcount:
                    connection.execute(
                        tables.x12_partners.insert().values(
                            organization_id=organization_id, name=partner.name, terms=terms
                        )
                    )
    except IntegrityError:
        raise InputError("partners_refused", "There is no such organization.") from None


def _require_to_fit(
    connection: Connection, organization_id: str, partners: Sequence[Partner]
) -> None:
    columns = tables.x12_partners.c
    replaced = {(organization_id, partner.name) for partner in partners}
    others = [
        (owner, _partner(name, terms))
        for owner, name, terms in connection.execute(
            select(columns.organization_id, columns.name, columns.terms)
        )
        if (owner, name) not in replaced
    ]
    folders = [
        folder.rstrip("/")
        for partner in (*(one for _, one in others), *partners)
        for folder in (partner.outgoing, partner.incoming)
    ]
    usages = {
        partner.usage
        for partner in (*(one for owner, one in others if owner == organization_id), *partners)
        if partner.active
    }
    if len(usages) > 1:
        raise InputError(
            "partners_refused",
            "An organization's active partners are all for test (T), or all for production (P).",
        )
    if len(set(folders)) < len(folders):
        raise InputError(
            "partners_refused", "Two partners have one folder. Give each folders of its own."
        )


def lock_partner(connection: Connection, organization_id: str, name: str) -> None:
    """Until the commit, nobody else writes files of this partner."""
    columns = tables.x12_partners.c
    connection.execute(
        select(columns.name)
        .where(columns.organization_id == organization_id, columns.name == name)
        .with_for_update()
    )


def next_numbers(
    connection: Connection, organization_id: str, name: str, *, sets: int
) -> tuple[ControlNumbers, int]:
    """Control numbers for one file, and of the first of its sets.

    Given in the transaction that records the file.
    """
    columns = tables.x12_partners.c
    row = connection.execute(
        update(tables.x12_partners)
        .where(columns.organization_id == organization_id, columns.name == name)
        .values(
            last_interchange=columns.last_interchange + 1,
            last_group=columns.last_group + 1,
            last_set=columns.last_set + sets,
        )
        .returning(columns.last_interchange, columns.last_group, columns.last_set)
    ).one()
    control = ControlNumbers(interchange=row.last_interchange, group=row.last_group)
    return control, row.last_set - sets + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What a partner owes answers to: inquiries queued, sent, and sent longer ago than it may take.

    `oldest_sent_at` is when the oldest inquiry was queued that has no answer.
    """

    organization_id: str
    partner: str
    queued: int
    awaited: int
    overdue: int
    oldest_sent_at: datetime | None


def awaited(connection: Connection, now: datetime) -> list[Awaited]:
    """For each partner that somebody waits for; attempts that have ended wait for nobody."""
    columns = tables.x12_inquiries.c
    is_sent = columns.state == "sent"
    counted = func.sum(case((is_sent, 1), else_=0))
    query = (
        select(
            columns.organization_id,
            columns.partner,
            func.sum(case((columns.state == "queued", 1), else_=0)).label("queued"),
            counted.label("awaited"),
            func.sum(case((and_(is_sent, columns.due_at <= now), 1), else_=0)).label("overdue"),
            func.min(case((is_sent, columns.queued_at))).label("oldest_sent_at"),
        )
        .join(tables.attempts, tables.attempts.c.id == columns.attempt_id)
        .where(columns.state.in_(["queued", "sent"]), tables.attempts.c.state != "finished")
        .group_by(columns.organization_id, columns.partner)
        .order_by(columns.organization_id, columns.partner)
    )
    return [Awaited(**row) for row in connection.execute(query).mappings()]


def _partner(name: str, terms: Mapping[str, Any]) -> Partner:
    return _PARTNER.validate_python({"name": name, **terms})
