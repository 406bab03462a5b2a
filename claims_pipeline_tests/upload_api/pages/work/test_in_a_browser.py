"""The pages of followed claims in a real browser: by keyboard, for everybody, narrow too."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline_tests.accessibility import lost_when_narrow, violations
from claims_pipeline_tests.store.tracked.builders import NOW, Row, follow, tracked
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import sign_in_browser
from claims_pipeline_tests.upload_api.pages.work.test_work_page import denied

pytestmark = pytest.mark.browser

DOUBTFUL = Row(
    person="DOUBT",
    outcome=Outcome.AMBIGUOUS,
    claims=(("FH00000071", ClaimStatus.PENDING), ("FH00000072", ClaimStatus.DENIED)),
)


def _fill(api: Api) -> None:
    waiting = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PENDING),))
    follow(api.engine, *(denied(number, 100 * number + 50) for number in range(5)), waiting)
    follow(api.engine, DOUBTFUL)
    paid = Row(person="WAITING", claims=(("FH00000009", ClaimStatus.PAID),))
    follow(api.engine, paid, checked_at=NOW + timedelta(days=14))


def test_claims_are_chosen_and_changed_by_keyboard_alone(browser_page: Page, page_api: Api) -> None:
    _fill(page_api)
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.goto(f"{page_api.url}/work")
    boxes = browser_page.get_by_role("checkbox", name="Choose EXAMPLE")
    boxes.first.focus()
    browser_page.keyboard.press("Space")
    browser_page.keyboard.press("ArrowDown")
    browser_page.keyboard.press("ArrowDown")
    browser_page.keyboard.press("Shift+Space")
    expect(browser_page.locator("#chosen")).to_have_text("With the 3 chosen:")
    button = browser_page.get_by_role("button", name="Assign to me")
    button.focus()
    browser_page.keyboard.press("Enter")
    expect(browser_page.get_by_role("cell", name="you", exact=True)).to_have_count(3)
    assert len([claim for claim in tracked(page_api.engine) if claim.owner]) == 3

    browser_page.get_by_role("checkbox", name="Choose all claims of this page").check()
    browser_page.get_by_role("button", name="Mark as done").click()
    expect(browser_page.get_by_role("heading", name="No work")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/work", "/work?with_done=true&owner=me", "/work/changes", "/work/denials"]
)
def test_everybody_can_read_the_pages(browser_page: Page, page_api: Api, path: str) -> None:
    _fill(page_api)
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.goto(f"{page_api.url}{path}")
    assert violations(browser_page) == []
    assert lost_when_narrow(browser_page) == []


def test_everybody_can_read_and_decide_a_claim_in_doubt(browser_page: Page, page_api: Api) -> None:
    _fill(page_api)
    [claim] = [each for each in tracked(page_api.engine) if each.status == "ambiguous"]
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.goto(f"{page_api.url}/work/{claim.id}")
    assert violations(browser_page) == []
    assert lost_when_narrow(browser_page) == []
    browser_page.get_by_role("radio", name="FH00000072").check()
    browser_page.get_by_role("button", name="Keep this choice").click()
    expect(browser_page.get_by_text("Denied", exact=True).first).to_be_visible()
    browser_page.get_by_role("textbox", name="Note").fill("Called them.")
    browser_page.get_by_role("button", name="Save").click()
    expect(browser_page.get_by_text("Called them.")).to_be_visible()
    assert violations(browser_page) == []
