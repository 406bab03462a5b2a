"""Browsers without a window: signed in by a session that is put straight into the store.

client = signed_in_client(page_api, token=page_api.issuer.token())
answer = client.get(f"{page_api.url}/")
"""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from playwright.sync_api import BrowserContext

from claims_pipeline.upload_api.pages.session import sessions as page_sessions_module
from claims_pipeline.upload_api.pages.session.realm import Tokens
from claims_pipeline.upload_api.pages.session.sessions import PageSessions
from claims_pipeline_tests.upload_api.api import Api

COOKIE = "claims-session"


def page_sessions(api: Api) -> PageSessions:
    """The sessions of a running API with pages."""
    sessions: PageSessions = api.app.state.page_sessions
    return sessions


def new_session(api: Api, *, token: str, refresh_token: str | None = None) -> str:
    """A session in the store for an access token; its cookie's value."""
    tokens = Tokens(access=token, refresh=refresh_token, identity=None)
    return page_sessions(api).begin(tokens).cookie_value


def signed_in_client(api: Api, *, token: str) -> requests.Session:
    """A client that holds a session's cookie and says, as browsers do, where it sends from.

    It lasts as long as the token, five minutes for those of the tests' issuer.
    """
    return client_with_cookie(api, new_session(api, token=token))


def client_with_cookie(api: Api, cookie_value: str | None) -> requests.Session:
    """As `signed_in_client`, with any cookie, or none."""
    client = requests.Session()
    client.headers["Origin"] = api.url
    if cookie_value is not None:
        client.cookies.set(COOKIE, cookie_value, path="/")
    return client


def let_time_pass(monkeypatch: pytest.MonkeyPatch, passed: timedelta) -> None:
    """Have the sessions' clock go ahead of everybody else's."""
    monkeypatch.setattr(page_sessions_module, "_now", lambda: datetime.now(UTC) + passed)


def sign_in_browser(context: BrowserContext, api: Api, *, token: str) -> None:
    """Give a browser the cookie of a session that is put straight into the store."""
    context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": new_session(api, token=token),
                "url": api.url,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )
