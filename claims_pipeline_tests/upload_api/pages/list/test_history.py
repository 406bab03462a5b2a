"""The list of uploads over HTTP: what it shows to whom, and what stands in no address."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import update

from claims_pipeline.model import UploadStatus
from claims_pipeline.store.tables import uploads
from claims_pipeline.upload_api.pages.list.list_view import PAGE_SIZE
from claims_pipeline_tests.upload_api.api import OTHER_ORGANIZATION, Api
from claims_pipeline_tests.upload_api.pages.session.sessions import signed_in_client

MARKUP = '<img src=x onerror=alert(1)> & "quoted".csv'
_FILE_NAME = re.compile(r'<a class="file-name" href="/uploads/([^"]+)">([^<]*)</a>')


@pytest.fixture
def client(page_api: Api) -> Iterator[requests.Session]:
    """The demo organization's analyst at a browser."""
    with signed_in_client(page_api, token=page_api.issuer.token()) as signed_in:
        yield signed_in


def _shown(html: str) -> list[str]:
    return [name for _id, name in _FILE_NAME.findall(html)]


def _set_status(api: Api, upload_id: str, status: UploadStatus, **counts: int) -> None:
    with api.engine.begin() as connection:
        connection.execute(
            update(uploads).where(uploads.c.id == upload_id).values(status=status, **counts)
        )


def test_anonymous_people_are_led_to_the_sign_in(page_api: Api) -> None:
    for path in ("/", "/uploads", "/uploads/new", "/templates/claims.csv"):
        answer = page_api.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in")


def test_an_empty_list_teaches_how_to_begin(page_api: Api, client: requests.Session) -> None:
    html = client.get(f"{page_api.url}/").text

    assert "/uploads/new" in html
    for shape in ("claims", "patients", "practices"):
        assert f"/templates/{shape}.csv" in html
        template = client.get(f"{page_api.url}/templates/{shape}.csv")
        assert template.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert b"first_name" in template.content


def test_an_upload_is_shown_with_its_state_and_counts(
    page_api: Api, client: requests.Session
) -> None:
    upload = page_api.add_upload(total_rows=1200)
    _set_status(page_api, upload.id, UploadStatus.PROCESSING, found_count=300, failed_count=2)

    html = client.get(f"{page_api.url}/uploads").text

    assert f'href="/uploads/{upload.id}"' in html
    assert "Asking the payer" in html
    assert '<progress max="1200" value="302"' in html
    assert "300 found" in html
    assert "2 failed" in html
    assert f"/uploads/{upload.id}/change/cancel" in html


def test_rows_that_were_never_asked_are_no_progress(
    page_api: Api, client: requests.Session
) -> None:
    upload = page_api.add_upload(total_rows=10)
    _set_status(page_api, upload.id, UploadStatus.CANCELLED, found_count=4, unprocessed_count=6)

    html = client.get(f"{page_api.url}/uploads").text

    assert '<progress max="10" value="4"' in html
    assert "6 not asked" in html
    assert f"/uploads/{upload.id}/change/retry-failed" in html


def test_markup_in_a_file_name_is_text(page_api: Api, client: requests.Session) -> None:
    page_api.add_upload(file_name=MARKUP)

    html = client.get(f"{page_api.url}/").text

    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; &#34;quoted&#34;.csv" in html


def test_a_search_is_posted_and_stands_in_no_address(
    page_api: Api, client: requests.Session
) -> None:
    for number in range(PAGE_SIZE + 2):
        page_api.add_upload(file_name=f"DOE JANE {number}.csv")
    page_api.add_upload(file_name="other.csv")

    answer = client.post(
        f"{page_api.url}/uploads/search",
        data={"search": "doe jane", "ordering": "filename"},
        allow_redirects=False,
    )

    assert answer.status_code == 200
    assert len(_shown(answer.text)) == PAGE_SIZE
    assert f"of {PAGE_SIZE + 2} uploads" in answer.text
    addresses = re.findall(r'(?:href|action|formaction|src)="([^"]*)"', answer.text)
    assert not [address for address in addresses if "doe" in address.lower()]
    # Its other pages, orders and states are buttons that post the search again.
    [following] = re.findall(r'name="go" value="([^"]*page=2[^"]*)"', answer.text)
    second = client.post(
        f"{page_api.url}/uploads/search",
        data={"search": "doe jane", "ordering": "filename", "go": following.replace("&amp;", "&")},
    )
    assert len(_shown(second.text)) == 2
    assert second.history == []


def test_an_address_searches_for_nothing(page_api: Api, client: requests.Session) -> None:
    page_api.add_upload(file_name="one.csv")
    page_api.add_upload(file_name="two.csv")

    html = client.get(f"{page_api.url}/uploads?search=one").text

    assert set(_shown(html)) == {"one.csv", "two.csv"}


def test_filters_without_a_search_have_an_address(page_api: Api, client: requests.Session) -> None:
    answer = client.post(
        f"{page_api.url}/uploads/search",
        data={"search": " ", "status": "FAILED", "ordering": "filename"},
        allow_redirects=False,
    )

    assert answer.status_code == 303
    place = urlsplit(answer.headers["Location"])
    assert place.path == "/uploads"
    assert parse_qs(place.query) == {"status": ["FAILED"], "ordering": ["filename"]}


def test_the_list_is_filtered_sorted_and_paged_by_its_links(
    page_api: Api, client: requests.Session
) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    for number in range(PAGE_SIZE + 5):
        upload = page_api.add_upload(
            file_name=f"{number:02}.csv", now=began + timedelta(seconds=number)
        )
        if number < 3:
            _set_status(page_api, upload.id, UploadStatus.FAILED)

    first = client.get(f"{page_api.url}/uploads").text
    assert _shown(first)[0] == f"{PAGE_SIZE + 4}.csv"
    assert 'href="/uploads?page=2"' in first
    second = client.get(f"{page_api.url}/uploads?page=2").text
    assert _shown(second) == ["04.csv", "03.csv", "02.csv", "01.csv", "00.csv"]
    by_name = client.get(f"{page_api.url}/uploads?ordering=filename").text
    assert _shown(by_name)[0] == "00.csv"
    assert 'aria-sort="ascending"' in by_name
    failed = client.get(f"{page_api.url}/uploads?status=failed").text
    assert _shown(failed) == ["02.csv", "01.csv", "00.csv"]


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "status=nothing", "ordering=file_sha256", "provider=%00", "page=999"],
)
def test_an_address_that_makes_no_sense_shows_a_list(
    page_api: Api, client: requests.Session, query: str
) -> None:
    page_api.add_upload()

    answer = client.get(f"{page_api.url}/uploads?{query}")

    assert answer.status_code == 200
    assert "<main" in answer.text


def test_addresses_that_forms_post_to_lead_somewhere_when_typed(
    page_api: Api, client: requests.Session
) -> None:
    for path, place in (("/uploads/search", "/uploads"), ("/uploads/verify", "/uploads/new")):
        answer = client.get(f"{page_api.url}{path}")
        assert (answer.status_code, answer.url) == (200, f"{page_api.url}{place}")


def test_other_organizations_and_colleagues_see_none_of_it(page_api: Api) -> None:
    upload = page_api.add_upload(file_name="mine.csv")
    rows = f"{page_api.url}/uploads/rows?id={upload.id}"
    issuer = page_api.issuer
    for token, sees in (
        (issuer.token(), True),
        (issuer.token(sub="analyst-2"), False),
        (issuer.token(sub="operator-1", roles=["claims-operator"]), True),
        (issuer.token(organization=OTHER_ORGANIZATION, roles=["claims-operator"]), False),
    ):
        with signed_in_client(page_api, token=token) as client:
            assert ("mine.csv" in client.get(f"{page_api.url}/").text) is sees
            found = client.post(f"{page_api.url}/uploads/search", data={"search": "mine"}).text
            assert (upload.id in found) is sees
            now = client.get(rows).json()
            assert ([row["id"] for row in now["rows"]] == [upload.id]) is sees
            assert (now["gone"] == [upload.id]) is not sees


def test_rows_are_streamed_until_all_have_ended(page_api: Api, client: requests.Session) -> None:
    upload = page_api.add_upload(file_name=MARKUP, total_rows=2)
    _set_status(page_api, upload.id, UploadStatus.PROCESSING, found_count=1)
    events: list[tuple[str, dict[str, object]]] = []
    with client.get(
        f"{page_api.url}/uploads/events?id={upload.id}&id=unknown",
        headers={"Accept": "text/event-stream"},
        stream=True,
        timeout=30,
    ) as stream:
        assert stream.headers["Cache-Control"] == "no-store"
        name = ""
        for line in stream.iter_lines(decode_unicode=True):
            kind, _, value = line.partition(": ")
            if kind == "event":
                name = value
            elif kind == "data":
                events.append((name, json.loads(value)))
                if len(events) == 2:
                    _set_status(page_api, upload.id, UploadStatus.COMPLETED, found_count=2)

    assert [name for name, _data in events] == ["gone", "row", "row", "ended"]
    assert events[0][1] == {"id": "unknown"}
    assert "Asking the payer" in str(events[1][1]["html"])
    assert "Done" in str(events[2][1]["html"])
    assert "<img" not in str(events[2][1]["html"])
    assert events[2][1]["is_live"] is False


def test_pages_keep_browsers_from_keeping_and_running_anything_else(
    page_api: Api, client: requests.Session
) -> None:
    headers = client.get(f"{page_api.url}/").headers

    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_first_load_is_small_and_its_files_may_be_kept(
    page_api: Api, client: requests.Session
) -> None:
    for number in range(PAGE_SIZE):
        page_api.add_upload(file_name=f"a worklist with a longer name, number {number}.csv")
    total = 0
    for page in ("/", "/uploads/new"):
        html = client.get(f"{page_api.url}{page}")
        files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html.text))
        files.add(next(name for name in files if name.endswith("page.js")))
        assert {name.rpartition(".")[2] for name in files} == {"css", "js", "svg"}
        total = len(html.content)
        for name in files:
            file = page_api.get(name)
            assert "immutable" in file.headers["Cache-Control"]
            assert file.headers["X-Content-Type-Options"] == "nosniff"
            total += len(file.content)
        # Uncompressed: what a proxy compresses is less.
        assert total <= 150_000
    assert page_api.get("/static/").status_code == 404
    assert page_api.get("/static/0000000000000000/page.css").status_code == 404


def test_operators_look_for_a_persons_uploads(page_api: Api, client: requests.Session) -> None:
    for user_id in ("analyst-1", "analyst-2"):
        page_api.add_upload(user_id=user_id, file_name=f"{user_id}.csv")
    token = page_api.issuer.token(sub="operator-1", roles=["claims-operator"])
    with signed_in_client(page_api, token=token) as operator:
        everybody = operator.get(f"{page_api.url}/uploads").text
        assert '<option value="analyst-2">analyst-2@example.org</option>' in everybody
        assert _shown(operator.get(f"{page_api.url}/uploads?user=analyst-2").text) == [
            "analyst-2.csv"
        ]
    assert "analyst-2@example.org" not in client.get(f"{page_api.url}/uploads").text
    assert _shown(client.get(f"{page_api.url}/uploads?user=analyst-2").text) == []
