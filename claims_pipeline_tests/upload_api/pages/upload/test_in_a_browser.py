"""The page of an upload in a real browser: by keyboard, without scripts, live, by axe."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from claims_pipeline.model import UploadStatus
from claims_pipeline_tests.accessibility import lost_when_narrow, violations
from claims_pipeline_tests.browser import watched_page
from claims_pipeline_tests.store.builders import answer, make_result
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import sign_in_browser
from claims_pipeline_tests.upload_api.pages.uploads import (
    HOSTILE_NAME,
    MadeUpload,
    cancelled_upload,
    done_upload,
    failed_upload,
    pending_upload,
    running_upload,
    waiting_upload,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def api(shared_page_api: Api) -> Api:
    return shared_page_api


@pytest.fixture
def page(browser_page: Page, api: Api) -> Page:
    _sign_in(browser_page, api)
    return browser_page


def _sign_in(page: Page, api: Api) -> None:
    sign_in_browser(page.context, api, token=api.issuer.token(sub="analyst-1"))


@pytest.mark.parametrize(
    "make",
    [
        pending_upload,
        running_upload,
        waiting_upload,
        done_upload,
        cancelled_upload,
        failed_upload,
    ],
)
def test_everybody_can_use_it_in_every_state(
    api: Api, page: Page, make: Callable[[Api], MadeUpload]
) -> None:
    page.goto(f"{api.url}/uploads/{make(api).id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_NAME)
    assert violations(page) == []
    assert lost_when_narrow(page) == []


@pytest.mark.parametrize("tab", ["results", "rejected", "attempts", "change/delete"])
def test_everybody_can_use_its_other_pages(api: Api, page: Page, tab: str) -> None:
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/{tab}")
    for summary in page.locator("summary[aria-controls]").all()[:4]:
        summary.click()
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    # What a payer said ran nowhere, and changed nothing; titles are kept in the browser's history.
    assert "owned" not in page.title()
    assert HOSTILE_NAME not in page.title()


def test_a_change_is_confirmed_in_a_dialog_by_keyboard(api: Api, page: Page) -> None:
    made = done_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}")
    opener = page.get_by_role("link", name="Retry failed")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ask 2 rows again?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Leave it as it is")).to_be_focused()
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(opener).to_be_focused()
    assert made.upload.attempt == 1
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("button", name="Ask 2 rows again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting to start")).to_be_visible()
    assert made.upload.attempt == 2


def test_what_is_done_seldom_is_in_a_menu_that_keys_open_and_close(api: Api, page: Page) -> None:
    made = done_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}")
    menu = page.locator("summary", has_text="More")
    menu.focus()
    page.keyboard.press("Enter")
    delete = page.get_by_role("link", name="Delete")
    expect(delete).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(delete).not_to_be_visible()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    delete.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this upload for good?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")  # on what leaves it as it is
    expect(menu).to_be_focused()
    assert made.upload.status is UploadStatus.COMPLETED


def test_it_follows_the_upload_to_its_end(api: Api, page: Page) -> None:
    made = running_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}")
    expect(page.get_by_text("13 of 14 rows")).to_be_visible()
    answer(api.engine, made.hold, make_result(12))
    expect(page.get_by_text("14 of 14 rows")).to_be_visible()
    expect(page.get_by_role("link", name="Retry failed")).to_have_count(0)
    made.end(UploadStatus.COMPLETED)
    expect(page.get_by_role("link", name="Retry failed")).to_be_visible()
    expect(page.locator("#standing .badge")).to_have_text("Done, 4 rows not asked")


def test_it_asks_now_and_then_where_no_events_come_through(api: Api, page: Page) -> None:
    made = running_upload(api)
    page.route("**/events", lambda route: route.fulfill(status=503, body=""))
    page.goto(f"{api.url}/uploads/{made.id}")
    answer(api.engine, made.hold, make_result(12))
    expect(page.get_by_text("14 of 14 rows")).to_be_visible()
    made.end(UploadStatus.COMPLETED)
    expect(page.get_by_role("link", name="Retry failed")).to_be_visible()


def test_the_end_does_not_take_away_an_open_dialog(api: Api, page: Page) -> None:
    made = running_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}")
    page.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog", name="Cancel this upload?")
    expect(dialog).to_be_visible()
    made.end(UploadStatus.COMPLETED)
    expect(page.locator("#standing .badge")).to_have_text("Done, 5 rows not asked")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_role("alert")).to_contain_text("It had ended already")


def test_the_end_takes_nothing_away_where_somebody_works(api: Api, page: Page) -> None:
    made = running_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}/results")
    search = page.get_by_label("Name or number")
    search.fill("example")
    page.get_by_role("button", name="Show").click()
    details = page.get_by_role("row").filter(has_text="FH00000003").locator("details")
    details.locator("summary").click()
    search.fill("half a na")
    asked: list[str] = []
    page.on("framenavigated", lambda frame: asked.append(frame.url))
    made.end(UploadStatus.COMPLETED)
    expect(page.get_by_text("The upload has ended.")).to_be_visible()
    expect(page.get_by_role("link", name="Retry failed")).to_be_visible()
    expect(search).to_have_value("half a na")
    expect(details).to_have_attribute("open", "")
    assert asked == []
    page.get_by_role("link", name="Show the final results").click()
    expect(page).to_have_url(f"{api.url}/uploads/{made.id}/results")
    expect(page.get_by_text("1–14 of 14 rows")).to_be_visible()


def test_after_signing_in_again_it_goes_on(api: Api, page: Page) -> None:
    made = running_upload(api)
    page.route("**/events", lambda route: route.fulfill(status=503, body=""))
    page.goto(f"{api.url}/uploads/{made.id}")
    page.context.clear_cookies()
    ended = page.get_by_role("dialog", name="Your session has ended")
    expect(ended).to_be_visible()
    _sign_in(page, api)
    ended.get_by_role("button", name="I have signed in").click()
    answer(api.engine, made.hold, make_result(12))
    expect(page.get_by_text("14 of 14 rows")).to_be_visible()


def test_a_page_that_nobody_looks_at_holds_no_connection(api: Api, page: Page) -> None:
    made = running_upload(api)
    with page.expect_response("**/events"):
        page.goto(f"{api.url}/uploads/{made.id}")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/events")):
        _look(page, is_hidden=True)
    answer(api.engine, made.hold, make_result(12))
    with page.expect_response("**/events"):
        _look(page, is_hidden=False)
    expect(page.get_by_text("14 of 14 rows")).to_be_visible()


def _look(page: Page, *, is_hidden: bool) -> None:
    """As if somebody turned to another tab, or came back."""
    page.evaluate(
        """isHidden => {
            Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


def test_it_works_without_scripts(browser: Browser, api: Api) -> None:
    made = running_upload(api)
    with watched_page(browser, java_script_enabled=False) as page:
        _sign_in(page, api)
        page.goto(f"{api.url}/uploads/{made.id}")
        page.get_by_role("link", name="Results").click()
        row = page.get_by_role("row").filter(has_text="FH00000004")
        row.locator("summary").click()
        expect(page.locator("#row-4").get_by_text("Rendering provider")).to_be_visible()
        expect(page.locator("#row-3").get_by_text("Rendering provider")).not_to_be_visible()
        page.get_by_label("Name or number").fill("example3")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("1–1 of 1 rows")).to_be_visible()
        assert "example3" not in page.url
        page.get_by_role("link", name="Cancel").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Cancel this upload?")
        page.get_by_role("button", name="Cancel the upload").click()
        expect(page.locator("#standing .badge")).to_have_text("Cancelling")


def test_filters_act_at_once_combine_and_are_taken_off_one_by_one(api: Api, page: Page) -> None:
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results")
    page.get_by_role("link", name="Denied 2").click()
    expect(page.get_by_text("2 rows, 2 claims counted once")).to_be_visible()
    more = page.locator("summary", has_text="More filters")
    more.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Open, at least ($)").fill("500")
    assert violations(page) == []
    page.keyboard.press("Tab")  # leaves the field
    expect(page.get_by_text("1 row, 1 claim counted once")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="FH00000005")).to_be_visible()
    assert "claim_status=DENIED" in page.url
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    page.get_by_role("link", name="Remove the filter Denied").click()
    expect(page.get_by_text("2 rows, 2 claims counted once")).to_be_visible()
    page.get_by_label("Next action").select_option(
        label="Send the payer the information it asked for."
    )
    expect(page.get_by_text("No matching rows")).to_be_visible()
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_text("1–14 of 14 rows")).to_be_visible()


def test_headers_sort_and_twelve_rows_are_in_sight(api: Api, page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results")
    assert page.locator("tr.answer").nth(11).bounding_box()["y"] < 900 - 30
    page.get_by_role("link", name="Open", exact=True).click()
    expect(page.get_by_role("columnheader", name="Open")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.locator("tr.answer").first).to_contain_text("FH00000005")
    with page.expect_download() as download:
        page.goto(f"{page.url}&claim_status=DENIED")
        page.get_by_role("link", name="service lines").click()
    assert download.value.suggested_filename.endswith(".filtered.lines.csv")


def test_going_back_after_a_search_shows_the_search_again(api: Api, page: Page) -> None:
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results")
    page.get_by_label("Name or number").fill("example3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1–1 of 1 rows")).to_be_visible()
    assert "example3" not in page.url
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("1–1 of 1 rows")).to_be_visible()
    expect(page.get_by_label("Name or number")).to_have_value("example3")
    page.go_back()
    expect(page.get_by_text("1–14 of 14 rows")).to_be_visible()


def test_a_claim_number_is_copied(api: Api, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results")
    page.get_by_role("button", name="Copy claim number FH00000003").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "FH00000003"


def test_rows_are_picked_copied_and_downloaded(api: Api, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results")
    copy = page.get_by_role("form", name="Picked rows").get_by_role("button", name="Copy")
    expect(copy).not_to_be_visible()
    page.get_by_label("Pick row 3").check()
    page.get_by_label("Pick row 5").check()
    expect(page.locator("[data-picked]")).to_have_text("2 rows picked")
    copy.click()
    expect(page.locator("#said")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert [line.split("\t")[1] for line in copied.splitlines()] == ["row_number", "3", "5"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Download results").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) > 2
    assert page.get_by_label("Pick row 3").is_checked()
    page.get_by_label("Pick all rows of this page").check()
    expect(page.locator("[data-picked]")).to_have_text("14 rows picked")
    assert violations(page) == []


def test_what_is_filtered_is_copied(api: Api, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{api.url}/uploads/{done_upload(api).id}/results?outcome=found")
    page.get_by_role("button", name="Copy these").click()
    expect(page.locator("#said")).to_have_text("Copied.")
    [header, *rows] = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert header.split("\t")[:3] == ["patient", "row_number", "outcome"]
    assert {row.split("\t")[2] for row in rows} == {"found"}
    assert len(rows) == 8


def test_a_session_that_ended_leads_back_in_without_losing_the_page(api: Api, page: Page) -> None:
    made = done_upload(api)
    page.goto(f"{api.url}/uploads/{made.id}/results")
    page.get_by_label("Name or number").fill("half a na")
    page.context.clear_cookies()
    page.get_by_role("link", name="Retry failed").click()
    ended = page.get_by_role("dialog", name="Your session has ended")
    expect(ended).to_be_visible()
    assert violations(page) == []
    _sign_in(page, api)
    ended.get_by_role("button", name="I have signed in").click()
    expect(page.get_by_label("Name or number")).to_have_value("half a na")
    page.get_by_role("link", name="Retry failed").click()
    expect(page.get_by_role("dialog", name="Ask 2 rows again?")).to_be_visible()


def test_dates_are_the_readers_with_utc_beside_them(browser: Browser, api: Api) -> None:
    made = done_upload(api)
    with watched_page(browser, locale="de-DE", timezone_id="Pacific/Auckland") as page:
        _sign_in(page, api)
        page.goto(f"{api.url}/uploads/{made.id}/attempts")
        ended = page.locator("td[data-label=Ended] time")
        expect(ended).not_to_contain_text("UTC")
        title = ended.get_attribute("title") or ""
        assert title.startswith(f"{datetime.now(UTC):%Y-%m}")
        assert title.endswith("UTC")
