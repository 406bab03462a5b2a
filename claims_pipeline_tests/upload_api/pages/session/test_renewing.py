"""Tokens that are renewed while many ask at once, by several copies of the service."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from claims_pipeline.sandbox.realm.directory import USERS
from claims_pipeline.sandbox.realm.running import SandboxRealm, running_realm
from claims_pipeline.sandbox.realm.tokens import TokenMaker
from claims_pipeline.upload_api.http.problems import ApiError
from claims_pipeline.upload_api.pages.session import sessions as page_sessions_module
from claims_pipeline.upload_api.pages.session.realm import Tokens
from claims_pipeline.upload_api.pages.session.sessions import PageSessions, open_sessions
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.pages.people import Person
from claims_pipeline_tests.upload_api.pages.session.sessions import page_sessions

SOON_S = 40
KEY = "synthetic-key-of-thirty-two-letters-or-more"


@pytest.fixture
def realm() -> Iterator[SandboxRealm]:
    with running_realm() as running:
        yield running


@pytest.fixture
def api(
    tmp_path: Path, realm: SandboxRealm, issuer: Issuer, migrated_sqlite_file: Path
) -> Iterator[Api]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    settings = {**realm.settings(), "CLAIMS_API_SESSION_KEY": KEY}
    with running_api(home, issuer, settings=settings) as running:
        yield running


@pytest.fixture
def cookie(api: Api, realm: SandboxRealm) -> str:
    """That of somebody whose token is about to run out, and whose next one is good for long."""
    realm.app.tokens.lifetime_s = SOON_S
    with Person(api) as person:
        person.sign_in("analyst-a")
        value = person.cookie
    realm.app.tokens.lifetime_s = 300
    assert value is not None
    return value


def test_of_many_requests_at_once_one_renews_the_token(
    api: Api, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = page_sessions(api)
    before = sessions.stored(cookie)
    asked: list[str] = []
    ask = sessions.realm.refreshed

    def asked_and_counted(refresh_token: str) -> Tokens:
        asked.append(refresh_token)
        return ask(refresh_token)

    monkeypatch.setattr(sessions.realm, "refreshed", asked_and_counted)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: sessions.of_cookie(cookie).access, range(48)))
    assert len(asked) == 1
    assert len(set(found)) == 1
    assert before is not None
    assert found[0] != before.access


def test_a_second_copy_of_the_service_goes_on_with_what_the_first_has_stored(
    api: Api, cookie: str
) -> None:
    first, second = page_sessions(api), copy_of_the_service(api)
    renewed = first.of_cookie(cookie)
    assert second.of_cookie(cookie).access == renewed.access


def test_a_copy_with_another_key_knows_nobody(api: Api, cookie: str) -> None:
    stranger = copy_of_the_service(api, key="another-key-of-thirty-two-letters-or-more")
    with pytest.raises(ApiError, match="not signed in"):
        stranger.of_cookie(cookie)


def test_a_token_of_somebody_else_ends_the_session(
    api: Api, realm: SandboxRealm, cookie: str
) -> None:
    # As if the realm had mixed up two people.
    for session in realm.app.grants._sessions.values():
        session.user = USERS["operator-a"]
    with pytest.raises(ApiError, match="not signed in"):
        page_sessions(api).of_cookie(cookie)
    assert page_sessions(api).stored(cookie) is None


def test_while_the_realm_is_away_a_good_token_goes_on_and_one_that_is_out_is_503(
    api: Api, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = page_sessions(api)
    away = copy_of_the_service(api, keycloak_url="http://127.0.0.1:9")
    monkeypatch.setattr(sessions, "realm", away.realm)
    before = sessions.stored(cookie)
    assert before is not None
    assert sessions.of_cookie(cookie).access == before.access
    ended = before.ends_at
    monkeypatch.setattr(page_sessions_module, "_now", lambda: ended)
    with pytest.raises(ApiError) as refusal:
        sessions.of_cookie(cookie)
    assert refusal.value.status == 503
    # It is not over: once the realm is back, it goes on.
    monkeypatch.undo()
    assert sessions.of_cookie(cookie).access != before.access


def test_a_key_that_the_realm_changes_signs_nobody_out(
    api: Api, realm: SandboxRealm, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = page_sessions(api)
    before = sessions.stored(cookie)
    assert before is not None
    monkeypatch.setattr(realm.app, "tokens", TokenMaker(realm.app.tokens.issuer))
    monkeypatch.setattr(realm.app.grants, "_tokens", realm.app.tokens)
    # Its new key is fetched half a minute after the last fetch at the earliest.
    assert sessions.of_cookie(cookie).access == before.access
    assert sessions.principal(before).user_id == USERS["analyst-a"].id


@pytest.mark.parametrize(
    "changes",
    [{"keycloak_client_secret": "another-secret"}, {"keycloak_realm": "not-there"}],
    ids=["a secret that has changed", "an address that is not there"],
)
def test_what_is_wrong_between_us_and_the_realm_signs_nobody_out(
    api: Api, cookie: str, changes: dict[str, str]
) -> None:
    wrong = copy_of_the_service(api, **changes)
    before = page_sessions(api).stored(cookie)
    assert before is not None
    assert wrong.of_cookie(cookie).access == before.access
    assert page_sessions(api).of_cookie(cookie).access != before.access


def copy_of_the_service(api: Api, *, key: str = KEY, **changes: object) -> PageSessions:
    services = api.app.state.services
    set_before = services.settings.model_dump(exclude_unset=True)
    values = {**set_before, "api_session_key": key, **changes}
    settings = type(services.settings).model_validate(values)
    return open_sessions(replace(services, settings=settings))
