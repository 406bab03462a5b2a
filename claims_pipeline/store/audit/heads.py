"""The head of each organization's chain: how many entries, which is the last, sealed by a key.

A chain alone does not tell that its end was cut off. Its head does, and copies of heads outside
the database tell when the head was set back as well.
"""

from dataclasses import asdict, dataclass, replace
from typing import Self

from sqlalchemy import Connection, RowMapping, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.audit.seals import Keys, audit_keys_of, key_id_of, key_named, sealed

BEFORE_THE_FIRST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain stands.

    `entries` counts all that were ever written, `purged` those that retention has removed from the
    beginning; `anchor` is the hash before the first one that is kept, `hash` that of the last.
    """

    organization_id: str
    entries: int
    purged: int
    anchor: str
    last_id: int
    hash: str

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The head in a row of its table."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def seal(self, key: bytes | None) -> str:
        """What only a holder of the key can write beside it."""
        return sealed(key, sorted(asdict(self).items()))


def head_of(connection: Connection, organization_id: str) -> Head | None:
    """The chain's head; None before the first entry.

    A chain from before there were heads gets the one that it shows.

    Raises:
        SettingsError: `audit_key_missing`: it cannot be continued without its key.

    """
    heads = tables.audit_heads
    row = connection.execute(
        select(heads).where(heads.c.organization_id == organization_id)
    ).mappings()
    if found := row.one_or_none():
        key_named(audit_keys_of(connection), found["key_id"])
        return Head.of(found)
    return _as_it_shows(connection, organization_id)


def _as_it_shows(connection: Connection, organization_id: str) -> Head | None:
    log = tables.audit_log.c
    counted, first_id, last_id = connection.execute(
        select(func.count(), func.min(log.id), func.max(log.id)).where(
            log.organization_id == organization_id
        )
    ).one()
    if not counted:
        return None
    by_id = {
        row.id: row
        for row in connection.execute(
            select(log.id, log.previous_hash, log.hash).where(log.id.in_([first_id, last_id]))
        )
    }
    return Head(
        organization_id=organization_id,
        entries=counted,
        purged=0,
        anchor=by_id[first_id].previous_hash,
        last_id=last_id,
        hash=by_id[last_id].hash,
    )


def keep_head(connection: Connection, head: Head) -> None:
    """Write the head in the place of the one before, sealed by the key that seals."""
    heads = tables.audit_heads
    keys = audit_keys_of(connection)
    key = keys[0] if keys else None
    values = {
        **asdict(head),
        "key_id": key_id_of(key) if key else None,
        "seal": head.seal(key),
    }
    is_mine = heads.c.organization_id == head.organization_id
    if not connection.execute(heads.update().where(is_mine).values(**values)).rowcount:
        connection.execute(heads.insert().values(**values))


def without_beginning(head: Head, *, removed: int, anchor: str | None) -> Head:
    """The head once retention has removed so many entries; `anchor` is None when none is left."""
    return replace(head, purged=head.purged + removed, anchor=anchor or head.hash)


def is_sealed(row: RowMapping, keys: Keys) -> bool:
    """Whether the seal of a row of heads is that of its key.

    Raises:
        SettingsError: `audit_key_missing`.

    """
    return bool(Head.of(row).seal(key_named(keys, row["key_id"])) == row["seal"])
