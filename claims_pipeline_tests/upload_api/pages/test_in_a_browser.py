"""Sessions as a real browser has them."""

import pytest
from playwright.sync_api import Browser, Page, expect

from claims_pipeline_tests.browser import watched_page
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.sessions import sign_in_browser

pytestmark = pytest.mark.browser


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
