"""Handing in a file at the page: the form, its check, the upload; with and without a script."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from claims_pipeline.store import audit
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.session.sessions import (
    COOKIE,
    client_with_cookie,
    signed_in_client,
)
from claims_pipeline_tests.upload_api.receiving.forms import CSV, half_sent, multipart, stored_files

BY_SCRIPT = {"X-Requested-With": "claims-page"}
HEADER = b"claim_number,first_name,last_name,date_of_birth,note\n"
GOOD = b"FH00000001,Ada,Example,05/10/1975,x\n"
MARKUP = b"FH00000002,<script>alert(1)</script>,Example,13/45/1988,<b>y</b>\n"


@pytest.fixture
def client(page_api: Api) -> Iterator[requests.Session]:
    """The demo organization's analyst at a browser."""
    with signed_in_client(page_api, token=page_api.issuer.token()) as signed_in:
        yield signed_in


def _post(
    client: requests.Session,
    api: Api,
    path: str,
    content: bytes = CSV,
    *,
    file_name: str = "worklist.csv",
    headers: dict[str, str] | None = None,
    **fields: str,
) -> requests.Response:
    return client.post(
        f"{api.url}{path}",
        files={"file": (file_name, content, "text/csv")},
        data=fields,
        headers=headers,
        allow_redirects=False,
        timeout=60,
    )


def _count(api: Api) -> int:
    return list_uploads(api.engine, organization_id=ORGANIZATION).total


@pytest.mark.parametrize("path", ["/uploads", "/uploads/verify"])
@pytest.mark.parametrize("cookie", [None, f"{COOKIE}={'A' * 43}"])
def test_the_body_of_somebody_unknown_is_not_waited_for(
    page_api: Api, path: str, cookie: str | None
) -> None:
    begun = multipart(('name="file"; filename="a.csv"', CSV), end=False)
    headers = {"Origin": page_api.url, **BY_SCRIPT, **({"Cookie": cookie} if cookie else {})}
    with half_sent(
        page_api, None, announced=10_000_000, sent=begun, headers=headers, path=path
    ) as connection:
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert stored_files(page_api) == []


def test_the_form_tells_its_limits_before_a_file_is_chosen(
    page_api: Api, client: requests.Session
) -> None:
    html = client.get(f"{page_api.url}/uploads/new").text

    assert "up to 100 MB and 1,000,000 rows" in html
    assert "UnitedHealthcare" in html
    assert "Sample Family Practice 1" in html
    assert 'enctype="multipart/form-data"' in html


def test_a_check_shows_rows_as_they_stand_with_their_faults_marked(
    page_api: Api, client: requests.Session
) -> None:
    answer = _post(
        client, page_api, "/uploads/verify", HEADER + GOOD + MARKUP + GOOD, headers=BY_SCRIPT
    )

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert found["accepted"] == 2
    html = found["html"]
    assert "1 of 3 rows cannot be asked" in html
    assert "<mark>13/45/1988</mark>" in html
    assert "There is no such day." in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in html
    assert "1 repeats another row" in html
    assert "Calls to the payer" in html


def test_a_check_keeps_nothing_and_asks_nothing(page_api: Api, client: requests.Session) -> None:
    _post(client, page_api, "/uploads/verify", HEADER + GOOD)

    assert stored_files(page_api) == []
    assert _count(page_api) == 0
    [entry] = audit.list_entries(page_api.engine, organization_id=ORGANIZATION)
    assert (entry.action, entry.upload_id) == ("verify", None)


def test_without_a_script_a_check_is_a_page_that_keeps_the_choices(
    page_api: Api, client: requests.Session
) -> None:
    answer = _post(
        client,
        page_api,
        "/uploads/verify",
        HEADER + MARKUP,
        use_batch_query="false",
        detail_level="full",
        start_date="2026-10-01",
    )

    assert answer.status_code == 200
    assert "<mark>13/45/1988</mark>" in answer.text
    assert "choose it once more" in answer.text
    assert re.search(r'value="false" checked', answer.text)
    assert re.search(r'value="full" checked', answer.text)
    assert 'value="2026-10-01"' in answer.text


@pytest.mark.parametrize("headers", [{}, BY_SCRIPT])
def test_a_file_of_another_kind_is_refused_in_words(
    page_api: Api, client: requests.Session, headers: dict[str, str]
) -> None:
    archive = b"PK\x03\x04" + b"\0" * 200

    checked = _post(client, page_api, "/uploads/verify", archive, headers=headers)
    sent = _post(client, page_api, "/uploads", archive, headers=headers)

    assert checked.status_code == 200
    assert "This is an archive" in checked.text
    assert sent.status_code == 422
    assert "This is an archive" in sent.text
    assert stored_files(page_api) == []
    assert _count(page_api) == 0


def test_a_field_that_is_wrong_leads_back_to_the_form(
    page_api: Api, client: requests.Session
) -> None:
    for address in ("/uploads", "/uploads/verify"):
        answer = _post(
            client,
            page_api,
            address,
            start_date="2026-02-01",
            end_date="2026-01-01",
            detail_level="full",
        )

        assert answer.status_code == 422
        assert 'id="upload"' in answer.text
        assert 'role="alert"' in answer.text
        # What was chosen is still chosen.
        assert 'value="2026-02-01"' in answer.text
        assert re.search(r'value="full" checked', answer.text)
    assert _count(page_api) == 0


def test_an_upload_leads_to_its_own_page(page_api: Api, client: requests.Session) -> None:
    plain = _post(client, page_api, f"/uploads?submission={uuid4()}", use_batch_query="false")
    scripted = _post(
        client, page_api, "/uploads", headers={**BY_SCRIPT, "Idempotency-Key": "b" * 32}
    )

    assert plain.status_code == 303
    assert (scripted.status_code, set(scripted.json())) == (201, {"location"})
    found = list_uploads(page_api.engine, organization_id=ORGANIZATION, ordering="created_at")
    assert [f"/uploads/{upload.id}" for upload in found.uploads] == [
        plain.headers["Location"],
        scripted.json()["location"],
    ]
    assert found.uploads[0].use_sweeps is False
    assert found.uploads[1].use_sweeps is True


def test_a_form_that_is_sent_twice_makes_one_upload(
    page_api: Api, client: requests.Session
) -> None:
    html = client.get(f"{page_api.url}/uploads/new").text
    [action] = re.findall(r'action="(/uploads\?submission=[^"]+)"', html)
    cookie = client.cookies[COOKIE]

    def send(_number: int) -> int:
        with client_with_cookie(page_api, cookie) as browser:
            return _post(browser, page_api, action).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(send, range(4)))

    assert 303 in statuses
    assert set(statuses) <= {303, 409}
    assert _count(page_api) == 1
    again = _post(client, page_api, action)
    assert again.status_code == 303
    assert _count(page_api) == 1


def test_another_site_can_hand_in_nothing(page_api: Api, client: requests.Session) -> None:
    for path in ("/uploads", "/uploads/verify", "/uploads/search"):
        answer = _post(client, page_api, path, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403
    assert _count(page_api) == 0


def test_who_has_no_role_is_told_so(page_api: Api) -> None:
    token = page_api.issuer.token(roles=["claims-auditor"])
    with signed_in_client(page_api, token=token) as auditor:
        answer = _post(auditor, page_api, "/uploads")
    assert answer.status_code == 403
    assert "role of an analyst or operator" in answer.text


CARE = b"First Name,Last Name,DOB,Dates of Care\nAda,Example,05/10/1975,10/05/2026\n"


def test_a_column_in_doubt_can_be_decided_at_the_page(
    page_api: Api, client: requests.Session
) -> None:
    asked = _post(client, page_api, "/uploads/verify", CARE, headers=BY_SCRIPT).json()["html"]
    assert '<details class="columns" open>' in asked
    assert 'name="map:Dates of Care"' in asked
    assert "not read; <code>first_service_date</code>?" in asked

    fields = {"map:Dates of Care": "first_service_date", "map:DOB": ""}
    decided = _post(client, page_api, "/uploads/verify", CARE, headers=BY_SCRIPT, **fields).json()
    assert decided["accepted"] == 1
    assert '<option value="first_service_date" selected>' in decided["html"]

    assert _post(client, page_api, "/uploads", CARE).status_code == 422
    assert _post(client, page_api, "/uploads", CARE, **fields).status_code == 303
    assert _post(client, page_api, "/uploads", CARE).status_code == 303


def test_lines_that_are_no_rows_are_listed_at_the_page(
    page_api: Api, client: requests.Session
) -> None:
    content = b"Aging\n" + HEADER + GOOD + b"Total:,1,,,\n"
    html = _post(client, page_api, "/uploads/verify", content, headers=BY_SCRIPT).json()["html"]
    assert "2 lines left out that are no rows" in html
    assert "<li>Line 4: total</li>" in html


def test_a_file_of_which_no_row_can_be_asked_offers_all_its_errors(
    page_api: Api, client: requests.Session
) -> None:
    content = HEADER + MARKUP * 150
    html = _post(client, page_api, "/uploads/verify", content, headers=BY_SCRIPT).json()["html"]
    assert "Download all 150 rows with errors" in html
    answer = _post(client, page_api, "/uploads/verify/rejected", content)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.content.decode("utf-8-sig").count("date_impossible") == 150
    assert stored_files(page_api) == []


def test_errors_are_counted_by_kind_and_each_faulty_cell_is_marked(
    page_api: Api, client: requests.Session
) -> None:
    twice_wrong = b"FH00000003,,Example,13/45/1988,z\n"
    content = HEADER + GOOD + MARKUP * 120 + twice_wrong
    html = _post(client, page_api, "/uploads/verify", content, headers=BY_SCRIPT).json()["html"]
    many = "<strong>120 rows</strong> · <strong>date_of_birth</strong>: There is no such day."
    assert many in html
    assert "<strong>1 row</strong> · <strong>first_name</strong>" in html
    assert "Download all 121 rows with errors" in html

    few = _post(client, page_api, "/uploads/verify", HEADER + twice_wrong, headers=BY_SCRIPT)
    assert few.json()["html"].count("<mark>") == 2


def test_a_file_that_was_handed_in_before_is_named_at_its_check(
    page_api: Api, client: requests.Session
) -> None:
    mine = page_api.add_upload(HEADER + GOOD, file_name="monday.csv")
    page_api.add_upload(HEADER + GOOD, file_name="theirs.csv", user_id="analyst-2")
    html = _post(client, page_api, "/uploads/verify", HEADER + GOOD, headers=BY_SCRIPT).json()[
        "html"
    ]
    assert f'<a href="/uploads/{mine.id}">monday.csv</a>' in html
    assert "theirs.csv" not in html
    other = _post(client, page_api, "/uploads/verify", HEADER + MARKUP, headers=BY_SCRIPT)
    assert "The same file was uploaded" not in other.json()["html"]
