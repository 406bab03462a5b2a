"""Who is there: by a cookie whose session lies in the store, and by nothing else."""

import shutil
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from claims_pipeline.store.audit import list_entries
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import sessions
from claims_pipeline.upload_api.pages.session.cookies import session_id_of
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import ABSENT, Issuer, running_issuer
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS
from claims_pipeline_tests.upload_api.pages.session.sessions import (
    client_with_cookie,
    let_time_pass,
    new_session,
    signed_in_client,
)

AGAIN = "/signed-in"
BY_SCRIPT = {"X-Requested-With": "claims-page"}


def test_a_signed_in_person_sees_a_page(page_api: Api) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token()) as client:
        answer = client.get(f"{page_api.url}{AGAIN}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(page_api: Api) -> None:
    answer = page_api.get(AGAIN)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next={quote(AGAIN, safe='')}"


def test_the_script_of_a_page_gets_401_and_can_keep_what_is_on_the_screen(page_api: Api) -> None:
    answer = page_api.get(AGAIN, headers=BY_SCRIPT)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_cookie_that_was_tampered_with_is_nobody(page_api: Api) -> None:
    value = new_session(page_api, token=page_api.issuer.token())
    other = ("A" if value[0] != "A" else "B") + value[1:]
    for tampered in (other, value[:-1], value + "A", "", "x" * 5000):
        with client_with_cookie(page_api, tampered) as client:
            answer = client.get(f"{page_api.url}{AGAIN}", headers=BY_SCRIPT)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("token", "title"),
    [
        ({"organization": ABSENT}, "You do not belong to an organization"),
        ({"organization": "nowhere"}, "Your organization is not set up here"),
        ({"roles": []}, "You do not have access"),
    ],
)
def test_who_may_not_work_here_is_told_whom_to_ask(
    page_api: Api, token: dict[str, object], title: str
) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token(**token)) as client:  # type: ignore[arg-type]
        answer = client.get(f"{page_api.url}{AGAIN}")
    assert answer.status_code == 403
    assert title in answer.text
    assert "Ask " in answer.text
    assert 'action="/sign-out"' in answer.text


def test_a_cookie_means_nothing_to_the_api(page_api: Api) -> None:
    with signed_in_client(page_api, token=page_api.issuer.token()) as client:
        answer = client.get(f"{page_api.url}/api/v1/claims/csv-jobs/")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


def test_a_token_means_nothing_to_a_page(page_api: Api) -> None:
    answer = page_api.get(AGAIN, token=page_api.issuer.token(), headers=BY_SCRIPT)
    assert answer.status_code == 401


def test_who_belongs_to_several_organizations_chooses_one(page_api: Api) -> None:
    token = page_api.issuer.token(organization={"demo": {}, "other": {}, "nowhere": {}})
    with signed_in_client(page_api, token=token) as client:
        asked = client.get(f"{page_api.url}{AGAIN}", allow_redirects=False)
        assert (asked.status_code, asked.headers["Location"]) == (303, "/organization")
        offered = client.get(f"{page_api.url}/organization").text
        assert 'value="demo"' in offered
        assert 'value="other"' in offered
        assert "nowhere" not in offered
        chosen = client.post(
            f"{page_api.url}/organization", data={"organization": "other"}, allow_redirects=False
        )
        assert (chosen.status_code, chosen.headers["Location"]) == (303, "/")
        assert "Other" in client.get(f"{page_api.url}{AGAIN}").text
    (entry,) = list_entries(page_api.engine, organization_id="other")
    assert (entry.action, entry.actor) == ("login", "analyst-1")


@pytest.mark.parametrize("wanted", ["nowhere", "other", "", "demo' OR 1=1"])
def test_nobody_chooses_an_organization_of_others(page_api: Api, wanted: str) -> None:
    token = page_api.issuer.token(organization={"demo": {}, "third": {}})
    with signed_in_client(page_api, token=token) as client:
        answer = client.post(
            f"{page_api.url}/organization", data={"organization": wanted}, headers=BY_SCRIPT
        )
    assert (answer.status_code, answer.json()["code"]) == (403, "organization_unknown")


def test_a_session_ends_when_nobody_is_there_for_half_an_hour(
    page_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = page_api.issuer.token(exp=int(time.time()) + 24 * 3600)
    with signed_in_client(page_api, token=token) as client:
        let_time_pass(monkeypatch, timedelta(minutes=29))
        # What the page asks by itself does not keep it alive.
        asked = f"{page_api.url}/uploads/rows?id={uuid4()}"
        assert client.get(asked, headers=BY_SCRIPT).status_code == 200
        let_time_pass(monkeypatch, timedelta(minutes=31))
        assert client.get(f"{page_api.url}{AGAIN}", headers=BY_SCRIPT).status_code == 401


def test_a_person_who_works_stays_signed_in_for_ten_hours_at_most(
    page_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = page_api.issuer.token(exp=int(time.time()) + 24 * 3600)
    with signed_in_client(page_api, token=token) as client:
        minutes = 0
        while client.get(f"{page_api.url}{AGAIN}", allow_redirects=False).status_code == 200:
            minutes += 25
            assert minutes < 24 * 60
            let_time_pass(monkeypatch, timedelta(minutes=minutes))
    assert timedelta(hours=10) <= timedelta(minutes=minutes) < timedelta(hours=10, minutes=26)


def test_what_is_sealed_for_one_session_opens_no_other(page_api: Api) -> None:
    theirs = new_session(page_api, token=page_api.issuer.token(sub="operator-1"))
    mine = new_session(page_api, token=page_api.issuer.token())
    ids = {"theirs": session_id_of(theirs), "mine": session_id_of(mine)}
    with writing(page_api.engine) as connection:
        sealed = connection.execute(
            select(sessions.c.sealed).where(sessions.c.id == ids["theirs"])
        ).scalar_one()
        connection.execute(
            update(sessions).where(sessions.c.id == ids["mine"]).values(sealed=sealed)
        )
    with client_with_cookie(page_api, mine) as client:
        assert client.get(f"{page_api.url}{AGAIN}", headers=BY_SCRIPT).status_code == 401


def test_requests_of_people_are_counted_and_what_the_page_asks_by_itself_is_not(
    tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    settings = {**PAGE_SETTINGS, "CLAIMS_API_REQUESTS_PER_MINUTE": "2"}
    with (
        running_api(home, issuer, settings=settings) as api,
        signed_in_client(api, token=issuer.token()) as client,
    ):
        statuses = [client.get(f"{api.url}{AGAIN}").status_code for _ in range(3)]
        polled = client.get(f"{api.url}/uploads/rows?id={uuid4()}", headers=BY_SCRIPT).status_code
        by_script = client.get(f"{api.url}{AGAIN}", headers=BY_SCRIPT).status_code
    assert (statuses, polled, by_script) == ([200, 200, 429], 200, 429)


def test_signing_in_over_an_open_connection_is_refused(page_api: Api) -> None:
    answer = page_api.get("/sign-in", headers={"Host": "claims.example.org"})
    assert answer.status_code == 400
    assert "This page needs https" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_while_keycloak_is_down_a_page_says_what_to_do(
    tmp_path: Path, migrated_sqlite_file: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_issuer() as issuer:
        issuer.stop()
        with running_api(home, issuer, settings=PAGE_SETTINGS) as api:
            answer = api.get("/sign-in")
    assert answer.status_code == 503
    assert "Signing in is not possible right now" in answer.text
    assert "try again in a minute" in answer.text
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("claim", "code"),
    [(ABSENT, "organization_missing"), (["nowhere", "elsewhere"], "organization_unknown")],
)
def test_where_there_is_nothing_to_choose_nobody_is_sent_in_a_circle(
    page_api: Api, claim: object, code: str
) -> None:
    token = page_api.issuer.token(organization=claim)
    with signed_in_client(page_api, token=token) as client:
        answer = client.get(f"{page_api.url}/organization", headers=BY_SCRIPT)
        # As a person goes, from page to page, this ends.
        assert client.get(f"{page_api.url}/").status_code == 403
    assert (answer.status_code, answer.json()["code"]) == (403, code)


def test_the_apis_document_has_no_page_and_without_a_client_there_is_none(
    page_api: Api, shared_api: Api
) -> None:
    paths = page_api.get("/api/v1/openapi.json").json()["paths"]
    assert paths
    assert all(path.startswith(("/api/", "/healthz", "/readyz", "/.well-known/")) for path in paths)
    for path in ("/", "/sign-in", AGAIN):
        assert shared_api.get(path).status_code == 404
