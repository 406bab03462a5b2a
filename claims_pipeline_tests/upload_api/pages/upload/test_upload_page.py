"""The page of one upload, over real HTTP: what it shows, to whom, in every state."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline_tests.store.builders import Runs, store_rows
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.readers import Reader, words_of
from claims_pipeline_tests.upload_api.pages.session.sessions import client_with_cookie
from claims_pipeline_tests.upload_api.pages.uploads import (
    HOSTILE_NAME,
    HOSTILE_TEXT,
    MadeUpload,
    cancelled_upload,
    done_upload,
    failed_upload,
    pending_upload,
    running_upload,
    waiting_upload,
)

_TABS = ("", "/results", "/rejected", "/attempts")


@pytest.fixture
def page_api(shared_page_api: Api) -> Api:
    return shared_page_api


@pytest.fixture
def reader(page_api: Api) -> Reader:
    return Reader(page_api)


def _inline(html: str) -> list[str]:
    """Style and script that stand in the markup itself, which the policy would not run."""
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names = {name for name, _value in attrs}
            if tag == "style" or (tag == "script" and "src" not in names):
                found.append(tag)
            found.extend(name for name in names if name == "style" or name.startswith("on"))

    Parser().feed(html)
    return found


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pending_upload, ["Waiting to start", "No answers yet", "Cancel"]),
        (running_upload, ["Asking the payer", "13 of 14 rows", "Still to ask 1", "Cancel"]),
        (waiting_upload, ["Waiting for the payer", "Nothing is lost", "Next try:"]),
        (done_upload, ["Done", "14 of 14 rows", "What to do next", "Retry failed", "Delete"]),
        (cancelled_upload, ["Cancelled", "13 of 14 rows", "Not asked 1", "Retry failed"]),
        (failed_upload, ["Failed", "Correct the file and upload it again.", "columns_missing"]),
    ],
    ids=["pending", "running", "waiting", "done", "cancelled", "failed"],
)
def test_every_state_is_told_in_words(
    page_api: Api,
    reader: Reader,
    make: Callable[[Api], MadeUpload],
    said: list[str],
) -> None:
    upload_id = make(page_api).id
    for tab in _TABS:
        answer = reader.get(f"/uploads/{upload_id}{tab}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert _inline(answer.text) == []
    words = reader.words(f"/uploads/{upload_id}")
    for sentence in said:
        assert sentence in words


def test_markup_of_a_file_and_of_the_payer_is_text(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    for tab in (*_TABS, "/change/delete"):
        html = reader.page(f"/uploads/{made.id}{tab}")
        assert HOSTILE_NAME not in html
        assert HOSTILE_TEXT not in html
        assert HOSTILE_NAME in unescape(html)
    assert HOSTILE_TEXT in unescape(reader.page(f"/uploads/{made.id}"))
    assert unescape(reader.page(f"/uploads/{made.id}/results")).count(HOSTILE_TEXT) >= 3
    running = running_upload(page_api)
    assert HOSTILE_NAME not in reader.get(f"/uploads/{running.id}/progress").text


@pytest.mark.parametrize(
    "path",
    [
        *_TABS,
        "/progress",
        "/events",
        "/results.xlsx",
        "/results.csv",
        "/rejected.csv",
        "/change/delete",
    ],
)
def test_an_upload_out_of_reach_is_one_that_is_not_there(page_api: Api, path: str) -> None:
    foreign = page_api.add_upload(organization_id=OTHER_ORGANIZATION, user_id="analyst-1")
    of_a_colleague = page_api.add_upload(user_id="analyst-2")
    reader = Reader(page_api)
    same_id = {"X-Request-ID": "0" * 32}
    bodies = set()
    for upload_id in (str(uuid4()), foreign.id, of_a_colleague.id):
        answer = reader.get(f"/uploads/{upload_id}{path}", headers=same_id)
        assert answer.status_code == 404
        bodies.add(answer.content.replace(upload_id.encode(), b"ID"))
    assert len(bodies) == 1


def test_an_operator_sees_what_a_colleague_uploaded(page_api: Api) -> None:
    made = done_upload(page_api, user_id="analyst-2")
    operator = Reader(page_api, sub="operator-1", realm_access={"roles": ["claims-operator"]})
    assert "What to do next" in operator.page(f"/uploads/{made.id}")
    assert operator.post(f"/uploads/{made.id}/change/delete").status_code == 303


def test_who_is_not_signed_in_is_led_to_sign_in_and_back(page_api: Api) -> None:
    made = done_upload(page_api)
    stranger = client_with_cookie(page_api, None)
    answer = stranger.get(f"{page_api.url}/uploads/{made.id}", allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")
    assert made.id in answer.headers["Location"]
    # The cookie of a session, and nothing else, opens the page: a token of the API does not.
    token = page_api.issuer.token(sub="analyst-1")
    with_token = page_api.get(f"/uploads/{made.id}", token=token)
    assert with_token.status_code == 303


def test_amounts_on_the_page_are_those_of_the_results_file(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    answer = reader.get(f"/uploads/{made.id}/results.csv")
    lines = [
        line
        for line in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        if line["outcome"] == "found" and not line["same_claim_as_row"]
    ]
    sums = {
        column: sum((Decimal(line[column] or 0) for line in lines), Decimal(0))
        for column in ("total_charged", "total_allowed", "total_paid")
    }
    words = reader.words(f"/uploads/{made.id}")
    shown = re.search(rf"All {len(lines)} \$([\d,.]+) \$([\d,.]+) \$([\d,.]+)", words)
    assert shown
    assert [Decimal(text.replace(",", "")) for text in shown.groups()] == list(sums.values())


def test_each_group_of_the_worklist_leads_to_its_rows(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    html = reader.page(f"/uploads/{made.id}")
    links = re.findall(r'<a href="([^"]+)">Appeal with the authorization', html)
    assert links
    (address,) = links
    table = reader.words(unescape(address))
    assert "1–2 of 2 rows" in table
    assert table.index("FH00000005") < table.index("FH00000004")  # the larger amount first


def test_what_is_missing_at_the_payer_stands_apart_from_what_could_not_be_asked(
    page_api: Api, reader: Reader
) -> None:
    made = done_upload(page_api)
    words = reader.words(f"/uploads/{made.id}")
    assert "Not found at the payer 1" in words
    assert "Could not ask 2 The payer gave no answer" in words
    for code in ("payer_unavailable", "payer_id_refused"):
        assert f"({code}) 1" in words


def test_a_row_shows_its_claims_with_codes_and_payments(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    words = reader.words(f"/uploads/{made.id}/results")
    for told in (
        "FH00000001",
        "FH0000009",
        "main claim",
        "The first name is written in another form.",
        "EFT0001",
        "Made-up reason",
        "F1 / 65",
        "ROWAN SAMPLE",
        "Only the claim number matches",
    ):
        assert told in words


def test_rejected_rows_say_where_and_what_to_do(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    words = reader.words(f"/uploads/{made.id}/rejected")
    assert "13 14 date_of_birth Fill in the date of birth. value_missing Ada · Example" in words


def test_attempts_are_told_with_what_each_answered(page_api: Api, reader: Reader) -> None:
    made = cancelled_upload(page_api)
    assert reader.post(f"/uploads/{made.id}/change/retry-failed").status_code == 303
    words = reader.words(f"/uploads/{made.id}/attempts")
    assert "2 Rows that failed Waiting to start" in words
    assert "1 All rows Cancelled" in words
    assert "7 found" in words
    assert made.hold.run_id[:8] in words


def test_a_search_stands_in_no_address(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    found = reader.post(
        f"/uploads/{made.id}/results", data={"search": "example3", "order": "largest"}
    )
    assert found.status_code == 303
    assert found.headers["Location"] == f"/uploads/{made.id}/results?order=largest&searched=True"
    html = reader.page(found.headers["Location"])
    assert "1–1 of 1 rows" in words_of(html)
    assert not re.findall(r'(?:href|action)="[^"]*example3', html)
    # What an address may tell gets one.
    told = reader.post(
        f"/uploads/{made.id}/results",
        data={"search": "  ", "outcome": "found", "claim_status": "PAID", "next_action": ""},
    )
    assert told.status_code == 303
    assert told.headers["Location"] == (
        f"/uploads/{made.id}/results?outcome=found&claim_status=PAID"
    )
    assert "1–2 of 2 rows" in reader.words(told.headers["Location"])


def test_a_search_is_kept_in_the_session_so_that_its_pages_and_going_back_are_addresses(
    page_api: Api, reader: Reader
) -> None:
    made = page_api.add_upload()
    hold = Runs(engine=page_api.engine, upload_id=made.id).held(str(uuid4()))
    store_rows(page_api.engine, hold, accepted=60)
    first = reader.post(f"/uploads/{made.id}/results", data={"search": "example"})
    assert first.status_code == 303
    words = reader.words(first.headers["Location"])
    assert "1–25 of 60 rows" in words
    assert "26–50 of 60 rows" in reader.words(f"{first.headers['Location']}&page=2")
    other = page_api.add_upload()
    assert "No rows" in reader.words(f"/uploads/{other.id}/results?searched=true")


def test_an_address_that_makes_no_sense_shows_the_first_page(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    for query in ("page=0", "outcome=x", "page=9x", "next_action=%3Cscript%3E", "order=../.."):
        assert "1–14 of 14 rows" in reader.words(f"/uploads/{made.id}/results?{query}")
    beyond = reader.words(f"/uploads/{made.id}/results?page=99")
    assert "No rows" in beyond


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_downloads_are_those_of_the_api(page_api: Api, reader: Reader, ending: str) -> None:
    made = running_upload(page_api)
    ours = reader.get(f"/uploads/{made.id}/results.{ending}")
    theirs = page_api.get(
        f"/api/v1/claims/csv-jobs/{made.id}/download_results/?format={ending}",
        token=page_api.issuer.token(sub="analyst-1"),
    )
    assert ours.status_code == 200
    assert ours.headers["Content-Disposition"] == theirs.headers["Content-Disposition"]
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    assert ours.headers["Cache-Control"] == "no-store"
    if ending == "csv":
        assert ours.content == theirs.content
        assert ours.text.count(f",{Outcome.UNPROCESSED.value},") == 1


def test_rejected_rows_are_downloaded_to_be_corrected(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    answer = reader.get(f"/uploads/{made.id}/rejected.csv")
    assert "error_message" in answer.content.decode("utf-8-sig").splitlines()[0]
    assert answer.text.count("value_missing") == 2


def test_the_cookie_of_the_page_opens_nothing_of_the_api(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    assert reader.get(f"/api/v1/claims/csv-jobs/{made.id}/").status_code == 401


@pytest.mark.parametrize("code", ["auth", "http_404"])
def test_what_no_analyst_can_correct_is_sent_to_those_who_can(
    page_api: Api, reader: Reader, code: str
) -> None:
    made = running_upload(page_api)
    made.end(UploadStatus.FAILED, error_code=code, error_message="The payer does not let us in.")
    assert "Ask the people who run this service" in reader.words(f"/uploads/{made.id}")


def test_a_payer_that_is_not_set_up_is_told_to_each_as_they_can_help(
    page_api: Api, reader: Reader
) -> None:
    made = running_upload(page_api)
    message = "CLAIMS_UHC_API_URL is not set."
    made.end(UploadStatus.FAILED, error_code="setting_missing", error_message=message)
    operator = Reader(page_api, sub="operator-1", roles=["claims-operator"])
    for place in ("/uploads", f"/uploads/{made.id}"):
        assert "The payer is not set up in this service yet." in reader.words(place)
        assert message in operator.words(place)
    assert message not in reader.words("/uploads")
    assert "docs/settings.md" in operator.words(f"/uploads/{made.id}")


def test_only_operators_are_led_to_runs(page_api: Api, reader: Reader) -> None:
    made = done_upload(page_api)
    operator = Reader(page_api, sub="operator-1", roles=["claims-operator"])
    link = f'/runs/{made.hold.run_id}"'
    assert link not in reader.page(f"/uploads/{made.id}/attempts")
    assert link in operator.page(f"/uploads/{made.id}/attempts")


def test_an_address_that_leads_nowhere_keeps_the_navigation(page_api: Api, reader: Reader) -> None:
    for place in ("/nothing", f"/uploads/{uuid4()}"):
        answer = reader.get(place)
        assert answer.status_code == 404
        assert 'aria-label="Main"' in answer.text
    assert 'aria-label="Main"' not in page_api.get("/nothing").text


def test_an_upload_with_rows_that_were_not_asked_is_not_simply_done(
    page_api: Api, reader: Reader
) -> None:
    page = reader.page(f"/uploads/{done_upload(page_api).id}")
    assert '<span class="badge warn">' in page
    assert "Done, 4 rows not asked" in page
