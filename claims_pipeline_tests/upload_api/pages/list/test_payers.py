"""The page of payers and practices: what it shows, and to whom it is open."""

import pytest
from playwright.sync_api import Page, expect

from claims_pipeline.model import ListedPayer
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.accessibility import lost_when_narrow, violations
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.session.sessions import sign_in_browser

pytestmark = pytest.mark.browser


def test_payers_are_shown_with_what_can_be_asked_and_offered_in_the_form(
    browser_page: Page, page_api: Api
) -> None:
    uhc = ListedPayer(payer="uhc", payer_id="87726", name="UnitedHealthcare", channel="uhc")
    west = ListedPayer(
        payer="west", payer_id="WEST1", name="<b>West</b> Plan", aliases=("WP",), channel="portal"
    )
    save_payers(page_api.engine, ORGANIZATION, [uhc, west])
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())

    browser_page.goto(f"{page_api.url}/uploads")
    browser_page.get_by_role("link", name="Payers").click()

    table = browser_page.get_by_role("region", name="Payers")
    expect(table.get_by_role("row", name="UnitedHealthcare")).to_contain_text("uhc")
    expect(table.get_by_role("row", name="<b>West</b> Plan")).to_contain_text("not connected yet")
    expect(browser_page.get_by_role("region", name="Practices")).to_contain_text("070000001")
    assert violations(browser_page) == []
    assert lost_when_narrow(browser_page) == []

    browser_page.goto(f"{page_api.url}/uploads/new")
    offered = browser_page.get_by_label("Payer", exact=True).locator("option")
    expect(offered).to_have_text(["UnitedHealthcare", "As the file says"])
