"""Organizations and the practices they work for."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select, update

from claims_pipeline.errors import InputError
from claims_pipeline.model import Practice
from claims_pipeline.store import tables
from claims_pipeline.store.database import insert_or_ignore, reading, writing


def ensure_organization(
    engine: Engine, organization_id: str, name: str, practices: Sequence[Practice] = ()
) -> None:
    """Make the organization if it is not there, and add or replace practices by id; others stay.

    A default among them takes the place of the earlier default.

    Raises:
        InputError: `several_default_practices` or `practice_repeated`.

    """
    if sum(practice.is_default for practice in practices) > 1:
        raise InputError("several_default_practices", "Mark one practice as default, not several.")
    if len({practice.practice_id for practice in practices}) < len(practices):
        raise InputError("practice_repeated", "Give each practice id once.")
    with writing(engine) as connection:
        connection.execute(
            insert_or_ignore(connection, tables.organizations).values(
                id=organization_id, name=name, created_at=datetime.now(UTC)
            )
        )
        _import(connection, organization_id, practices)


def list_practices(engine: Engine, organization_id: str) -> list[Practice]:
    """The organization's practices, by id."""
    query = (
        select(tables.practices)
        .where(tables.practices.c.organization_id == organization_id)
        .order_by(tables.practices.c.practice_id)
    )
    with reading(engine) as connection:
        return [
            Practice(
                practice_id=row.practice_id,
                tin=row.tin,
                name=row.name,
                payer_id=row.payer_id,
                is_default=row.is_default,
                npi=row.npi,
                wire_name=row.wire_name,
            )
            for row in connection.execute(query)
        ]


def _import(connection: Connection, organization_id: str, items: Sequence[Practice]) -> None:
    of_organization = tables.practices.c.organization_id == organization_id
    if any(item.is_default for item in items):
        connection.execute(update(tables.practices).where(of_organization).values(is_default=False))
    for item in items:
        values = {
            "tin": item.tin,
            "name": item.name,
            "payer_id": item.payer_id,
            "is_default": item.is_default,
            "npi": item.npi,
            "wire_name": item.wire_name,
        }
        key = {"organization_id": organization_id, "practice_id": item.practice_id}
        connection.execute(insert_or_ignore(connection, tables.practices).values(**key, **values))
        connection.execute(
            update(tables.practices)
            .where(of_organization, tables.practices.c.practice_id == item.practice_id)
            .values(**values)
        )
