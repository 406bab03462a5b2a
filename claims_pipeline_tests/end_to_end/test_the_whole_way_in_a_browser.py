"""The whole way at the page, on a real stack: by mouse and by keys, at both kinds of realm."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline_tests.browser import watched_context
from claims_pipeline_tests.end_to_end.drops import dagster_settings
from claims_pipeline_tests.end_to_end.input_devices import Hand, Keyboard, Mouse
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.keycloak import PASSWORD, Keycloak
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.on_stack import StackApi
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS

# Keycloak may have to be fetched, and takes minutes to start on a busy machine.
pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(2400)]

_ENDS_WITHIN_MS = 900_000
# Long enough that a search for each row goes on while somebody looks for the button.
_ROWS = 20
_SLOW = [{"match": {"kind": "summary"}, "what": {"delay_s": 5.0}}]
_A_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{10,}")
_AN_UPLOAD = re.compile(r"/uploads/[0-9a-f-]{36}$")


@pytest.fixture
def stack(calm_stack: StackApi) -> StackApi:
    calm_stack.answer_after(0.0)
    return calm_stack


@pytest.fixture
def page_api(request: pytest.FixtureRequest, stack: StackApi, issuer: Issuer) -> Iterator[Api]:
    """The page on the stack, where people sign in at the kind of realm that the test names."""
    settings = {**stack.settings, **dagster_settings(stack.stack.dagster.url)}
    if request.param == "keycloak":
        keycloak: Keycloak = request.getfixturevalue("keycloak")
        realm = {**keycloak.imported.settings(), **PAGE_SETTINGS}
        with running_api(stack.stack.home, issuer, settings={**settings, **realm}) as api:
            yield api
    else:
        with (
            running_realm() as sandbox_realm,
            running_api(
                stack.stack.home, issuer, settings={**settings, **sandbox_realm.settings()}
            ) as api,
        ):
            yield api


@pytest.mark.parametrize(
    ("page_api", "kind"),
    [
        ("sandbox", Mouse),
        pytest.param("keycloak", Keyboard, marks=pytest.mark.keycloak),
    ],
    indirect=["page_api"],
)
def test_from_signing_in_to_signing_out(
    browser: Browser, stack: StackApi, page_api: Api, tmp_path: Path, kind: type[Hand]
) -> None:
    rows = _rows(stack.sandbox, _ROWS)
    with watched_context(browser, accept_downloads=True) as context:
        page = context.new_page()
        seen = _Seen(page, page_api, secrets=[row[0] for row in rows[1:]])
        hand = kind(page)
        _sign_in(hand, page_api, "analyst-a")
        _take_a_template(hand)
        _hand_in_what_is_wrong_then_what_is_corrected(hand, rows)
        first = _comes_to_be(page, "Done")
        _read_the_results(hand, rows)
        _download(hand, tmp_path, rows)
        _cancel_another_and_retry(hand, stack, rows)
        second = _comes_to_be(page, "Done")
        _sees_none_of_it(browser, page_api, [first, second])
        _sign_out(hand, page_api)
        seen.nothing_that_is_nobodys_business()
    for upload_id in (first, second):
        assert broken_promises(page_api.engine, page_api.files, upload_id) == []


class _Seen:
    """What a browser was shown, and what its scripts could read, page by page."""

    def __init__(self, page: Page, api: Api, *, secrets: list[str]) -> None:
        self._secrets = secrets
        self._addresses: list[str] = []
        self._readable: list[str] = []
        self._home = api.url
        page.on("request", lambda request: self._addresses.append(request.url))
        page.on("load", self._look)

    def _look(self, page: Page) -> None:
        if not page.url.startswith(self._home):
            return
        self._readable += page.evaluate(
            "[document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage),"
            " document.documentElement.outerHTML]"
        )

    def nothing_that_is_nobodys_business(self) -> None:
        """No token where scripts read, none and no patient's number in an address."""
        ours = [url for url in self._addresses if url.startswith(self._home)]
        assert len(ours) > 20
        assert len(self._readable) > 20
        assert not [text for text in self._readable if _A_TOKEN.search(text)]
        assert not [url for url in ours if _A_TOKEN.search(url)]
        assert not [url for url in ours for secret in self._secrets if secret in url]
        cookies = self._readable[::4]
        assert set(cookies) == {""}


def _rows(sandbox: Sandbox, number: int) -> list[list[str]]:
    """A header, and so many rows that the sandbox has the claims of."""
    content, sample = make_sample(sandbox, Shape.CLAIMS, number * 3)
    header, *rows = list(csv.reader(io.StringIO(content.decode())))
    found = [
        cells
        for cells, row in zip(rows, sample, strict=True)
        if row.outcome.value == "found" and cells[0]
    ]
    return [header, *found[:number]]


def _file(rows: list[list[str]], name: str) -> FilePayload:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return {"name": name, "mimeType": "text/csv", "buffer": text.getvalue().encode()}


def _sign_in(hand: Hand, api: Api, username: str) -> None:
    page = hand.page
    page.goto(f"{api.url}/")
    whom = page.get_by_role("button", name=username)
    expect(whom.or_(page.locator("input[name=username]"))).to_be_visible()
    if whom.count():
        hand.press(whom)
    else:
        hand.write(page.locator("input[name=username]"), username)
        if not page.locator("input[name=password]").is_visible():
            hand.press(page.locator("[type=submit]"))
        hand.write(page.locator("input[name=password]"), PASSWORD)
        hand.press(page.locator("[type=submit]"))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def _take_a_template(hand: Hand) -> None:
    page = hand.page
    hand.press(page.get_by_role("link", name="New upload").first)
    page.wait_for_url("**/uploads/new")
    with page.expect_download() as download:
        hand.press(page.get_by_role("link", name="Download a template for claim numbers"))
    content = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert content.startswith("claim_number,first_name,last_name,date_of_birth")


def _hand_in_what_is_wrong_then_what_is_corrected(hand: Hand, rows: list[list[str]]) -> None:
    page = hand.page
    wrong = [*rows, ["FH99999999", "Ada", "Example", "13/45/1988", *[""] * (len(rows[0]) - 4)]]
    hand.hand_in(page.locator("#file"), _file(wrong, "march.csv"))
    heading = page.get_by_role("heading", name=f"1 of {len(rows)} rows cannot be asked")
    expect(heading).to_be_visible()
    expect(page.locator("mark")).to_have_text("13/45/1988")
    hand.hand_in(page.locator("#file"), _file(rows, "march.csv"))
    all_of_them = f"{len(rows) - 1} rows"
    expect(page.get_by_role("heading", name=f"All {all_of_them} can be asked")).to_be_visible()
    hand.press(page.get_by_role("button", name=f"Upload and process {all_of_them}"))
    page.wait_for_url(_AN_UPLOAD)
    expect(page.get_by_role("heading", level=1)).to_have_text("march.csv")


def _comes_to_be(page: Page, word: str) -> str:
    """Watch an upload until the page says this by itself; the upload's id."""
    expect(page.locator("#standing .badge")).to_have_text(word, timeout=_ENDS_WITHIN_MS)
    return page.url.rpartition("/")[2]


def _read_the_results(hand: Hand, rows: list[list[str]]) -> None:
    page = hand.page
    hand.press(page.get_by_role("link", name="Results", exact=True))
    hand.choose(page.get_by_label("Outcome"), "Found")
    page.keyboard.press("Tab")  # a list that is chosen from by keys acts when it is left
    page.wait_for_url("**/results?outcome=found")
    expect(page.get_by_text(f"of {len(rows) - 1} rows", exact=False).first).to_be_visible()
    hand.write(page.get_by_label("Name or number"), rows[3][0])
    hand.press(page.get_by_role("button", name="Show", exact=True))
    expect(page.get_by_text("1–1 of 1 rows")).to_be_visible()
    summary = page.locator("summary[aria-controls]")
    hand.press(summary)
    expect(page.locator(".claim").first).to_be_visible()
    hand.press(page.get_by_role("link", name="Overview"))
    expect(page.get_by_role("heading", name="What to do next")).to_be_visible()


def _download(hand: Hand, folder: Path, rows: list[list[str]]) -> None:
    with hand.page.expect_download() as download:
        hand.press(hand.page.get_by_role("link", name="Excel"))
    assert download.value.suggested_filename == "march.results.xlsx"
    saved = folder / "march.xlsx"
    download.value.save_as(saved)
    sheet = openpyxl.load_workbook(saved, read_only=True)["Claims"]
    (header, *lines) = sheet.iter_rows(values_only=True)
    primary = header.index("primary")
    assert sum(line[primary] == "Y" for line in lines) == len(rows) - 1


def _cancel_another_and_retry(hand: Hand, stack: StackApi, rows: list[list[str]]) -> None:
    sandbox = stack.sandbox
    page = hand.page
    hand.press(page.get_by_role("link", name="New upload"))
    page.wait_for_url("**/uploads/new")
    hand.tick(page.get_by_label("One search for each row"))
    sandbox.set_faults(_SLOW)
    asked_before = sandbox.calls()["summary"]
    try:
        hand.hand_in(page.locator("#file"), _file(rows, "april.csv"))
        hand.press(page.get_by_role("button", name=f"Upload and process {len(rows) - 1} rows"))
        page.wait_for_url(_AN_UPLOAD)
        stack.wait_until(lambda: sandbox.calls()["summary"] > asked_before, what="the first call")
        hand.press(page.get_by_role("link", name="Cancel"))
        asked = page.get_by_role("dialog", name="Cancel this upload?")
        hand.press(asked.get_by_role("button", name="Cancel the upload"))
        _comes_to_be(page, "Cancelled")
    finally:
        sandbox.reset()
    retry = page.get_by_role("link", name="Retry failed")
    expect(retry).to_be_visible()
    # The page came anew with the end, and its script makes the link a dialog's.
    page.wait_for_load_state()
    hand.press(retry)
    asked = page.get_by_role("dialog", name=re.compile(r"Ask \d+ rows? again"))
    hand.press(asked.get_by_role("button", name=re.compile(r"Ask \d+ rows? again")))
    expect(page.get_by_role("link", name="attempt 2")).to_be_visible()


def _sees_none_of_it(browser: Browser, api: Api, upload_ids: list[str]) -> None:
    """Somebody of another organization, in a browser of their own."""
    with watched_context(browser) as context:
        page = context.new_page()
        _sign_in(Mouse(page), api, "analyst-b")
        expect(page.get_by_text("march.csv")).to_have_count(0)
        for upload_id in upload_ids:
            answer = page.goto(f"{api.url}/uploads/{upload_id}")
            assert answer is not None
            assert answer.status == 404
            expect(page.get_by_text("march.csv")).to_have_count(0)


def _sign_out(hand: Hand, api: Api) -> None:
    page = hand.page
    hand.press(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    assert [cookie for cookie in page.context.cookies(api.url) if "session" in cookie["name"]] == []
    page.goto(f"{api.url}/uploads")
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
