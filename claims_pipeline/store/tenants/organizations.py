"""The organizations that are served here, and how the identity provider knows them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, select, update
from sqlalchemy.exc import IntegrityError

from claims_pipeline.errors import InputError
from claims_pipeline.store import tables
from claims_pipeline.store.database import insert_or_ignore, reading, writing

# It names folders and keys of files.
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A tenant. `identity_id` is the identity provider's id of it, where it was pinned."""

    id: str
    name: str
    identity_id: str | None


def save_organization(
    engine: Engine, organization_id: str, *, name: str | None, identity_id: str | None
) -> Organization:
    """Add the organization, or change its name or identity; None leaves what is there.

    Raises:
        InputError: `organization_invalid` for an id that cannot name a folder, `identity_taken`
            when another organization has this identity.

    """
    if not _ID.fullmatch(organization_id):
        raise InputError(
            "organization_invalid",
            "An organization is named by up to 64 letters, digits, dots, hyphens and underscores.",
        )
    changes = {key: value for key, value in (("name", name), ("identity_id", identity_id)) if value}
    is_it = tables.organizations.c.id == organization_id
    try:
        with writing(engine) as connection:
            connection.execute(
                insert_or_ignore(connection, tables.organizations).values(
                    id=organization_id, name=organization_id, created_at=datetime.now(UTC)
                )
            )
            if changes:
                connection.execute(update(tables.organizations).where(is_it).values(**changes))
            return _of(connection.execute(select(tables.organizations).where(is_it)).one())
    except IntegrityError:
        raise InputError(
            "identity_taken", "Another organization has this identity; see `organizations list`."
        ) from None


def list_organizations(engine: Engine) -> list[Organization]:
    """All organizations, by id."""
    with reading(engine) as connection:
        rows = connection.execute(select(tables.organizations).order_by(tables.organizations.c.id))
        return [_of(row) for row in rows]


def find_organization(
    engine: Engine, *, alias: str, identity_id: str | None
) -> Organization | None:
    """The organization that a token means, by its id at the identity provider or by its alias.

    An organization pinned to an id is reached by that id only: an alias can be given anew. One that
    is not pinned is reached by the alias.
    """
    by_alias = (tables.organizations.c.id == alias) & tables.organizations.c.identity_id.is_(None)
    with reading(engine) as connection:
        if identity_id is not None:
            by_identity = tables.organizations.c.identity_id == identity_id
            row = connection.execute(select(tables.organizations).where(by_identity)).one_or_none()
            if row is not None:
                return _of(row)
        row = connection.execute(select(tables.organizations).where(by_alias)).one_or_none()
        return _of(row) if row is not None else None


def _of(row: Row[Any]) -> Organization:
    return Organization(id=row.id, name=row.name, identity_id=row.identity_id)
