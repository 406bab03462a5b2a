"""Sessions of the page: whom a cookie stands for, with tokens that are renewed in time."""

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from fastapi import Request

from claims_pipeline.store.web.sessions import (
    StoredSession,
    add_session,
    extend_session,
    find_session,
    remove_session,
    replace_sealed,
)
from claims_pipeline.upload_api.access.caller import principal_of
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.keycloak.principal import Principal
from claims_pipeline.upload_api.keycloak.tokens import token_invalid
from claims_pipeline.upload_api.pages.session.cookies import new_cookie_value, session_id_of
from claims_pipeline.upload_api.pages.session.page_session import (
    PageSession,
    opened_session,
    sealed_session,
    session_of,
)
from claims_pipeline.upload_api.pages.session.realm import (
    PageRealm,
    RealmRefusedError,
    Tokens,
    identity_unavailable,
)
from claims_pipeline.upload_api.pages.session.sealing import Seal
from claims_pipeline.upload_api.services import Services

# As long as Keycloak's own sessions live by default, and as its development realm has them.
IDLE_FOR = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
# A token is renewed so long before it ends that what begins with it can be answered.
_RENEW_BEFORE_END = timedelta(seconds=45)
# A session's end moves in steps, so that not every look at a page is a write.
_EXTEND_STEP = timedelta(minutes=1)
_LOCKS = 64
_LOOKS_FOR_ANOTHERS, _PAUSE_S = 5, 0.2
_TRIES_TO_REMEMBER, _MOST_SEARCHES = 3, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunSession:
    """A new session: what its browser is to keep, and who it is for, if that is clear already."""

    cookie_value: str = field(repr=False)
    principal: Principal | None


def _now() -> datetime:
    return datetime.now(UTC)


class PageSessions:
    """All sessions of the page; safe to share."""

    def __init__(self, services: Services, realm: PageRealm, seal: Seal) -> None:
        self._services = services
        self.realm = realm
        self.seal = seal
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def begin(self, tokens: Tokens, *, user_id: str | None = None) -> BegunSession:
        """Store a new session for somebody who has signed in as `user_id`.

        Raises:
            ApiError: 401 `token_invalid` when the access token is not one for this service, or is
                somebody else's; 503 `identity_unavailable`.

        """
        user = self._services.tokens.verify(tokens.access)
        if user_id not in {None, user.user_id}:
            raise token_invalid()
        principal = self._principal_if_any(tokens.access)
        value, now = new_cookie_value(), _now()
        row = StoredSession(
            id=session_id_of(value),
            organization_id=principal.organization_id if principal else None,
            user_id=user.user_id,
            sealed="",
            expires_at=now + IDLE_FOR,
            created_at=now,
        )
        sealed = sealed_session(self.seal, session_of(row, tokens, user))
        add_session(self._services.engine, replace(row, sealed=sealed))
        return BegunSession(cookie_value=value, principal=principal)

    def of_cookie(self, cookie_value: str | None) -> PageSession:
        """The session of a cookie, with an access token that is good for a while.

        Raises:
            ApiError: 401 `session_ended` without one, or when Keycloak has ended it; 503
                `identity_unavailable` when its token ran out and no new one can be had.

        """
        session = self._found(session_id_of(cookie_value)) if cookie_value else None
        if session is None:
            raise session_ended()
        if self._is_fresh(session):
            return session
        return self._renewed(session)

    def principal(self, session: PageSession) -> Principal:
        """Who the session's user is, by the way that every access token is verified.

        Raises:
            ApiError: 401 `session_ended`, 403 without an organization that is served here or with
                several and none chosen, 503 `identity_unavailable`.

        """
        try:
            principal = principal_of(self._services, session.access, wanted=session.organization)
        except ApiError as error:
            if error.status != 401:
                raise
            self.end(session)
            raise session_ended() from None
        if principal.user_id != session.row.user_id:
            self.end(session)
            raise session_ended()
        return principal

    def choose_organization(self, session: PageSession, alias: str) -> Principal:
        """Work for one of the user's organizations from now on.

        Raises:
            ApiError: as `principal`; 403 `organization_unknown` for one that is not the user's.

        """
        chosen = replace(session, organization=alias)
        principal = self.principal(chosen)
        self._stored(session, chosen, organization_id=principal.organization_id)
        return principal

    def remember_search(self, session: PageSession, upload_id: str, words: str) -> None:
        """Keep what is searched for in an upload, in the place of what was before."""
        for _ in range(_TRIES_TO_REMEMBER):
            others = [(key, told) for key, told in session.searches.items() if key != upload_id]
            searches = dict([*others[-_MOST_SEARCHES:], (upload_id, words)])
            changed = replace(session, searches=searches)
            organization_id = session.row.organization_id
            session = self._stored(session, changed, organization_id=organization_id)
            if session.searches.get(upload_id) == words:
                return

    def extend(self, session: PageSession) -> None:
        """Note that a person is there: the session lives on, up to its longest."""
        row = session.row
        expires_at = min(_now() + IDLE_FOR, row.created_at + LONGEST)
        if expires_at - row.expires_at >= _EXTEND_STEP:
            extend_session(self._services.engine, row.id, expires_at=expires_at)

    def end(self, session: PageSession) -> None:
        """End it here; Keycloak's goes on."""
        remove_session(self._services.engine, session.row.id)

    def end_everywhere(self, session: PageSession) -> None:
        """End it here, then at Keycloak.

        Raises:
            ApiError: 503 `identity_unavailable` when Keycloak could not be told; it is over here.

        """
        self.end(session)
        if session.refresh is not None:
            try:
                self.realm.end(session.refresh)
            except RealmRefusedError:
                return

    def stored(self, cookie_value: str | None) -> PageSession | None:
        """The session of a cookie as it lies there; nobody is asked for new tokens."""
        return self._found(session_id_of(cookie_value)) if cookie_value else None

    def left_over(self, cookie_value: str | None) -> PageSession | None:
        """As `stored`; also one that has expired here, while Keycloak's may go on."""
        if cookie_value is None:
            return None
        return self._found(session_id_of(cookie_value), now=datetime.min.replace(tzinfo=UTC))

    def _principal_if_any(self, access_token: str) -> Principal | None:
        """The user in an organization; None without one, or while there are several."""
        try:
            return principal_of(self._services, access_token, wanted=None)
        except ApiError as error:
            if error.status != 403:
                raise
            return None

    def _found(self, session_id: str, *, now: datetime | None = None) -> PageSession | None:
        row = find_session(self._services.engine, session_id, now=now or _now())
        return opened_session(self.seal, row) if row is not None else None

    def _is_fresh(self, session: PageSession) -> bool:
        return session.ends_at - _now() > _RENEW_BEFORE_END

    def _renewed(self, session: PageSession) -> PageSession:
        """The session with new tokens; of many requests at once, one asks for them."""
        with self._locks[int(session.row.id[:8], 16) % _LOCKS]:
            found = self._found(session.row.id)
            if found is None:
                raise session_ended()
            if self._is_fresh(found):
                return found
            return self._renewed_alone(found)

    def _renewed_alone(self, session: PageSession) -> PageSession:
        if session.refresh is None:
            return self._after_refusal(session)
        try:
            tokens = self.realm.refreshed(session.refresh)
        except RealmRefusedError:
            return self._after_refusal(session)
        except ApiError:
            return self._as_it_is(session)
        try:
            user = self._services.tokens.verify(tokens.access)
        except ApiError:
            # Signed with a key that is not known here for some seconds yet. The realm may take the
            # refresh token of before no more.
            kept = replace(session, refresh=tokens.refresh or session.refresh)
            organization_id = session.row.organization_id
            return self._as_it_is(self._stored(session, kept, organization_id=organization_id))
        if user.user_id != session.row.user_id:
            self.end(session)
            raise session_ended()
        renewed = session_of(session.row, tokens, user, organization=session.organization)
        renewed = replace(
            renewed, refresh=renewed.refresh or session.refresh, searches=session.searches
        )
        return self._stored(session, renewed, organization_id=session.row.organization_id)

    def _as_it_is(self, session: PageSession) -> PageSession:
        """The session while its token is good, though the realm cannot renew it at present."""
        if session.ends_at > _now():
            return session
        raise identity_unavailable()

    def _after_refusal(self, session: PageSession) -> PageSession:
        # Another process may have used this refresh token up, and be about to store what it got.
        for _ in range(_LOOKS_FOR_ANOTHERS):
            found = self._found(session.row.id)
            if found is None:
                raise session_ended()
            if self._is_fresh(found):
                return found
            time.sleep(_PAUSE_S)
        if session.refresh is None and session.ends_at > _now():
            return session
        self.end(session)
        raise session_ended()

    def _stored(
        self, was: PageSession, becomes: PageSession, *, organization_id: str | None
    ) -> PageSession:
        sealed = sealed_session(self.seal, becomes)
        if not replace_sealed(
            self._services.engine, was.row, sealed=sealed, organization_id=organization_id
        ):
            found = self._found(was.row.id)
            if found is None:
                raise session_ended()
            return found
        row = replace(was.row, sealed=sealed, organization_id=organization_id)
        return replace(becomes, row=row)


def open_sessions(services: Services) -> PageSessions:
    """The sessions that the settings ask for.

    Raises:
        SettingsError: a setting is missing or wrong.

    """
    key = services.settings.api_session_key
    return PageSessions(
        services,
        PageRealm(services.settings),
        Seal(key.get_secret_value() if key is not None else None),
    )


def sessions_of(request: Request) -> PageSessions:
    """The sessions of the app that answers this request."""
    sessions: PageSessions = request.app.state.page_sessions
    return sessions


def session_ended() -> ApiError:
    """The refusal of whoever is not signed in, or no longer."""
    return ApiError(401, "session_ended", "You are not signed in, or no longer. Sign in again.")
