"""Who did what, when, and how it ended: written once, chained by hashes, never changed.

Each entry's hash covers the entry and the hash before it, so that a changed or removed entry
breaks the chain from there on. Each organization has a chain of its own and sees no other.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading

_BEFORE_THE_FIRST = "0" * 64
_ENTRIES_AT_ONCE = 2000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the chain holds; `broken_at` is the id of the first entry that does not fit."""

    entries: int
    broken_at: int | None


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
    """
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock(_APPEND_LOCK, func.hashtext(organization_id))
        connection.execute(select(lock))
    last = (
        select(tables.audit_log.c.hash)
        .where(tables.audit_log.c.organization_id == organization_id)
        .order_by(tables.audit_log.c.id.desc())
        .limit(1)
    )
    previous = connection.execute(last).scalar_one_or_none() or _BEFORE_THE_FIRST
    fields = {
        "organization_id": organization_id,
        "actor": actor,
        "action": action,
        "upload_id": upload_id,
        "outcome": outcome,
        "code": code,
    }
    digest = _digest(previous, at=now, **fields)
    connection.execute(
        tables.audit_log.insert().values(**fields, at=now, previous_hash=previous, hash=digest)
    )


def list_entries(
    engine: Engine,
    *,
    organization_id: str,
    wanted: AuditFilter | None = None,
    page: int = 1,
    page_size: int = 100,
) -> list[AuditEntry]:
    """One page (from 1) of an organization's entries, newest first."""
    columns = [column for column in tables.audit_log.c if "hash" not in column.name]
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


def verify(engine: Engine) -> AuditVerdict:
    """Recompute every chain. What was purged from its beginning is not missed."""
    previous: dict[str, str] = {}
    entries = last_id = 0
    while True:
        query = (
            select(tables.audit_log)
            .where(tables.audit_log.c.id > last_id)
            .order_by(tables.audit_log.c.id)
            .limit(_ENTRIES_AT_ONCE)
        )
        with reading(engine) as connection:
            chunk = connection.execute(query).mappings().all()
        if not chunk:
            return AuditVerdict(entries=entries, broken_at=None)
        for row in chunk:
            chain = row["organization_id"]
            follows = chain not in previous or row["previous_hash"] == previous[chain]
            if not follows or row["hash"] != _digest_of(row):
                return AuditVerdict(entries=entries, broken_at=row["id"])
            previous[chain] = row["hash"]
            entries += 1
        last_id = chunk[-1]["id"]


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


def _digest_of(row: RowMapping) -> str:
    return _digest(
        row["previous_hash"],
        organization_id=row["organization_id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        upload_id=row["upload_id"],
        outcome=row["outcome"],
        code=row["code"],
    )


def _digest(previous: str, *, at: datetime, **fields: str | None) -> str:
    text = json.dumps([previous, at.astimezone(UTC).isoformat(), sorted(fields.items())])
    return hashlib.sha256(text.encode()).hexdigest()
