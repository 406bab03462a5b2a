"""Handing in a file and watching the list, in a real browser: by mouse, by keyboard, by axe."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Dialog, FilePayload, Page, Route, expect
from sqlalchemy import update

from claims_pipeline.model import UploadStatus
from claims_pipeline.store.tables import uploads
from claims_pipeline.store.uploads import Upload, list_uploads
from claims_pipeline_tests.accessibility import lost_when_narrow, violations
from claims_pipeline_tests.browser import watched_page
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.session.sessions import COOKIE, sign_in_browser

pytestmark = pytest.mark.browser

HEADER = b"claim_number,first_name,last_name,date_of_birth\n"
GOOD = HEADER + b"FH00000001,Ada,Example,05/10/1975\nFH00000002,Ben,Example,11/02/1988\n"
BAD = GOOD + b"FH00000003,<b id=markup>Cy</b>,Example,13/45/1988\n"
AN_UPLOAD = re.compile(r"/uploads/[0-9a-f-]{36}$")


def _file(content: bytes, name: str = "worklist.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def _choose(page: Page, content: bytes, name: str = "worklist.csv") -> None:
    page.get_by_label("File", exact=True).set_input_files(_file(content, name))


def _drop(page: Page, content: bytes, on: str = "#drop") -> None:
    transfer = page.evaluate_handle(
        """content => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([content], "dropped.csv", {type: "text/csv"}));
            return transfer;
        }""",
        content.decode(),
    )
    page.dispatch_event(on, "drop", {"dataTransfer": transfer})


def _set(api: Api, upload: Upload, status: UploadStatus, **values: object) -> None:
    with api.engine.begin() as connection:
        connection.execute(
            update(uploads).where(uploads.c.id == upload.id).values(status=status, **values)
        )


def _uploaded(api: Api) -> list[str]:
    found = list_uploads(api.engine, organization_id=ORGANIZATION).uploads
    return [api.files.open(upload.file_key).read().decode() for upload in found]


@pytest.fixture
def page(browser_page: Page, page_api: Api) -> Iterator[Page]:
    """An analyst's tab, signed in."""
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.set_viewport_size({"width": 1280, "height": 900})
    yield browser_page
    assert browser_page.locator("#markup").count() == 0


def test_a_file_is_checked_corrected_and_uploaded_with_the_mouse(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/")
    page.get_by_role("link", name="Upload your first file").click()
    _choose(page, BAD)
    expect(page.get_by_role("heading", name="1 of 3 rows cannot be asked")).to_be_visible()
    expect(page.locator("mark")).to_have_text("13/45/1988")
    expect(page.get_by_role("button", name="Upload and process 2 rows")).to_be_visible()

    _choose(page, GOOD)
    expect(page.get_by_role("heading", name="All 2 rows can be asked")).to_be_visible()
    page.get_by_role("button", name="Upload and process 2 rows").click()

    page.wait_for_url(AN_UPLOAD)
    assert _uploaded(page_api) == [GOOD.decode()]


def test_a_file_is_checked_and_uploaded_with_the_keyboard_alone(page: Page, page_api: Api) -> None:
    def go_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus-visible").count():
                return
        pytest.fail(f"the keyboard does not reach {selector}")

    # Playwright takes the browser's own dialog over while somebody listens, and not at once.
    page.on("filechooser", lambda _chooser: None)
    page.goto(f"{page_api.url}/uploads")
    go_to('.places a[href="/uploads/new"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/uploads/new")
    go_to("#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([_file(GOOD)])
    # What was found gets the focus, so that it is read out and the next step is near.
    expect(page.locator(".findings")).to_be_focused()
    go_to("#send")
    page.keyboard.press("Enter")

    page.wait_for_url(AN_UPLOAD)
    assert _uploaded(page_api) == [GOOD.decode()]


def test_a_double_click_uploads_once(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    page.get_by_role("button", name="Upload and process 2 rows").dblclick()

    page.wait_for_url(AN_UPLOAD)
    assert len(_uploaded(page_api)) == 1


def test_nothing_changes_while_an_upload_is_sent(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    button = page.get_by_role("button", name="Upload and process 2 rows")
    expect(button).to_be_visible()
    checks: list[str] = []
    page.on("request", lambda request: checks.append(request.url))

    def meddle(route: Route) -> None:
        expect(page.get_by_label("Payer", exact=True)).to_be_disabled()
        expect(page.get_by_label("One search for each row")).to_be_disabled()
        expect(page.get_by_label("File", exact=True)).to_be_disabled()
        _drop(page, BAD)
        route.continue_()

    page.route("**/uploads", meddle)
    button.click()

    page.wait_for_url(AN_UPLOAD)
    assert _uploaded(page_api) == [GOOD.decode()]
    assert not [url for url in checks if url.endswith("/verify")]


def test_an_upload_that_was_stopped_leaves_the_form_to_be_changed(
    page: Page, page_api: Api
) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    page.route("**/uploads", lambda _route: page.get_by_role("button", name="Stop").click())
    page.get_by_role("button", name="Upload and process 2 rows").click()

    expect(page.get_by_label("Payer", exact=True)).to_be_enabled()
    expect(page.locator("#sending")).to_be_hidden()
    assert _uploaded(page_api) == []


def test_a_check_that_another_overtakes_leaves_that_its_bar(page: Page, page_api: Api) -> None:
    asked: list[Route] = []

    def hold_back(route: Route) -> None:
        asked.append(route)

    page.goto(f"{page_api.url}/uploads/new")
    page.route("**/uploads/verify", hold_back)
    with page.expect_request("**/uploads/verify"):
        _choose(page, BAD)
    with page.expect_request("**/uploads/verify"):
        _choose(page, GOOD)

    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    asked[-1].continue_()
    expect(page.get_by_role("heading", name="All 2 rows can be asked")).to_be_visible()
    expect(page.locator("#sending")).to_be_hidden()


def test_only_what_a_check_looks_at_is_checked_again(page: Page, page_api: Api) -> None:
    checks: list[str] = []
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    found = page.get_by_role("heading", name="All 2 rows can be asked")
    expect(found).to_be_visible()
    page.on("request", lambda request: checks.append(request.url))

    page.get_by_label("Everything").check()
    with page.expect_response("**/uploads/verify"):
        page.get_by_label("One search for each row").check()

    assert len(checks) == 1


def test_a_large_file_is_checked_when_it_is_chosen_and_not_with_each_change(
    page: Page, page_api: Api
) -> None:
    note = b"x" * 30_000
    rows = b"".join(b"FH%08d,Ada,Example,05/10/1975,%b\n" % (n, note) for n in range(400))
    page.goto(f"{page_api.url}/uploads/new")
    looked: list[str] = []

    def look_first(route: Route) -> None:
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        looked.append(route.request.url)
        route.continue_()

    page.route("**/uploads/verify", look_first)
    _choose(page, HEADER.replace(b"\n", b",note\n") + rows)

    expect(page.get_by_role("heading", name="All 400 rows can be asked")).to_be_visible()
    expect(page.locator("#sending")).to_be_hidden()
    page.get_by_label("One search for each row").check()
    expect(page.get_by_role("button", name="Check the file")).to_be_visible()
    assert len(looked) == 1


def test_a_file_that_is_too_large_is_not_even_sent(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    page.evaluate("document.getElementById('upload').dataset.maxBytes = '10'")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))

    _choose(page, GOOD)

    expect(page.get_by_role("alert")).to_contain_text("100 MB are allowed")
    assert [address for address in sent if "/static/" not in address] == []


def test_a_session_that_ends_leaves_the_form_and_its_file(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    button = page.get_by_role("button", name="Upload and process 2 rows")
    expect(button).to_be_visible()
    page.context.clear_cookies(name=COOKIE)
    button.click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Sign in again")).to_have_attribute("target", "_blank")
    assert violations(page) == []

    sign_in_browser(page.context, page_api, token=page_api.issuer.token())
    dialog.get_by_role("button", name="I have signed in").click()
    button.click()

    page.wait_for_url(AN_UPLOAD)
    assert _uploaded(page_api) == [GOOD.decode()]


def test_an_upload_whose_answer_was_lost_is_sent_again_and_is_one(
    page: Page, page_api: Api
) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    button = page.get_by_role("button", name="Upload and process 2 rows")
    expect(button).to_be_visible()
    lost: list[int] = []

    def lose_the_answer(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/uploads", lose_the_answer)
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("try again in a moment")
    button.click()

    page.wait_for_url(AN_UPLOAD)
    assert lost == [201]
    assert len(_uploaded(page_api)) == 1


def test_a_file_may_be_dropped_on_its_place(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _drop(page, GOOD)

    expect(page.get_by_role("heading", name="All 2 rows can be asked")).to_be_visible()


def test_a_file_may_be_dropped_on_the_empty_list(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/")
    _drop(page, GOOD, on=".empty")

    expect(page.get_by_role("heading", name="All 2 rows can be asked")).to_be_visible()
    assert page.url.endswith("/uploads/new")
    page.get_by_role("button", name="Upload and process 2 rows").click()
    page.wait_for_url(AN_UPLOAD)
    assert _uploaded(page_api) == [GOOD.decode()]


def test_leaving_while_a_file_is_sent_asks_first(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    _choose(page, GOOD)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    def leave(route: Route) -> None:
        page.evaluate("location.assign('/payers')")
        route.continue_()

    page.on("dialog", stay)
    page.route("**/uploads", leave)
    page.get_by_role("button", name="Upload and process 2 rows").click()

    expect(page).to_have_url(AN_UPLOAD)
    assert asked == ["beforeunload"]


def test_a_row_of_the_list_leads_to_its_upload(page: Page, page_api: Api) -> None:
    upload = page_api.add_upload(total_rows=4)
    page.goto(f"{page_api.url}/")
    page.locator(f"#upload-{upload.id} td.number").first.click()
    page.wait_for_url(f"**/uploads/{upload.id}")


def test_rows_of_the_list_go_on_by_themselves(page: Page, page_api: Api) -> None:
    upload = page_api.add_upload(file_name="<b id=markup>x</b>.csv", total_rows=4)
    _set(page_api, upload, UploadStatus.PROCESSING, found_count=1)
    page.goto(f"{page_api.url}/")
    row = page.locator(f"#upload-{upload.id}")
    expect(row).to_contain_text("Asking the payer")
    name = page.get_by_role("link", name="<b id=markup>x</b>.csv", exact=True)
    name.focus()

    _set(page_api, upload, UploadStatus.COMPLETED, found_count=3, failed_count=1)

    expect(row).to_contain_text("Done")
    expect(row).to_contain_text("3 found")
    expect(row.get_by_role("progressbar")).to_have_js_property("value", 4)
    # Who was in the row with the keyboard still is.
    expect(name).to_be_focused()


def test_without_a_stream_the_list_asks(page: Page, page_api: Api) -> None:
    upload = page_api.add_upload(total_rows=4)
    page.add_init_script("delete window.EventSource")
    page.goto(f"{page_api.url}/")

    _set(page_api, upload, UploadStatus.COMPLETED, found_count=4)

    expect(page.locator(f"#upload-{upload.id}")).to_contain_text("Done")


def test_a_question_in_a_row_stays_while_the_row_changes(page: Page, page_api: Api) -> None:
    asked_about, other = (page_api.add_upload(total_rows=4) for _ in range(2))
    page.goto(f"{page_api.url}/")
    row = page.locator(f"#upload-{asked_about.id}")
    row.get_by_role("link", name="Cancel").click()
    dialog = page.get_by_role("dialog", name="Cancel this upload?")
    expect(dialog).to_be_visible()
    assert violations(page) == []

    _set(page_api, asked_about, UploadStatus.COMPLETED, found_count=4)
    _set(page_api, other, UploadStatus.COMPLETED, found_count=4)
    expect(page.locator(f"#upload-{other.id}")).to_contain_text("Done")
    expect(row).to_contain_text("Done")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Leave it as it is").click()
    expect(dialog).not_to_be_visible()


def test_a_row_is_cancelled_without_scripts(page_api: Api, browser: Browser) -> None:
    page_api.add_upload(file_name="week.csv", total_rows=4)
    with watched_page(browser, java_script_enabled=False) as page:
        sign_in_browser(page.context, page_api, token=page_api.issuer.token())
        page.goto(f"{page_api.url}/")
        page.get_by_role("link", name="Cancel week.csv").click()
        page.get_by_role("button", name="Cancel the upload").click()
        expect(page.locator("#standing .badge")).to_have_text("Cancelled")


def test_a_search_is_not_lost_with_a_session_that_ended(page: Page, page_api: Api) -> None:
    page_api.add_upload(file_name="week.csv")
    page.goto(f"{page_api.url}/")
    page.get_by_label("Search by file name").fill("wee")
    page.context.clear_cookies(name=COOKIE)
    page.get_by_role("button", name="Search").click()
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()

    sign_in_browser(page.context, page_api, token=page_api.issuer.token())
    dialog.get_by_role("button", name="I have signed in").click()
    expect(page.get_by_label("Search by file name")).to_have_value("wee")
    page.get_by_role("button", name="Search").click()

    page.wait_for_url("**/uploads/search")
    expect(page.get_by_role("link", name="week.csv", exact=True)).to_be_visible()


def test_times_are_the_readers_own_with_utc_beside(page_api: Api, browser: Browser) -> None:
    page_api.add_upload(now=datetime(2026, 3, 4, 15, 6, tzinfo=UTC))
    with watched_page(browser, timezone_id="America/Chicago", locale="en-US") as page:
        sign_in_browser(page.context, page_api, token=page_api.issuer.token())
        page.goto(f"{page_api.url}/")
        moment = page.locator("tbody time")
        expect(moment).to_have_attribute("title", "2026-03-04 15:06:00 UTC")
        expect(moment).to_contain_text("9:06")


def test_the_form_works_without_scripts(page_api: Api, browser: Browser) -> None:
    with watched_page(browser, java_script_enabled=False) as page:
        sign_in_browser(page.context, page_api, token=page_api.issuer.token())
        page.goto(f"{page_api.url}/uploads/new")
        _choose(page, BAD)
        page.get_by_role("button", name="Check the file").click()
        expect(page.locator("mark")).to_have_text("13/45/1988")
        _choose(page, GOOD)
        page.get_by_role("button", name="Upload and process").click()

        page.wait_for_url(AN_UPLOAD)
        assert _uploaded(page_api) == [GOOD.decode()]


def test_the_checker_finds_what_is_wrong(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    page.evaluate("document.querySelector('label[for=file]').remove()")
    page.evaluate("document.querySelector('h1').style.width = '900px'")

    assert any("#file" in found for found in violations(page))
    assert "H1." in lost_when_narrow(page)


def test_nothing_keeps_anybody_out_in_any_state_of_the_form(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    _choose(page, BAD)
    expect(page.locator("mark")).to_be_visible()
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    _choose(page, b"PK\x03\x04" + b"\0" * 99, "workbook.xlsx")
    expect(page.get_by_role("alert")).to_contain_text("This is an archive")
    assert violations(page) == []
    assert lost_when_narrow(page) == []


def test_nothing_keeps_anybody_out_of_the_list(page: Page, page_api: Api) -> None:
    page.goto(f"{page_api.url}/")
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    for status in UploadStatus:
        upload = page_api.add_upload(file_name=f"{'long name ' * 9}{status}.csv", total_rows=1200)
        counts = {"found_count": 700, "rejected_count": 3, "failed_count": 4}
        _set(page_api, upload, status, **counts, error_message="The payer refuses us.")
    page.goto(f"{page_api.url}/uploads?ordering=filename")
    assert violations(page) == []
    assert lost_when_narrow(page) == []
    page.get_by_label("Search by file name").fill("nothing has this name")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="No uploads match")).to_be_visible()
    assert "nothing" not in page.url
    assert violations(page) == []
