"""Nothing is lost, and nobody sees more, when something goes wrong around a session."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.types import Scope

from claims_pipeline.upload_api.pages.addresses import is_from_here, own_origin
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.session.sessions import client_with_cookie, new_session
from claims_pipeline_tests.upload_api.pages.uploads import running_upload

UPLOAD = "/uploads/6f1c2b1e-6a51-4c0e-9d3b-0d6d3c1f7a10"


@pytest.fixture
def api(shared_page_api: Api) -> Api:
    return shared_page_api


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/uploads?status=FAILED&page=3", "/uploads?status=FAILED&page=3"),
        (f"{UPLOAD}/results?outcome=found&name=EXAMPLE", f"{UPLOAD}/results?outcome=found"),
        ("/uploads?status=<script>&ordering=-created_at", "/uploads?ordering=-created_at"),
        (f"{UPLOAD}/results.xlsx", UPLOAD),
    ],
)
def test_signing_in_leads_back_to_the_same_list(api: Api, asked: str, place: str) -> None:
    answer = api.get(asked)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/sign-in?next={quote(place, safe='')}"


@pytest.mark.parametrize("path", ["/uploads/search", f"{UPLOAD}/results", f"{UPLOAD}/change/all"])
def test_who_posts_a_form_too_late_is_led_back_to_it(api: Api, path: str) -> None:
    answer = api.post(path, headers={"Origin": api.url})
    assert answer.status_code == 401
    assert f'href="/sign-in?next={quote(path, safe="")}"' in answer.text


def test_an_error_of_ours_is_a_page_for_people(api: Api) -> None:
    def fail() -> None:
        raise KeyError("EXAMPLE")

    api.app.add_api_route("/uploads-that-fail", fail, include_in_schema=False)
    answer = api.get("/uploads-that-fail")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Something went wrong on our side" in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert "EXAMPLE" not in answer.text


def test_a_stream_ends_with_the_session_that_it_was_opened_by(api: Api) -> None:
    made = running_upload(api)
    for path in (f"/uploads/events?id={made.id}", f"/uploads/{made.id}/events"):
        cookie = new_session(api, token=api.issuer.token())
        with client_with_cookie(api, cookie) as client:
            response = client.get(f"{api.url}{path}", stream=True, timeout=30)
            lines: Iterator[str] = response.iter_lines(chunk_size=1, decode_unicode=True)
            assert next(lines)
            with client_with_cookie(api, cookie) as other_tab:
                other_tab.post(f"{api.url}/sign-out", allow_redirects=False)
            # It ends, though the upload and the token go on.
            assert sum(1 for _ in lines) < 60
            response.close()


@pytest.mark.parametrize("host", ["claims.example.org", "claims.example.org:443"])
def test_a_proxy_may_name_the_port_that_browsers_leave_out(host: str) -> None:
    scope = scope_of(host, origin="https://claims.example.org")
    assert own_origin(Request(scope)) == "https://claims.example.org"
    assert is_from_here(scope)


@pytest.mark.parametrize(
    "origin",
    ["https://claims.example.org:8443", "http://claims.example.org", "https://example.org"],
)
def test_another_port_scheme_or_host_is_another_origin(origin: str) -> None:
    assert not is_from_here(scope_of("claims.example.org", origin=origin))


def scope_of(host: str, *, origin: str) -> Scope:
    """A POST over TLS as it comes through a proxy."""
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/uploads",
        "query_string": b"",
        "server": ("10.0.0.1", 8000),
        "headers": [(b"host", host.encode()), (b"origin", origin.encode())],
    }
