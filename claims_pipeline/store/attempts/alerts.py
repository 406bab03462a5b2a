"""What operators are to be told of, written in the transaction that makes it true."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.attempts.records import Attempt
from claims_pipeline.store.database import reading, writing

# After the first, second, … try that failed.
_PAUSES = tuple(timedelta(seconds=s) for s in (10, 60, 300, 900, 1800, 3600))
# Nobody wants to hear of it later.
_GIVEN_UP_AFTER = timedelta(hours=24)


class AlertKind(StrEnum):
    """What has happened to an upload."""

    FAILED = "upload.failed"
    WAITING = "upload.waiting"
    CHANGED = "claims.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell; opaque ids and stable codes only. `tries` have failed so far."""

    id: str
    organization_id: str
    upload_id: str
    attempt: int
    kind: AlertKind
    error_code: str | None
    created_at: datetime
    tries: int


def raise_alert(
    connection: Connection,
    attempt: Attempt,
    kind: AlertKind,
    *,
    error_code: str | None,
    now: datetime,
) -> None:
    """Note that operators are to be told; part of the transaction of what has happened."""
    connection.execute(
        insert(tables.alerts).values(
            id=str(uuid4()),
            organization_id=attempt.organization_id,
            upload_id=attempt.upload_id,
            attempt=attempt.number,
            kind=kind,
            error_code=error_code,
            created_at=now,
            tries=0,
            next_try_at=now,
        )
    )


def due_alerts(engine: Engine, now: datetime, *, limit: int) -> list[Alert]:
    """Alerts that are to be sent now, oldest first."""
    columns = [tables.alerts.c[name] for name in Alert.__dataclass_fields__]
    query = (
        select(*columns)
        .where(
            tables.alerts.c.next_try_at <= now,
            tables.alerts.c.created_at > now - _GIVEN_UP_AFTER,
        )
        .order_by(tables.alerts.c.created_at, tables.alerts.c.id)
        .limit(limit)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [Alert(**{**row, "kind": AlertKind(row["kind"])}) for row in rows]


def mark_sent(engine: Engine, alert: Alert, now: datetime) -> None:
    """The alert was taken by the other side."""
    with writing(engine) as connection:
        connection.execute(
            update(tables.alerts)
            .where(tables.alerts.c.id == alert.id)
            .values(sent_at=now, next_try_at=None)
        )


def try_again_later(engine: Engine, alert: Alert, now: datetime) -> None:
    """The alert could not be sent: it is due again after a pause that grows with the tries."""
    pause = _PAUSES[min(alert.tries, len(_PAUSES) - 1)]
    with writing(engine) as connection:
        connection.execute(
            update(tables.alerts)
            .where(tables.alerts.c.id == alert.id)
            .values(tries=alert.tries + 1, next_try_at=now + pause)
        )
