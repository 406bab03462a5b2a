"""Calls over a wire that fails in every way: targets.md, faults 1 to 4."""

import gzip
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from claims_pipeline.errors import CancelRequestedError, ErrorClass, PayerError
from claims_pipeline.model import Patient
from claims_pipeline.payers.base import CallKind
from claims_pipeline.payers.policy import CallPolicy
from claims_pipeline.payers.replies import HttpReply, retry_after_s
from claims_pipeline_tests.payers.builders import (
    NOW,
    PATIENT,
    Asked,
    claim_json,
    connected,
    single,
    sweep,
)
from claims_pipeline_tests.payers.scripted import (
    RESET,
    ScriptedPayer,
    http,
    json_http,
    lclm,
    scripted_payer,
)

GOOD = json_http({"claims": [claim_json()]})
WHOLE = json.dumps({"claims": [claim_json()]}).encode()
HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"

SPOILED = {
    "one 500": http(b"sorry", status=500),
    "a 503": http(status=503),
    "nothing found, without its body": http(status=404),
    "nothing found, cut off": http(b'{"errors": [{"code": "LCLM', status=404),
    "a gateway's 404 in HTML": http(b"<html>no</html>", status=404),
    "a gateway's 404 in JSON": json_http({"message": "no route"}, status=404),
    "a 408": http(status=408),
    "truncated JSON": http(WHOLE[:-20]),
    "an HTML page with 200": http(b"<html><body>Scheduled maintenance</body></html>"),
    "an empty body": http(b""),
    "JSON that is no object": http(b"[]"),
    "JSON without claims": http(b"{}"),
    "claims that are no list": json_http({"claims": "none"}),
    "JSON nested too deeply": http(b"[" * 200_000),
    "a number JSON does not know": http(b'{"claims": [NaN]}'),
    "broken gzip": http(b"not gzip", headers={"Content-Encoding": "gzip"}),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
    "no HTTP at all": b"SSH-2.0-OpenSSH_9.0\r\n",
    "the payer's own time-out": lclm(301, status=504),
    "the payer's own failure with 200": lclm(303, status=200),
    "a token that no header can carry": json_http({"claims": [], "transactionId": "a\nb: c"}),
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED.keys())
def test_a_spoiled_answer_is_asked_for_again(
    spoiled: bytes, script: ScriptedPayer, asked: Asked
) -> None:
    # The connection ends after it, for answers that do not say their own end.
    script.say([spoiled], GOOD)

    answer = asked.payer.search(sweep())

    assert [claim.claim_number for claim in answer.claims] == ["FT00000001"]
    assert answer.complete
    first, *between, last = asked.records_of()
    assert (first.try_number, first.error_code is None) == (1, False)
    assert last.error_code is None
    # The end of a connection may reach us only after we have sent on it once more.
    assert {record.error_code for record in between} <= {"connection_failed"}
    assert asked.waits.seconds[0] == 1.0


def test_a_reset_in_the_middle_of_a_body_is_asked_again(
    script: ScriptedPayer, asked: Asked
) -> None:
    half = http(WHOLE)[: -len(WHOLE) // 2]
    script.say([half, RESET], [half], GOOD)

    assert len(asked.payer.search(sweep()).claims) == 1
    assert [record.error_code for record in asked.records_of()] == ["connection_failed"] * 2 + [
        None
    ]


def test_a_body_of_100_megabytes_is_cut_off(script: ScriptedPayer) -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        yield HUGE
        for _ in range(1600):
            sent.append(1)
            yield b" " * 65536

    asked = connected(script.url, policy=CallPolicy(max_body_bytes=1_000_000))
    script.answer = lambda _seen, index: endless() if index == 0 else GOOD

    assert len(asked.payer.search(sweep()).claims) == 1
    assert asked.records_of()[0].error_code == "answer_too_large"
    assert len(sent) < 1600


def test_a_small_body_that_unpacks_to_a_large_one_is_cut_off(script: ScriptedPayer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    asked = connected(script.url, policy=CallPolicy(max_body_bytes=1_000_000))
    script.say(http(bomb, headers={"Content-Encoding": "gzip"}), GOOD)

    assert len(asked.payer.search(sweep()).claims) == 1
    assert asked.records_of()[0].error_code == "answer_too_large"


def test_a_slow_drip_is_ended_by_the_total_deadline(script: ScriptedPayer) -> None:
    asked = connected(script.url, policy=CallPolicy(read_s=30.0, exchange_s=0.3, backoff_s=()))
    script.answer = lambda _seen, _index: script.drip(GOOD, every_s=0.05)

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert asked.records_of()[0].error_code == "timed_out"


def test_a_drip_of_the_body_alone_is_ended_too(script: ScriptedPayer) -> None:
    def slow_body() -> Iterator[bytes]:
        yield GOOD[: -len(WHOLE)]
        yield from script.drip(WHOLE, every_s=0.05)

    asked = connected(script.url, policy=CallPolicy(read_s=30.0, exchange_s=0.3, backoff_s=()))
    script.answer = lambda _seen, _index: slow_body()

    with pytest.raises(PayerError):
        asked.payer.search(sweep())
    assert asked.records_of()[0].error_code == "timed_out"


def test_a_silent_payer_is_given_up_after_the_read_time_out(script: ScriptedPayer) -> None:
    asked = connected(script.url, policy=CallPolicy(read_s=0.2, exchange_s=30.0, backoff_s=()))
    script.answer = lambda _seen, _index: script.drip(GOOD, every_s=5.0)

    with pytest.raises(PayerError):
        asked.payer.search(sweep())
    assert asked.records_of()[0].error_code == "timed_out"


def test_a_payer_that_stays_down_fails_after_four_tries(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(http(status=503))

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert (caught.value.error_class, caught.value.code) == (
        ErrorClass.TRANSIENT,
        "payer_unavailable",
    )
    assert [record.try_number for record in asked.records_of()] == [1, 2, 3, 4]
    assert {record.error_code for record in asked.records_of()} == {"http_503"}
    assert asked.waits.seconds == [1.0, 4.0, 16.0]
    assert asked.limiter.failures == 4


@pytest.mark.parametrize("host", ["nobody.invalid", "127.0.0.1:9"])
def test_a_payer_that_cannot_be_reached_is_transient(host: str) -> None:
    asked = connected(f"http://{host}")

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert caught.value.error_class is ErrorClass.TRANSIENT
    tries = [(record.http_status, record.was_sent) for record in asked.records_of(CallKind.TOKEN)]
    assert tries == [(None, False)] * 4


def test_a_redirect_is_not_followed(script: ScriptedPayer, asked: Asked) -> None:
    with scripted_payer() as elsewhere:
        script.say(http(status=302, headers={"Location": f"{elsewhere.url}/claims"}))

        with pytest.raises(PayerError) as caught:
            asked.payer.search(sweep())

        assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "redirected")
        assert not elsewhere.seen
        assert len(script.calls) == 1


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (400, ErrorClass.FIX_INPUT),
        (403, ErrorClass.CONFIG),
        (410, ErrorClass.CONFIG),
        (431, ErrorClass.FIX_INPUT),
    ],
)
def test_a_refusal_is_not_asked_again(
    status: int, error_class: ErrorClass, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(http(b"<html>no</html>", status=status))

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert (caught.value.error_class, caught.value.code) == (error_class, f"http_{status}")
    assert len(script.calls) == 1
    assert asked.limiter.failures == 0


# 429 and 503


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("99999999999999999999", 86_400.0),
        (format_datetime(NOW + timedelta(seconds=40), usegmt=True), 40.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), 3600.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    reply = HttpReply(status=429, headers={"retry-after": value}, body=b"")
    assert retry_after_s(reply, now=NOW) == seconds


def test_a_retry_after_date_without_a_zone_is_utc() -> None:
    reply = HttpReply(
        status=429, headers={"retry-after": "Tue, 01 Sep 2026 12:00:09 -0000"}, body=b""
    )
    assert retry_after_s(reply, now=datetime(2026, 9, 1, 12, tzinfo=UTC)) == 9.0


@pytest.mark.parametrize(
    ("status", "headers", "pauses"),
    [
        (429, {"Retry-After": "30"}, [30.0]),
        (503, {"Retry-After": "30"}, [30.0]),
        (429, {"Retry-After": "3600"}, [120.0]),
        (429, {"Retry-After": "soon"}, [1.0]),
        (429, {}, [1.0]),
        (429, {"Retry-After": "0"}, []),
        (503, {}, []),
    ],
)
def test_a_payer_that_throttles_pauses_everybody(
    status: int,
    headers: dict[str, str],
    pauses: list[float],
    script: ScriptedPayer,
    asked: Asked,
) -> None:
    script.say(http(status=status, headers=headers), GOOD)

    assert asked.payer.search(sweep()).complete
    assert asked.limiter.pauses == pauses


# Cancelling


def test_nothing_is_asked_once_told_to_stop(script: ScriptedPayer, asked: Asked) -> None:
    asked.stop.set()
    with pytest.raises(CancelRequestedError):
        asked.payer.search(sweep())
    assert not script.seen


def test_a_stop_during_a_wait_ends_the_tries(script: ScriptedPayer, asked: Asked) -> None:
    script.say(http(status=500))
    asked.waits.on_wait = asked.stop.set

    with pytest.raises(CancelRequestedError):
        asked.payer.search(sweep())
    assert len(script.calls) == 1


# What goes on the wire and into logs


def test_connections_are_kept_for_the_next_call(script: ScriptedPayer, asked: Asked) -> None:
    script.say(GOOD)
    for _ in range(5):
        asked.payer.search(sweep())
    assert script.connections == 1


def test_threads_do_not_share_a_connection(script: ScriptedPayer, asked: Asked) -> None:
    together = threading.Barrier(4, timeout=20)

    def answer(_seen: object, index: int) -> bytes:
        if index < 4:
            together.wait()
        return GOOD

    script.answer = answer
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asked.payer.search(sweep()), range(8)))

    assert all(answer.complete for answer in answers)
    assert len(script.token_calls) == 1


def test_proxies_and_netrc_of_the_environment_are_ignored(
    script: ScriptedPayer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    script.say(GOOD)

    assert connected(script.url).payer.search(sweep()).complete
    assert script.calls[0].headers["authorization"] == "Bearer token-1"
    assert "authorization" not in script.token_calls[0].headers


def test_nothing_of_a_patient_is_logged_or_raised(
    script: ScriptedPayer, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    marked = Patient(
        first_name="Markerfirst", last_name="Markerlast", date_of_birth=PATIENT.date_of_birth
    )
    script.say(
        [b"HTTP/1.1 200 OK\r\nMARKERHEADER\r\nContent-Length: 12\r\n\r\n{MARKERBODY}"],
        [RESET],
        lclm("MARKERCODE", status=500),
        lclm(107, message="MARKERMESSAGE"),
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(PayerError) as caught:
        asked.payer.search(single(marked))

    texts = [caplog.text, str(caught.value), repr(caught.value), repr(asked.records)]
    assert not [text for text in texts if "MARKER" in text.upper()]
    assert script.calls[0].headers["ptntln"] == "MARKERLAST"
    assert "MARKER" not in script.calls[0].path
