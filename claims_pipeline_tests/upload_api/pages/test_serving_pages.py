"""The page as production serves it: behind a proxy that ends TLS, and by several processes."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from claims_pipeline.errors import SettingsError
from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.settings import load_settings
from claims_pipeline_tests.keycloak import Realm
from claims_pipeline_tests.upload_api.api import running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import REALM, Issuer
from claims_pipeline_tests.upload_api.pages.people import Person
from claims_pipeline_tests.upload_api.pages.session.sessions import new_session
from claims_pipeline_tests.upload_api.test_serving import serving

BY_THE_PROXY = {"Host": "claims.example.org", "X-Forwarded-Proto": "https"}
BY_SCRIPT = {"X-Requested-With": "claims-page"}


def test_over_tls_cookies_are_for_this_host_and_tls_alone(
    tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with (
        running_realm() as realm,
        running_api(
            home,
            issuer,
            settings={**realm.settings(), "CLAIMS_API_TRUSTED_PROXIES": "127.0.0.1"},
        ) as api,
    ):
        leaving = api.get("/sign-in", headers=BY_THE_PROXY)
        token = Realm(server_url=realm.url, name=REALM).token("analyst-a")
        cookie = f"__Host-claims-session={new_session(api, token=token)}"
        own = {**BY_THE_PROXY, "Cookie": cookie, "Origin": "https://claims.example.org"}
        seen = api.get("/signed-in", headers=own)
        # Not under the name that it has without TLS, which other hosts could set.
        plain = {**own, "Cookie": cookie.removeprefix("__Host-"), **BY_SCRIPT}
        unseen = api.get("/signed-in", headers=plain)
        crossed = api.post("/sign-out", headers={**own, "Origin": "http://claims.example.org"})
        left = api.post("/sign-out", headers=own)
    query = parse_qs(urlsplit(leaving.headers["Location"]).query)
    assert query["redirect_uri"] == ["https://claims.example.org/sign-in/callback"]
    assert leaving.headers["Set-Cookie"].startswith("__Host-claims-sign-in-")
    for given in (leaving.headers["Set-Cookie"], left.headers["Set-Cookie"]):
        assert "Secure" in given
        assert "HttpOnly" in given
        assert "Path=/" in given
    assert leaving.headers["Strict-Transport-Security"]
    assert (seen.status_code, unseen.status_code) == (200, 401)
    assert (crossed.status_code, left.status_code) == (403, 303)


def test_several_processes_know_each_others_sessions(tmp_path: Path, issuer: Issuer) -> None:
    with running_realm() as realm:
        home = tmp_path / "home"
        with (
            serving(home, issuer, workers=2, settings=realm.settings()) as served,
            Person(served.api) as person,
        ):
            person.sign_in("analyst-a")
            # A connection each, so that both are asked.
            statuses = {
                requests.get(
                    f"{served.api.url}/signed-in",
                    headers={"Cookie": f"claims-session={person.cookie}", **BY_SCRIPT},
                    timeout=60,
                ).status_code
                for _ in range(20)
            }
            log = served.log()
    assert statuses == {200}
    assert person.cookie is not None
    for secret in (person.cookie, "code=", "state=", "eyJ"):
        assert secret not in log


def test_a_short_session_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="CLAIMS_API_SESSION_KEY") as refusal:
        load_settings({"CLAIMS_API_SESSION_KEY": "too-short"})
    assert "too-short" not in str(refusal.value)
