"""Headers, request ids and errors of every kind of answer."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

JOBS = "/api/v1/claims/csv-jobs/"
PAGE = "https://page.example.org"
MARKER = "ZEBRATHORNE"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    settings = {"CLAIMS_API_TRUSTED_PROXIES": "127.0.0.1", "CLAIMS_API_ALLOWED_ORIGINS": PAGE}
    with running_api(tmp_path_factory.mktemp("home"), issuer, settings=settings) as running:

        @running.app.get("/broken")
        def broken() -> None:
            raise ValueError(f"no such patient: {MARKER}")

        @running.app.get("/broken/in/the/middle")
        def broken_in_the_middle() -> object:
            from fastapi.responses import StreamingResponse

            def pieces() -> Iterator[bytes]:
                yield b"a piece"
                raise ValueError(f"no such patient: {MARKER}")

            return StreamingResponse(pieces())

        yield running


ANSWERS: dict[int, Callable[[Api], requests.Response]] = {
    200: lambda api: api.get(JOBS, token=api.issuer.token()),
    401: lambda api: api.get(JOBS),
    403: lambda api: api.get(JOBS, token=api.issuer.token(roles=[])),
    404: lambda api: api.get("/nowhere"),
    405: lambda api: api.call("PUT", JOBS, token=api.issuer.token()),
    422: lambda api: api.get(f"{JOBS}?page=x", token=api.issuer.token()),
    500: lambda api: api.get("/broken"),
}


@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_has_the_security_headers_and_an_id(api: Api, status: int) -> None:
    answer = ANSWERS[status](api)

    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-ID"])
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert answer.json()["code"]


def test_a_broken_route_is_answered_without_the_text_of_its_error(api: Api) -> None:
    answer = api.get("/broken")
    assert answer.json()["code"] == "internal_error"
    assert MARKER not in answer.text


def test_an_answer_that_breaks_off_is_not_taken_for_whole(api: Api) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("/broken/in/the/middle")


def test_a_well_formed_id_is_kept(api: Api) -> None:
    given = str(uuid4())
    assert api.get(JOBS, headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["ADA-EXAMPLE-1975", "a" * 65, "abc", f"{'0' * 20}\t{'1' * 20}"])
def test_an_id_that_could_say_something_is_replaced(api: Api, given: str) -> None:
    assert api.get(JOBS, headers={"X-Request-ID": given}).headers["X-Request-ID"] != given


def test_behind_a_trusted_proxy_https_is_https(api: Api) -> None:
    answer = api.get(JOBS, headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_forwarded_headers_of_anybody_else_are_not_believed(tmp_path: Path, issuer: Issuer) -> None:
    settings = {"CLAIMS_API_TRUSTED_PROXIES": "192.0.2.7"}
    with running_api(tmp_path / "home", issuer, settings=settings) as api:
        answer = api.get(JOBS, headers={"X-Forwarded-Proto": "https"})
        assert "Strict-Transport-Security" not in answer.headers


def test_only_listed_pages_may_read_answers(api: Api) -> None:
    listed = api.get(JOBS, headers={"Origin": PAGE})
    other = api.get(JOBS, headers={"Origin": "https://elsewhere.example.org"})

    assert listed.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in listed.headers
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_page_may_send_the_headers_that_the_api_reads(api: Api) -> None:
    wanted = "authorization,content-type,idempotency-key,x-organization"
    answer = api.call(
        "OPTIONS",
        JOBS,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    )
    assert answer.status_code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in wanted.split(","))


def test_without_a_list_no_page_may_read_answers(tmp_path: Path, issuer: Issuer) -> None:
    with running_api(tmp_path / "home", issuer) as api:
        answer = api.get(JOBS, headers={"Origin": PAGE})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_what_is_no_http_is_refused_and_harms_nobody(api: Api) -> None:
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert api.get("/healthz").status_code == 200
