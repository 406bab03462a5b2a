import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from claims_pipeline.sandbox.faults import Faults, read_scripts
from claims_pipeline.sandbox.part import CallFacts
from claims_pipeline_tests.sandbox.conftest import ADA, SUMMARY, Client, code_of


def _numbers(answer: requests.Response) -> list[str]:
    return [claim["claimNumber"] for claim in answer.json()["claims"]]


def _faults(*scripts: Mapping[str, object]) -> Faults:
    return Faults(read_scripts(json.dumps(scripts)))


def _fired(faults: Faults, calls: int, kind: str = "summary") -> list[int]:
    return [n for n in range(1, calls + 1) if faults.choose("uhc", CallFacts(kind=kind))]


def _set(client: Client, **what: object) -> None:
    client.sandbox.set_faults([{"match": {"kind": "summary"}, "what": what}])


def test_the_nth_call_goes_wrong() -> None:
    assert _fired(_faults({"when": {"nth": 3}, "what": {"status": 500}}), 9) == [3]


def test_every_kth_call_goes_wrong_so_many_times() -> None:
    script = {"when": {"every": 2, "times": 3}, "what": {"status": 500}}
    assert _fired(_faults(script), 20) == [2, 4, 6]


def test_a_share_of_the_calls_goes_wrong_the_same_ones_for_a_seed() -> None:
    script = {"when": {"share": 0.25, "seed": 3}, "what": {"status": 500}}
    first, second = (_fired(_faults(script), 2000) for _ in range(2))
    assert first == second
    assert 400 < len(first) < 600


def test_a_fault_lasts_for_its_seconds() -> None:
    now_s = [100.0]
    scripts = read_scripts('[{"when": {"after_s": 5, "until_s": 8}, "what": {"status": 503}}]')
    faults = Faults(scripts, clock=lambda: now_s[0])
    seen = []
    for _ in range(10):
        seen.append(faults.choose("uhc", CallFacts(kind="summary")) is not None)
        now_s[0] += 1
    assert seen == [False] * 5 + [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"kind": "summary"}, True),
        ({"kind": "detail"}, False),
        ({"channel": "uhc"}, True),
        ({"channel": "another"}, False),
        ({"tin": "070000001"}, True),
        ({"tin": "070000002"}, False),
        ({"patient_last_name": "EXAMPLE"}, True),
        ({"patient_last_name": "OTHER"}, False),
        ({"single": True}, True),
        ({"single": False}, False),
        ({"further_page": True}, False),
    ],
)
def test_a_script_means_the_calls_that_match(match: dict[str, object], fits: bool) -> None:
    faults = _faults({"match": match, "what": {"status": 500}})
    facts = CallFacts(kind="summary", tin="070000001", patient_last_name="EXAMPLE")
    assert (faults.choose("uhc", facts) is not None) is fits


def test_the_first_script_that_is_due_decides() -> None:
    faults = _faults({"when": {"nth": 2}, "what": {"status": 500}}, {"what": {"status": 503}})
    chosen = [faults.choose("uhc", CallFacts(kind="summary")) for _ in range(3)]
    assert [what.status for what in chosen if what] == [503, 500, 503]


@pytest.mark.parametrize(
    "script", [{"what": {"statuss": 500}}, {"what": {"status": 99}}, {"when": {"nth": 1}}]
)
def test_a_wrong_script_is_refused(client: Client, script: dict[str, object]) -> None:
    url = f"{client.sandbox.url}/sandbox/faults"
    assert requests.post(url, json=[script], timeout=5).status_code == 400


def test_reset_ends_the_faults(client: Client) -> None:
    _set(client, status=500)
    client.sandbox.reset()
    assert client.summary(30, 30, **ADA).status_code == 200


def test_a_status_comes_with_its_headers_and_body(client: Client) -> None:
    _set(client, status=429, headers={"Retry-After": "soon"}, body="slow down")
    answer = client.summary(30, 30)
    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (
        429,
        "soon",
        "slow down",
    )
    assert client.sandbox.stats()["errors_sent"] == 1


@pytest.mark.parametrize("seconds", [-60, 60, 3600])
def test_retry_after_may_be_a_date(client: Client, seconds: int) -> None:
    _set(client, status=503, retry_after_date_s=seconds)
    moment = parsedate_to_datetime(client.summary(30, 30).headers["Retry-After"])
    assert moment.timestamp() - time.time() == pytest.approx(seconds, abs=20)


def test_a_redirect_is_a_status_like_any_other(client: Client) -> None:
    _set(client, status=302, headers={"Location": "http://127.0.0.1:9/"})
    with pytest.raises(requests.ConnectionError):
        client.summary(30, 30)


def test_an_error_code_of_the_payer_comes_with_its_status(client: Client) -> None:
    _set(client, code="LCLM_PS_301")
    answer = client.summary(30, 30)
    assert (answer.status_code, code_of(answer)) == (504, "LCLM_PS_301")


def test_partial_data_comes_with_its_error(client: Client) -> None:
    _set(client, code="LCLM_PS_305", keep_claims=True, status=200)
    answer = client.summary(30, 30, **ADA)
    assert answer.status_code == 200
    assert _numbers(answer) == ["FH00000001"]
    assert code_of(answer) == "LCLM_PS_305"


def test_an_html_page_comes_with_200(client: Client) -> None:
    _set(client, html=True)
    answer = client.summary(30, 30)
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_body_may_be_empty(client: Client) -> None:
    _set(client, empty=True)
    assert client.summary(30, 30).content == b""


def test_a_body_may_be_cut_in_half(client: Client) -> None:
    _set(client, truncated=True)
    answer = client.summary(30, 30, **ADA)
    assert answer.text.startswith('{"claims":[{')
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_a_body_may_be_very_big(client: Client) -> None:
    _set(client, big_body_bytes=5_000_000)
    assert len(client.summary(30, 30).content) == 5_000_000


def test_a_connection_may_break_mid_body(client: Client) -> None:
    _set(client, reset=True)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.summary(30, 30, **ADA)
    client.sandbox.reset()
    assert client.summary(30, 30, **ADA).status_code == 200


def test_a_body_may_drip(client: Client) -> None:
    _set(client, drip_bytes_per_s=20)
    sent = {"tin": "070000001", "payerId": "87726"}
    url = client.sandbox.url + SUMMARY
    with client.session.get(url, headers=sent, stream=True, timeout=5) as answer:
        pieces = answer.iter_content(chunk_size=1)
        assert [next(pieces) for _ in range(4)] == [b"{", b'"', b"m", b"e"]
    assert int(answer.headers["Content-Length"]) > 4


def test_an_answer_may_be_late(client: Client) -> None:
    _set(client, delay_s=30)
    with pytest.raises(requests.ReadTimeout):
        client.session.get(client.sandbox.url + SUMMARY, timeout=0.05)
    assert client.sandbox.stats()["errors_sent"] == 0


def test_all_tokens_may_expire_at_once(client: Client) -> None:
    client.sandbox.set_faults(
        [{"match": {"kind": "summary"}, "when": {"nth": 2}, "what": {"expire_tokens": True}}]
    )
    statuses = [client.summary(30, 30, **ADA).status_code for _ in range(3)]
    client.new_token()
    statuses.append(client.summary(30, 30, **ADA).status_code)
    assert statuses == [200, 401, 401, 200]


def test_tokens_can_be_refused(client: Client) -> None:
    client.sandbox.set_faults([{"match": {"kind": "token"}, "what": {"status": 503}}])
    assert client.new_token().status_code == 503


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("reordered", lambda numbers: numbers[::-1]),
        ("duplicated", lambda numbers: [number for number in numbers for _ in range(2)]),
        ("missing", lambda numbers: numbers[1::2]),
        ("foreign", lambda numbers: ["ZZ99990001", *numbers, "ZZ99990002"]),
    ],
)
def test_claims_of_a_page_may_be_changed(client: Client, change: str, expected: Any) -> None:
    numbers = _numbers(client.summary(12, 10))
    assert len(numbers) > 3
    _set(client, claims=change)
    assert _numbers(client.summary(12, 10)) == expected(numbers)


def test_foreign_claims_are_of_other_practices_and_people(client: Client) -> None:
    _set(client, claims="foreign")
    first, *_, last = client.summary(12, 10).json()["claims"]
    assert first["provInfo"]["adjudicated"]["tin"] == "079999999"
    assert last["memberInfo"]["ptntLn"] == "ASKEDFOR"


def test_entries_may_be_unreadable(client: Client) -> None:
    _set(client, claims="unreadable")
    assert client.summary(30, 30, **ADA).json()["claims"][:2] == [17, {"claimNumber": None}]


def test_calls_in_flight_are_counted_until_the_caller_hangs_up(client: Client) -> None:
    sandbox = client.sandbox
    _until(lambda: _concurrency_of_one_call(client) == 1)
    _set(client, delay_s=60)
    address = ("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]))
    with ExitStack() as callers:
        for _ in range(8):
            caller = callers.enter_context(socket.create_connection(address))
            caller.sendall(f"GET {SUMMARY} HTTP/1.1\r\nHost: sandbox\r\n\r\n".encode())
        _until(lambda: sandbox.stats()["max_concurrency"] == 8)
    _until(lambda: _concurrency_of_one_call(client) == 1)


def _concurrency_of_one_call(client: Client) -> object:
    client.sandbox.reset()
    client.summary(30, 30, **ADA)
    return client.sandbox.stats()["max_concurrency"]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
