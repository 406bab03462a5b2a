"""Attempts that wait for answers go on as soon as there are some."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of


def wake(connection: Connection, references: Iterable[str], *, now: datetime) -> None:
    """Let attempts that wait look at once: these inquiries have an answer."""
    inquiries, attempts = tables.x12_inquiries.c, tables.attempts.c
    for some in chunks_of(sorted(references), 500):
        of_inquiries = select(inquiries.attempt_id).where(inquiries.reference.in_(some))
        connection.execute(
            update(tables.attempts)
            .where(
                attempts.id.in_(of_inquiries),
                attempts.state == "waiting",
                attempts.next_try_at > now,
            )
            .values(next_try_at=now)
        )
