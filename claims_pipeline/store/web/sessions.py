"""Sessions of people who are signed in at the page.

A row's id is the digest of a cookie that only the browser has, and its tokens are sealed: whoever
reads the database can be nobody. Looked for, and written, before the organization is known.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, and_, delete, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.database import every_organization_scope, reading, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """One session; `organization_id` is None until one of several organizations is chosen."""

    id: str
    organization_id: str | None
    user_id: str
    sealed: str = field(repr=False)
    expires_at: datetime
    created_at: datetime


def add_session(engine: Engine, session: StoredSession) -> None:
    """Store a new session."""
    with writing(every_organization_scope(engine)) as connection:
        connection.execute(
            tables.sessions.insert().values(
                id=session.id,
                organization_id=session.organization_id,
                user_id=session.user_id,
                sealed=session.sealed,
                expires_at=session.expires_at,
                created_at=session.created_at,
            )
        )


def find_session(engine: Engine, session_id: str, *, now: datetime) -> StoredSession | None:
    """The session of this id, unless it has expired."""
    query = select(tables.sessions).where(
        tables.sessions.c.id == session_id, tables.sessions.c.expires_at > now
    )
    with reading(every_organization_scope(engine)) as connection:
        row = connection.execute(query).one_or_none()
    return _of(row) if row is not None else None


def replace_sealed(
    engine: Engine, session: StoredSession, *, sealed: str, organization_id: str | None
) -> bool:
    """Put new tokens in the place of the session's; False when others, or its end, came first."""
    is_unchanged = and_(
        tables.sessions.c.id == session.id, tables.sessions.c.sealed == session.sealed
    )
    statement = (
        update(tables.sessions)
        .where(is_unchanged)
        .values(sealed=sealed, organization_id=organization_id)
    )
    with writing(every_organization_scope(engine)) as connection:
        return connection.execute(statement).rowcount == 1


def extend_session(engine: Engine, session_id: str, *, expires_at: datetime) -> None:
    """Let the session live until then, if it is still there."""
    statement = (
        update(tables.sessions)
        .where(tables.sessions.c.id == session_id)
        .values(expires_at=expires_at)
    )
    with writing(every_organization_scope(engine)) as connection:
        connection.execute(statement)


def remove_session(engine: Engine, session_id: str) -> None:
    """End the session; one that is not there has ended before."""
    with writing(every_organization_scope(engine)) as connection:
        connection.execute(delete(tables.sessions).where(tables.sessions.c.id == session_id))


def _of(row: Row[Any]) -> StoredSession:
    return StoredSession(
        id=row.id,
        organization_id=row.organization_id,
        user_id=row.user_id,
        sealed=row.sealed,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )
