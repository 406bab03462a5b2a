"""Signing in and out by the code flow, at a real Keycloak and at the sandbox realm alike."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.store.audit import AuditFilter, list_entries
from claims_pipeline.upload_api.pages.session.realm import RealmRefusedError
from claims_pipeline_tests.keycloak import Keycloak
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS
from claims_pipeline_tests.upload_api.pages.people import Person
from claims_pipeline_tests.upload_api.pages.session.sessions import let_time_pass, page_sessions

# The server may have to be fetched, and takes minutes to start on a busy machine.
pytestmark = pytest.mark.timeout(1200)

SIGNED_IN = "/signed-in"
BY_SCRIPT = {"X-Requested-With": "claims-page"}
ALMOST_A_TOKENS_LIFE = timedelta(seconds=280)
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/%2F%2Fevil.example",
    "/signed-in%23x",
    "/signed-in/../x",
    "/sign-out",
    "/sign-in",
    "/api/v1/claims/csv-jobs",
    "/nothing-of-ours",
    "javascript:alert(1)",
    "/signed-in%0d%0aSet-Cookie:%20a=b",
)
# A JWT, and what Keycloak's own begin with.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.")


@pytest.fixture(
    scope="module", params=["sandbox", pytest.param("keycloak", marks=pytest.mark.keycloak)]
)
def realm_settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of an API that signs people in, once at each kind of realm."""
    if request.param == "keycloak":
        keycloak: Keycloak = request.getfixturevalue("keycloak")
        yield {**keycloak.imported.settings(), **PAGE_SETTINGS}
    else:
        with running_realm() as realm:
            yield realm.settings()


@pytest.fixture(scope="module")
def api(
    realm_settings: dict[str, str],
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite_file: Path,
) -> Iterator[Api]:
    """An API with pages that signs people in at the realm."""
    home = tmp_path_factory.mktemp("home")
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer, settings=realm_settings) as running:
        yield running


@pytest.fixture
def person(api: Api) -> Iterator[Person]:
    with Person(api) as one:
        yield one


def test_somebody_signs_in_and_comes_back_to_the_same_page(person: Person) -> None:
    assert person.get(SIGNED_IN).headers["Location"] == "/sign-in?next=%2Fsigned-in"
    answer = person.sign_in("analyst-a", SIGNED_IN)
    assert (answer.status_code, urlsplit(answer.url).path) == (200, SIGNED_IN)
    assert "analyst-a@demo.example.org" in answer.text


def test_the_browser_is_sent_with_pkce_state_and_nonce(person: Person) -> None:
    address = urlsplit(person.get("/sign-in").headers["Location"])
    query = parse_qs(address.query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert min(len(query["state"][0]), len(query["nonce"][0])) >= 43


def test_no_token_ever_reaches_the_browser(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    ours = [answer for answer in person.seen if answer.url.startswith(person.api.url)]
    assert len(ours) >= 3
    for answer in ours:
        for text in (answer.url, answer.text, *answer.headers.values()):
            assert not _TOKEN.search(text)
    cookie = person.cookie
    assert cookie is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie)


def test_the_cookie_is_for_no_script_and_no_other_site(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    given = [
        answer.headers["Set-Cookie"]
        for answer in person.seen
        if "claims-session=" in answer.headers.get("Set-Cookie", "")
    ]
    assert len(given) == 1
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert attribute in given[0]
    assert "Domain" not in given[0]


def test_the_database_holds_neither_cookie_nor_token(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    content = b"".join(
        path.read_bytes() for path in person.api.settings.resolved_home.glob("claims.sqlite*")
    )
    assert cast("str", person.cookie).encode() not in content
    # How every token begins; less of it comes up by chance in what is sealed.
    assert b"eyJhbGciOi" not in content


def test_a_user_of_no_organization_is_told_whom_to_ask_and_can_sign_out(person: Person) -> None:
    answer = person.sign_in("nobody", SIGNED_IN)
    assert answer.status_code == 403
    assert "You do not belong to an organization" in answer.text
    assert person.post("/sign-out").headers["Location"] == "/signed-out"
    assert person.cookie is None


def test_signing_out_ends_it_at_both_ends(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    cookie = cast("str", person.cookie)
    refresh_token = page_sessions(person.api).of_cookie(cookie).refresh
    assert person.post("/sign-out").status_code == 303
    # The old cookie is nobody's, even where somebody kept it.
    person.browser.cookies.set("claims-session", cookie)
    assert person.get(SIGNED_IN, **BY_SCRIPT).status_code == 401
    # Keycloak gives no more tokens for the session, and asks again who is there.
    with pytest.raises(RealmRefusedError):
        page_sessions(person.api).realm.refreshed(cast("str", refresh_token))
    assert "<form" in person.leave_for_sign_in().text


def test_a_session_at_the_realm_signs_in_again_without_a_question(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    before = cast("str", person.cookie)
    sessions = page_sessions(person.api)
    sessions.end(sessions.of_cookie(before))
    answer = person.leave_for_sign_in(SIGNED_IN)
    assert (answer.status_code, urlsplit(answer.url).path) == (200, SIGNED_IN)
    assert person.cookie not in {None, before}


def test_a_cookie_from_before_signing_in_is_worth_nothing_after(person: Person) -> None:
    # What somebody else put into this browser, so as to be signed in with it later.
    planted = "x" * 43
    person.browser.cookies.set("claims-session", planted, domain="127.0.0.1", path="/")
    person.sign_in("analyst-a", SIGNED_IN)
    assert planted not in [cookie.value for cookie in person.browser.cookies]
    with Person(person.api) as attacker:
        attacker.browser.cookies.set("claims-session", planted)
        assert attacker.get(SIGNED_IN, **BY_SCRIPT).status_code == 401


def test_signing_in_ends_the_session_that_the_browser_had(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    before = cast("str", person.cookie)
    sessions = page_sessions(person.api)
    with Person(person.api) as other:
        other.leave_for_sign_in(SIGNED_IN)
        path = other.way_back("operator-a")
        # The browser had somebody's session already when the answer of the realm came.
        other.browser.cookies.set("claims-session", before, domain="127.0.0.1", path="/")
        assert other.get(path).status_code == 303
    assert sessions.stored(before) is None


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(person: Person) -> None:
    with Person(person.api) as attacker:
        attacker.leave_for_sign_in()
        path = attacker.way_back("analyst-b")
    answer = person.get(path)
    assert answer.status_code == 400
    assert "The sign-in did not work" in answer.text
    assert person.cookie is None


def test_a_code_is_good_once(person: Person) -> None:
    person.leave_for_sign_in()
    path = person.way_back("analyst-a")
    cookies = person.browser.cookies.copy()
    assert person.get(path).status_code == 303
    person.browser.cookies = cookies
    assert person.get(path).status_code == 400


def test_a_token_that_runs_out_is_renewed_without_a_word(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    sessions = page_sessions(api)
    before = sessions.of_cookie(person.cookie)
    let_time_pass(monkeypatch, ALMOST_A_TOKENS_LIFE)
    assert person.get(SIGNED_IN).status_code == 200
    after = sessions.of_cookie(person.cookie)
    assert after.access != before.access
    assert after.row.created_at == before.row.created_at


def test_a_session_that_the_realm_has_ended_is_over_in_the_middle_of_work(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    session = page_sessions(api).of_cookie(person.cookie)
    page_sessions(api).realm.end(cast("str", session.refresh))
    let_time_pass(monkeypatch, ALMOST_A_TOKENS_LIFE)
    answer = person.get(SIGNED_IN, **BY_SCRIPT)
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    monkeypatch.undo()
    # The person signs in again and is where they were.
    again = person.sign_in("analyst-a", SIGNED_IN)
    assert (again.status_code, urlsplit(again.url).path) == (200, SIGNED_IN)


def test_signing_in_and_out_is_in_the_audit_log(api: Api, person: Person) -> None:
    person.sign_in("operator-a", SIGNED_IN)
    user_id = page_sessions(api).of_cookie(person.cookie).row.user_id
    person.post("/sign-out")
    entries = list_entries(
        api.engine, organization_id="demo", wanted=AuditFilter(actor=user_id), page_size=2
    )
    assert [(entry.action, entry.outcome) for entry in entries] == [
        ("logout", "ok"),
        ("login", "ok"),
    ]


def test_nobody_is_sent_elsewhere_after_signing_in(person: Person) -> None:
    person.sign_in("analyst-a", SIGNED_IN)
    for place in ELSEWHERE:
        assert person.get(f"/sign-in?next={place}").headers["Location"] == "/", place
    for place in (SIGNED_IN, f"{SIGNED_IN}%3Fpatient=ADA"):
        assert person.get(f"/sign-in?next={place}").headers["Location"] == SIGNED_IN
