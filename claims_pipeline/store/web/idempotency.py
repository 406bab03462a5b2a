"""Keys by which a client that lost an answer sends its upload again without making a second one.

A key belongs to an organization. It is claimed before the upload is received, for an upload id that
is chosen then, and bound in the transaction that makes the upload.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.database import insert_or_ignore, writing

# A holder that lives says so more often (see `keep_key`).
KEPT_FOR = timedelta(seconds=60)


class KeyState(StrEnum):
    """`IN_FLIGHT`: an upload is being received. `GONE`: its upload has been deleted."""

    IN_FLIGHT = "in_flight"
    DONE = "done"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key as it stands; `body_sha256` is empty while it is in flight."""

    state: KeyState
    upload_id: str
    body_sha256: str


def reserve_key(
    engine: Engine, *, organization_id: str, key: str, upload_id: str, now: datetime
) -> KeyRecord:
    """Claim the key for `upload_id`, or say who has it.

    It is ours when the record says `IN_FLIGHT` with our upload id. A key whose holder has not been
    heard of for `KEPT_FOR` is free again.
    """
    its_key = _is(organization_id, key)
    with writing(engine) as connection:
        claimed = {
            "state": KeyState.IN_FLIGHT,
            "upload_id": upload_id,
            "body_sha256": "",
            "created_at": now,
        }
        connection.execute(
            insert_or_ignore(connection, tables.idempotency_keys).values(
                organization_id=organization_id, key=key, **claimed
            )
        )
        connection.execute(
            update(tables.idempotency_keys)
            .where(
                its_key,
                tables.idempotency_keys.c.state == KeyState.IN_FLIGHT,
                tables.idempotency_keys.c.created_at < now - KEPT_FOR,
            )
            .values(claimed)
        )
        columns = tables.idempotency_keys.c
        query = select(columns.state, columns.upload_id, columns.body_sha256).where(its_key)
        row = connection.execute(query).one()
    return KeyRecord(
        state=KeyState(row.state), upload_id=row.upload_id, body_sha256=row.body_sha256
    )


def keep_key(
    engine: Engine, *, organization_id: str, key: str, upload_id: str, now: datetime
) -> None:
    """Its holder lives and is still receiving."""
    with writing(engine) as connection:
        connection.execute(
            update(tables.idempotency_keys)
            .where(_is_held(organization_id, key, upload_id))
            .values(created_at=now)
        )


def bind_key(
    connection: Connection,
    *,
    organization_id: str,
    key: str,
    upload_id: str,
    body_sha256: str,
    now: datetime,
) -> bool:
    """The upload is made; False when another has taken the key meanwhile, and it must not be."""
    bound = connection.execute(
        update(tables.idempotency_keys)
        .where(_is_held(organization_id, key, upload_id))
        .values(state=KeyState.DONE, body_sha256=body_sha256, created_at=now)
    )
    return bound.rowcount == 1


def release_key(engine: Engine, *, organization_id: str, key: str, upload_id: str) -> None:
    """The upload came to nothing: the key may be used for another try at once."""
    with writing(engine) as connection:
        connection.execute(
            delete(tables.idempotency_keys).where(_is_held(organization_id, key, upload_id))
        )


def _is(organization_id: str, key: str) -> ColumnElement[bool]:
    columns = tables.idempotency_keys.c
    return and_(columns.organization_id == organization_id, columns.key == key)


def _is_held(organization_id: str, key: str, upload_id: str) -> ColumnElement[Any]:
    columns = tables.idempotency_keys.c
    return and_(
        _is(organization_id, key),
        columns.upload_id == upload_id,
        columns.state == KeyState.IN_FLIGHT,
    )
