"""A session of the page as it is used, and as it lies sealed in the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from claims_pipeline.store.web.sessions import StoredSession
from claims_pipeline.upload_api.keycloak.tokens import AccessToken
from claims_pipeline.upload_api.pages.session.realm import Tokens
from claims_pipeline.upload_api.pages.session.sealing import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSession:
    """A session as it is used: its row, and the tokens that lie sealed in it.

    `ends_at` is when the access token ends. `organization` is the alias that was chosen among
    several. `searches` are the names and numbers searched for last, by upload: they are patients',
    and have no place in an address.
    """

    row: StoredSession
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    ends_at: datetime
    organization: str | None = None
    searches: Mapping[str, str] = field(default_factory=dict, repr=False)


def session_of(
    row: StoredSession, tokens: Tokens, user: AccessToken, *, organization: str | None = None
) -> PageSession:
    """The session of a row with these tokens, of which `user` is what the access token says."""
    return PageSession(
        row=row,
        access=tokens.access,
        refresh=tokens.refresh,
        ends_at=user.expires_at,
        organization=organization,
    )


def sealed_session(seal: Seal, session: PageSession) -> str:
    """What its row keeps of it; opens for that session and user only."""
    return seal.close(
        {
            "access": session.access,
            "refresh": session.refresh,
            "ends_at": session.ends_at.isoformat(),
            "organization": session.organization,
            "searches": dict(session.searches),
        },
        bound_to=_binding(session.row),
    )


def opened_session(seal: Seal, row: StoredSession) -> PageSession | None:
    """The session of a row; None when it was sealed under another key, or for another row."""
    content = seal.open(row.sealed, bound_to=_binding(row))
    if content is None:
        return None
    return PageSession(
        row=row,
        access=content["access"],
        refresh=content["refresh"],
        ends_at=datetime.fromisoformat(content["ends_at"]),
        organization=content["organization"],
        searches=content.get("searches", {}),
    )


def _binding(row: StoredSession) -> str:
    return f"{row.id} {row.user_id}"
