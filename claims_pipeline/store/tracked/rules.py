"""Whether claims of an organization are followed, how often, and until when they can be worked."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, insert, select, update

from claims_pipeline.errors import InputError
from claims_pipeline.follow_up.cadence import CadenceRule, Then
from claims_pipeline.follow_up.deadlines import CountedFrom, DeadlineKind, DeadlineRule
from claims_pipeline.store import tables
from claims_pipeline.store.database import insert_or_ignore, reading, writing


def switch_follow_up(engine: Engine, organization_id: str, *, is_on: bool, now: datetime) -> None:
    """Follow the claims of the organization's uploads from now on, or do so no more.

    What is tracked already goes on until it is final; an upload may say otherwise for itself.

    Raises:
        InputError: `organization_unknown`.

    """
    with writing(engine) as connection:
        known = select(tables.organizations.c.id).where(
            tables.organizations.c.id == organization_id
        )
        if connection.execute(known).first() is None:
            raise InputError("organization_unknown", "There is no organization of this name.")
        lock_organization(connection, organization_id, now=now)
        connection.execute(
            update(tables.follow_up_settings)
            .where(tables.follow_up_settings.c.organization_id == organization_id)
            .values(is_on=is_on, changed_at=now)
        )


def follow_up_is_on(connection: Connection, organization_id: str) -> bool:
    """Whether uploads of the organization are followed that do not say otherwise."""
    query = select(tables.follow_up_settings.c.is_on).where(
        tables.follow_up_settings.c.organization_id == organization_id
    )
    return bool(connection.execute(query).scalar_one_or_none())


def lock_organization(connection: Connection, organization_id: str, *, now: datetime) -> None:
    """Wait for whoever else writes the organization's tracked claims, and keep others waiting.

    So changes are numbered in the order in which they are committed, and a reader that goes on
    after the last number that it saw misses none.
    """
    connection.execute(
        insert_or_ignore(connection, tables.follow_up_settings).values(
            organization_id=organization_id, is_on=False, changed_at=now
        )
    )
    connection.execute(
        select(tables.follow_up_settings.c.organization_id)
        .where(tables.follow_up_settings.c.organization_id == organization_id)
        .with_for_update()
    ).one()


def organizations_that_follow(engine: Engine) -> list[str]:
    """Organizations that have anything to do with following claims, by id."""
    columns = tables.follow_up_settings.c
    with reading(engine) as connection:
        return list(
            connection.execute(
                select(columns.organization_id).order_by(columns.organization_id)
            ).scalars()
        )


def cadence_rules(connection: Connection, organization_id: str) -> tuple[CadenceRule, ...]:
    """The organization's own rules in their order; none where it has none."""
    columns = tables.cadence_rules.c
    query = select(
        columns.status,
        columns.next_action,
        columns.is_worked,
        columns.until_age,
        columns.after_days,
        columns.otherwise,
    )
    query = query.where(columns.organization_id == organization_id).order_by(columns.position)
    return tuple(
        CadenceRule(
            status=row.status,
            next_action=row.next_action,
            is_worked=row.is_worked,
            until_age=row.until_age,
            then=Then(row.otherwise) if row.after_days is None else row.after_days,
        )
        for row in connection.execute(query)
    )


def save_cadence_rules(engine: Engine, organization_id: str, rules: Sequence[CadenceRule]) -> None:
    """Replace the organization's rules; with none, those of the package hold again.

    They decide from the next answer on.
    """
    table = tables.cadence_rules
    values = [
        {
            "organization_id": organization_id,
            "position": position,
            "status": rule.status,
            "next_action": rule.next_action,
            "is_worked": rule.is_worked,
            "until_age": rule.until_age,
            "after_days": None if isinstance(rule.then, Then) else rule.then,
            "otherwise": rule.then.value if isinstance(rule.then, Then) else None,
        }
        for position, rule in enumerate(rules)
    ]
    with writing(engine) as connection:
        connection.execute(delete(table).where(table.c.organization_id == organization_id))
        if values:
            connection.execute(insert(table), values)


def deadline_rules(connection: Connection, organization_id: str) -> tuple[DeadlineRule, ...]:
    """The organization's deadlines in their order."""
    table = tables.deadline_rules
    query = (
        select(table).where(table.c.organization_id == organization_id).order_by(table.c.position)
    )
    return tuple(
        DeadlineRule(
            payer=row.payer,
            kind=DeadlineKind(row.kind),
            days=row.days,
            counted_from=CountedFrom(row.counted_from),
            source=row.source,
        )
        for row in connection.execute(query)
    )


def save_deadline_rules(
    engine: Engine, organization_id: str, rules: Sequence[DeadlineRule]
) -> None:
    """Replace the organization's deadlines. They hold from each claim's next answer on."""
    table = tables.deadline_rules
    values = [
        {
            "organization_id": organization_id,
            "position": position,
            "payer": rule.payer,
            "kind": rule.kind,
            "days": rule.days,
            "counted_from": rule.counted_from,
            "source": rule.source,
        }
        for position, rule in enumerate(rules)
    ]
    with writing(engine) as connection:
        connection.execute(delete(table).where(table.c.organization_id == organization_id))
        if values:
            connection.execute(insert(table), values)
