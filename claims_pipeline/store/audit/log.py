"""Who did what, when, and how it ended: written once, chained by hashes, never changed.

Each entry's hash covers the entry and the hash before it, so that a changed or removed entry
breaks the chain from there on. Each organization has a chain of its own and sees no other.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.audit.heads import BEFORE_THE_FIRST, Head, head_of, keep_head
from claims_pipeline.store.audit.seals import audit_keys_of, key_id_of, sealed
from claims_pipeline.store.database import reading

# Any fixed number: with the organization it makes PostgreSQL's writers append one by one.
_APPEND_LOCK = 4_711_202


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry; `code` tells why something was refused."""

    id: int
    organization_id: str
    at: datetime
    actor: str
    action: str
    upload_id: str | None
    outcome: str
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries; what is None leaves all. `after` is included, `before` is not."""

    actor: str | None = None
    action: str | None = None
    upload_id: str | None = None
    outcome: str | None = None
    after: datetime | None = None
    before: datetime | None = None


def append(
    connection: Connection,
    *,
    organization_id: str,
    actor: str,
    action: str,
    upload_id: str | None,
    outcome: str,
    now: datetime,
    code: str | None = None,
) -> None:
    """Add an entry inside the transaction of what it tells of, as its last statement.

    Writers of entries wait for each other until the commit, and a lock taken later could make two
    of them wait for ever.

    `actor` is a user's id, `action` a verb such as `download`, `outcome` `ok` or `refused`. None of
    them may hold a patient's data.

    Raises:
        SettingsError: `audit_key_missing`: the chain is sealed with a key that is not given.

    """
    lock_chain(connection, organization_id)
    head = head_of(connection, organization_id) or Head(
        organization_id=organization_id,
        entries=0,
        purged=0,
        anchor=BEFORE_THE_FIRST,
        last_id=0,
        hash=BEFORE_THE_FIRST,
    )
    keys = audit_keys_of(connection)
    key = keys[0] if keys else None
    fields = {
        "organization_id": organization_id,
        "actor": actor,
        "action": action,
        "upload_id": upload_id,
        "outcome": outcome,
        "code": code,
    }
    digest = _digest(key, head.hash, at=now, **fields)
    written = connection.execute(
        tables.audit_log.insert().values(
            **fields,
            at=now,
            key_id=key_id_of(key) if key else None,
            previous_hash=head.hash,
            hash=digest,
        )
    )
    [last_id] = written.inserted_primary_key or (0,)
    keep_head(connection, replace(head, entries=head.entries + 1, last_id=last_id, hash=digest))


def lock_chain(connection: Connection, organization_id: str) -> None:
    """Let nobody else write to the chain until the transaction ends; SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(_APPEND_LOCK, func.hashtext(organization_id))
        connection.execute(select(lock))


def list_entries(
    engine: Engine,
    *,
    organization_id: str,
    wanted: AuditFilter | None = None,
    page: int = 1,
    page_size: int = 100,
) -> list[AuditEntry]:
    """One page (from 1) of an organization's entries, newest first."""
    columns = [tables.audit_log.c[name] for name in AuditEntry.__dataclass_fields__]
    query = (
        select(*columns)
        .where(_is_wanted(organization_id, wanted))
        .order_by(tables.audit_log.c.at.desc(), tables.audit_log.c.id.desc())
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    with reading(engine) as connection:
        return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def count_entries(
    engine: Engine, *, organization_id: str, wanted: AuditFilter | None = None
) -> int:
    """How many entries there are on all pages."""
    query = select(func.count()).where(_is_wanted(organization_id, wanted))
    with reading(engine) as connection:
        counted: int = connection.execute(query).scalar_one()
    return counted


def _is_wanted(organization_id: str, wanted: AuditFilter | None) -> ColumnElement[bool]:
    used = wanted or AuditFilter()
    conditions = [tables.audit_log.c.organization_id == organization_id]
    for name in ("actor", "action", "upload_id", "outcome"):
        value = getattr(used, name)
        if value is not None:
            conditions.append(tables.audit_log.c[name] == value)
    if used.after is not None:
        conditions.append(tables.audit_log.c.at >= used.after)
    if used.before is not None:
        conditions.append(tables.audit_log.c.at < used.before)
    return and_(*conditions)


def digest_of(row: RowMapping, key: bytes | None) -> str:
    """The hash that an entry must have."""
    return _digest(
        key,
        row["previous_hash"],
        organization_id=row["organization_id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        upload_id=row["upload_id"],
        outcome=row["outcome"],
        code=row["code"],
    )


def _digest(key: bytes | None, previous: str, *, at: datetime, **fields: str | None) -> str:
    return sealed(key, [previous, at.astimezone(UTC).isoformat(), sorted(fields.items())])
