"""Sessions as a real browser has them."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete

from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import sessions
from claims_pipeline_tests.accessibility import lost_when_narrow, violations
from claims_pipeline_tests.browser import watched_page
from claims_pipeline_tests.keycloak import PASSWORD, Keycloak
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS
from claims_pipeline_tests.upload_api.pages.session.sessions import sign_in_browser

pytestmark = pytest.mark.browser

HEADER = b"claim_number,first_name,last_name,date_of_birth\n"
GOOD = HEADER + b"FH00000001,Ada,Example,05/10/1975\n"
BAD = GOOD + b"FH00000002,Ben,Example,13/45/1988\n"


@pytest.fixture
def realm_api(tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path) -> Iterator[Api]:
    """An API with pages that signs people in at the sandbox realm."""
    with (
        running_realm() as realm,
        api_signing_in_by(realm.settings(), tmp_path, issuer, migrated_sqlite_file) as api,
    ):
        yield api


@contextmanager
def api_signing_in_by(
    settings: Mapping[str, str], tmp_path: Path, issuer: Issuer, migrated_sqlite_file: Path
) -> Iterator[Api]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(migrated_sqlite_file, home / "claims.sqlite")
    with running_api(home, issuer, settings=settings) as api:
        yield api


def test_a_signed_in_browser_sees_a_page_and_signs_out(browser_page: Page, page_api: Api) -> None:
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.goto(f"{page_api.url}/signed-in")
    expect(browser_page.get_by_role("heading")).to_contain_text("You are signed in")
    browser_page.get_by_role("button", name="Sign out").click()
    expect(browser_page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert browser_page.context.cookies() == []


def test_a_page_that_asks_another_host_fails_its_test(browser: Browser) -> None:
    with pytest.raises(AssertionError, match="asked another host"):
        ask_another_host(browser)


def test_a_page_that_breaks_its_policy_fails_its_test(browser: Browser, page_api: Api) -> None:
    with pytest.raises(AssertionError, match="broke its policy"):
        style_inline(browser, f"{page_api.url}/signed-out")


def ask_another_host(browser: Browser) -> None:
    # An address that is nobody's.
    with watched_page(browser) as page, page.expect_request("http://192.0.2.1/*"):
        page.set_content('<img src="http://192.0.2.1/picture.png">', wait_until="commit")


def style_inline(browser: Browser, url: str) -> None:
    with watched_page(browser) as page:
        page.goto(url)
        with page.expect_console_message():
            page.evaluate("document.body.setAttribute('style', 'color: red')")


def test_somebody_signs_in_works_and_signs_out_with_the_mouse(
    browser_page: Page, realm_api: Api
) -> None:
    page = browser_page
    page.goto(f"{realm_api.url}/uploads/new")
    page.get_by_role("button", name="Ann Analyst").click()
    expect(page).to_have_url(f"{realm_api.url}/uploads/new")
    expect(page.get_by_text("analyst-a@demo.example.org")).to_be_visible()
    assert_no_token_is_within_reach(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    # Not by the way back either.
    page.go_back()
    expect(page.get_by_role("button", name="Ann Analyst")).to_be_visible()


def test_somebody_signs_in_with_the_keyboard_alone(browser_page: Page, realm_api: Api) -> None:
    page = browser_page
    page.goto(f"{realm_api.url}/uploads")
    button = page.get_by_role("button", name="Otto Operator")
    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("operator-a@demo.example.org")).to_be_visible()


def test_a_session_that_ends_in_the_middle_of_work_leads_back_to_it(
    browser_page: Page, realm_api: Api
) -> None:
    page = browser_page
    page.goto(f"{realm_api.url}/uploads/new")
    page.get_by_role("button", name="Ann Analyst").click()
    expect(page).to_have_url(f"{realm_api.url}/uploads/new")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "worklist.csv", "mimeType": "text/csv", "buffer": BAD}
    )
    expect(page.get_by_role("heading", name="1 of 2 rows cannot be asked")).to_be_visible()
    end_every_session(realm_api)
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "worklist.csv", "mimeType": "text/csv", "buffer": GOOD}
    )
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Sign in again").click()
    # The realm knows the person still and asks nothing.
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("You are signed in again")
    opened.value.close()
    dialog.get_by_role("button", name="I have signed in").click()
    # The file that was chosen is chosen still.
    page.locator("#check").click()
    expect(page.get_by_role("button", name="Upload and process 1 row")).to_be_visible()
    expect(page).to_have_url(f"{realm_api.url}/uploads/new")


def test_who_belongs_to_no_organization_sees_whom_to_ask(
    browser_page: Page, realm_api: Api
) -> None:
    page = browser_page
    page.goto(f"{realm_api.url}/")
    page.get_by_role("button", name="Nobody Nowhere").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "You do not belong to an organization"
    )
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")


@pytest.mark.keycloak
@pytest.mark.timeout(1200)
def test_somebody_signs_in_at_keycloak_itself(
    browser_page: Page,
    keycloak: Keycloak,
    tmp_path: Path,
    issuer: Issuer,
    migrated_sqlite_file: Path,
) -> None:
    page = browser_page
    settings = {**keycloak.imported.settings(), **PAGE_SETTINGS}
    with api_signing_in_by(settings, tmp_path, issuer, migrated_sqlite_file) as api:
        page.goto(f"{api.url}/uploads/new")
        fill_in_keycloaks_form(page)
        expect(page).to_have_url(f"{api.url}/uploads/new")
        assert_no_token_is_within_reach(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        # Keycloak asks again: its session ended too.
        page.get_by_role("link", name="Sign in").click()
        fill_in_keycloaks_form(page)
        expect(page.get_by_text("analyst-a@demo.example.org")).to_be_visible()


def test_everybody_can_read_what_is_said_about_signing_in(
    browser_page: Page, realm_api: Api
) -> None:
    page = browser_page
    page.goto(f"{realm_api.url}/uploads")
    assert violations(page) + lost_when_narrow(page) == []
    page.get_by_role("button", name="Nobody Nowhere").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "You do not belong to an organization"
    )
    assert violations(page) + lost_when_narrow(page) == []
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert violations(page) + lost_when_narrow(page) == []


def fill_in_keycloaks_form(page: Page) -> None:
    """Its form for both, or one after the other where organizations sign in by address."""
    page.locator("#username").fill("analyst-a")
    if page.locator("#password").count() == 0:
        page.locator("#kc-login").click()
    page.locator("#password").fill(PASSWORD)
    page.locator("#kc-login").click()


def assert_no_token_is_within_reach(page: Page) -> None:
    reachable = page.evaluate(
        """() => [document.cookie, document.documentElement.outerHTML, location.href,
            JSON.stringify(localStorage), JSON.stringify(sessionStorage), window.name]"""
    )
    # Those of our own; Keycloak's are for its own addresses.
    cookies = page.context.cookies(page.url)
    assert reachable[0] == ""
    assert "eyJhbGciOi" not in "".join(reachable)
    assert [cookie["httpOnly"] for cookie in cookies] == [True]
    assert "eyJhbGciOi" not in str(cookies)


def end_every_session(api: Api) -> None:
    with writing(api.engine) as connection:
        connection.execute(delete(sessions))
