"""Exports as further systems write them, handed in by the page: what is left to do by hand.

The files are made up after public descriptions of reports; nobody's data. Days stand in them as
fields of a format, since what lies too far back cannot be asked.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.session.sessions import sign_in_browser

pytestmark = pytest.mark.browser

EXPORTS = Path(__file__).parent / "exports"
TIN = "070000001"


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file, what a person has to decide about its columns, and what the page then says."""

    name: str
    asked: int
    said: str
    decided: tuple[tuple[str, str], ...] = ()


BY_HAND = (
    Export(
        name="dental_outstanding_claims.txt",
        # Its clinics are rooms of one practice, under names that only this system knows.
        decided=(("Clinic", "ignore"),),
        asked=2,
        said="1 of 3 rows cannot be asked",
    ),
    Export(
        name="therapy_unpaid_appointments.csv",
        # The day of the session, and it might be any day.
        decided=(("Date", "first_service_date"),),
        asked=2,
        said="1 of 3 rows cannot be asked",
    ),
    Export(name="crm_claim_headers.csv", asked=2, said="All 2 rows can be asked"),
    Export(name="anesthesia_follow_up.csv", asked=2, said="All 2 rows can be asked"),
    Export(name="hospital_work_queue.csv", asked=2, said="All 2 rows can be asked"),
)


@pytest.fixture
def page(browser_page: Page, page_api: Api) -> Page:
    """An analyst's tab, signed in."""
    sign_in_browser(browser_page.context, page_api, token=page_api.issuer.token())
    browser_page.set_viewport_size({"width": 1280, "height": 900})
    return browser_page


def _content(name: str) -> bytes:
    today = date.today()  # noqa: DTZ011 - any day near today will do
    text = (EXPORTS / name).read_bytes().decode()
    return text.format(visit=today - timedelta(days=40), printed=today, tin=TIN).encode()


@pytest.mark.parametrize("export", BY_HAND, ids=lambda export: export.name)
def test_an_export_is_asked_with_no_more_by_hand_than_these_decisions(
    page: Page, page_api: Api, export: Export
) -> None:
    page.goto(f"{page_api.url}/uploads/new")
    chosen: FilePayload = {
        "name": export.name,
        "mimeType": "text/csv",
        "buffer": _content(export.name),
    }
    page.get_by_label("File", exact=True).set_input_files(chosen)
    columns = page.locator("details.columns")
    for header, column in export.decided:
        if columns.get_attribute("open") is None:
            columns.locator("summary").click()
        page.get_by_label(f"What {header} is").select_option(column)
    if export.decided:
        page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("heading", name=export.said)).to_be_visible()
    page.get_by_role("button", name=f"Upload and process {export.asked} rows").click()
    page.wait_for_url("**/uploads/*-*-*")

    [upload] = list_uploads(page_api.engine, organization_id=ORGANIZATION).uploads
    assert upload.file_name == export.name
