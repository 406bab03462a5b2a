"""Uploads that wait for answers go on as soon as there are some."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of

_QUERIES = tables.queries.c
_ATTEMPTS = tables.attempts.c
_INQUIRIES = tables.x12_inquiries.c
# Much longer than it takes to write down what was submitted.
_LATELY = timedelta(minutes=15)


def look_now(connection: Connection, references: Iterable[str], *, now: datetime) -> None:
    """Their answers are there: whoever goes on with the attempt looks for them at once."""
    for some in chunks_of(sorted(references), 500):
        connection.execute(
            update(tables.queries)
            .where(
                _QUERIES.reference.in_(some),
                _QUERIES.state == "submitted",
                _QUERIES.next_look_at > now,
            )
            .values(next_look_at=now)
        )


def wake_attempts(connection: Connection, *, now: datetime) -> int:
    """Launch attempts for which an answer is there, though they wait until later; how many.

    Asked again and again: an answer may come in the moment in which its query is written down as
    submitted, or in which an attempt begins to wait.
    """
    lately = select(_INQUIRIES.reference).where(_INQUIRIES.answered_at >= now - _LATELY)
    connection.execute(
        update(tables.queries)
        .where(
            _QUERIES.reference.in_(lately),
            _QUERIES.state == "submitted",
            _QUERIES.next_look_at > now,
        )
        .values(next_look_at=now)
    )
    is_due = exists().where(
        _QUERIES.attempt_id == _ATTEMPTS.id,
        _QUERIES.state == "submitted",
        _QUERIES.next_look_at <= now,
    )
    woken = connection.execute(
        update(tables.attempts)
        .where(
            _ATTEMPTS.state == "waiting",
            _ATTEMPTS.next_try_at > now,
            _ATTEMPTS.waiting_reason.like("awaiting%"),
            is_due,
        )
        .values(next_try_at=now)
    )
    return woken.rowcount
