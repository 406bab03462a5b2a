"""Dagster's webserver behind its guard: whose changes it takes, under which names."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
import requests

from claims_pipeline_tests.upload_api.on_stack import StackApi

pytestmark = pytest.mark.stack

# Ends a run that is not there: harmless, and refused or answered all the same.
MUTATION = 'mutation { terminateRun(runId: "none") { __typename } }'
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def url(calm_stack: StackApi) -> str:
    return f"{calm_stack.stack.dagster.url}/graphql"


def posted(url: str, headers: Mapping[str, str], body: str | None = None) -> requests.Response:
    content = body or f'{{"query": "{MUTATION.replace(chr(34), chr(92) + chr(34))}"}}'
    return requests.post(url, data=content, headers={**JSON, **headers}, timeout=30)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Content-Type": "application/json; charset=utf-8"},
    ],
)
def test_its_own_pages_and_programs_change_things(url: str, headers: dict[str, str]) -> None:
    answer = posted(url, headers)
    assert answer.status_code == 200
    assert answer.json()["data"]["terminateRun"]["__typename"] == "RunNotFoundError"


def test_the_page_is_served_and_says_its_own_origin(url: str) -> None:
    origin = f"http://{urlsplit(url).netloc}"
    assert requests.get(f"{origin}/runs", timeout=30).ok
    assert posted(url, {"Origin": origin}).ok


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
    ],
)
def test_other_sites_pages_change_nothing(url: str, headers: dict[str, str]) -> None:
    answer = posted(url, headers)
    assert (answer.status_code, answer.text.strip()) == (
        403,
        "Changes are taken from this server's own pages only.",
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_operation_in_an_address_is_not_executed(url: str, method: str) -> None:
    answer = requests.request(method, url, params={"query": MUTATION}, timeout=30)
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/graphql",
        "",
    ],
)
def test_what_a_form_can_send_is_not_executed(url: str, content_type: str) -> None:
    assert posted(url, {"Content-Type": content_type}).status_code == 415


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_under_another_name_nothing_is_served(url: str, host: str) -> None:
    for path in ("/graphql", "/", "/runs", "/report_asset_materialization/uploaded_csv"):
        answer = requests.post(
            f"http://{urlsplit(url).netloc}{path}", headers={**JSON, "Host": host}, timeout=30
        )
        assert answer.status_code in {400, 421}, path


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "http://evil.example"}, 403), ({"Host": "evil.example"}, 403), ({}, 101)],
)
def test_a_socket_is_opened_for_our_own_pages_only(
    url: str, headers: dict[str, str], status: int
) -> None:
    parts = urlsplit(url)
    sent = {
        "Host": parts.netloc,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "c3ludGhldGljIGtleSAxMg==",
        "Sec-WebSocket-Protocol": "graphql-ws",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(f"GET /graphql HTTP/1.1\r\n{lines}\r\n".encode())
        answer = connection.recv(64).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
