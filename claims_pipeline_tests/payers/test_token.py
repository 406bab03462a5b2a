"""Tokens: one for all threads, and credentials that do not work: targets.md, fault 5."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DetailLevel
from claims_pipeline.payers.base import CallKind
from claims_pipeline_tests.payers.builders import OTHER_TIN, PAYER_ID, TIN, Asked, sweep
from claims_pipeline_tests.payers.scripted import (
    ScriptedPayer,
    Seen,
    http,
    json_http,
    lclm,
    token_answer,
)

THREADS = 16
EMPTY = json_http({"claims": []})


def ask_together(asked: Asked, searches: int = THREADS) -> list[PayerError | None]:
    """Search from 16 threads; what each search ended with."""

    def search(_number: int) -> PayerError | None:
        try:
            asked.payer.search(sweep())
        except PayerError as error:
            return error
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(search, range(searches)))


def test_all_threads_share_one_token(script: ScriptedPayer, asked: Asked) -> None:
    assert ask_together(asked, 64) == [None] * 64
    assert len(script.token_calls) == 1
    assert {call.headers["authorization"] for call in script.calls} == {"Bearer token-1"}
    body = script.token_calls[0].body
    assert body == b"grant_type=client_credentials&client_id=sandbox&client_secret=sandbox"


def test_a_token_that_expires_is_refreshed_once_for_all_threads(
    script: ScriptedPayer, asked: Asked
) -> None:
    together = threading.Barrier(THREADS, timeout=20)

    def answer(seen: Seen, _index: int) -> bytes:
        if seen.headers["authorization"] == "Bearer token-1":
            together.wait()
            return http(b'{"error": "expired"}', status=401)
        return EMPTY

    script.answer = answer
    script.token = lambda _seen, index: token_answer(index + 1)

    assert ask_together(asked) == [None] * THREADS
    assert len(script.token_calls) == 2
    assert len(script.calls) == 2 * THREADS
    # An expired token is no reason to wait, nor a sign that the payer is down.
    assert asked.waits.seconds == []
    assert asked.limiter.failures == 0


def test_a_payer_may_hand_out_the_same_token_again(script: ScriptedPayer, asked: Asked) -> None:
    script.say(http(status=401), EMPTY)
    assert asked.payer.search(sweep()).complete
    assert len(script.token_calls) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_are_tried_once_by_all_threads_together(
    status: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.token = lambda _seen, _index: json_http({"error": "invalid_client"}, status=status)

    errors = ask_together(asked)

    assert {error.error_class for error in errors if error} == {ErrorClass.AUTH}
    assert None not in errors
    assert len(script.token_calls) == 1
    assert not script.calls
    assert "client secret" in str(errors[0]) or "client id" in str(errors[0])


def test_credentials_that_never_work_end_in_auth_after_two_calls(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(http(status=401))

    for _ in range(3):
        with pytest.raises(PayerError) as caught:
            asked.payer.search(sweep())
        assert caught.value.error_class is ErrorClass.AUTH

    assert len(script.calls) == 2
    assert len(script.token_calls) == 2


def test_a_practice_refused_with_good_tokens_fails_alone(
    script: ScriptedPayer, asked: Asked
) -> None:
    def answer(seen: Seen, _index: int) -> bytes:
        if seen.headers["tin"] == TIN:
            return EMPTY
        # Meanwhile another practice is let in with the very token that is refused here.
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(asked.payer.search, sweep()).result(timeout=20).complete
        return http(status=401)

    script.answer = answer
    script.token = lambda _seen, index: token_answer(index + 1)

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep(tin=OTHER_TIN))

    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "http_401")
    assert asked.payer.search(sweep()).complete


def test_a_payer_that_ends_fresh_tokens_for_a_while_is_asked_on(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(EMPTY, http(status=401), http(status=401), http(status=401), EMPTY)
    assert asked.payer.search(sweep()).complete
    assert asked.payer.search(sweep()).complete
    assert len(script.token_calls) == 4


def test_a_token_endpoint_that_is_down_is_transient(script: ScriptedPayer, asked: Asked) -> None:
    script.token = lambda _seen, _index: http(status=503)

    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())

    assert caught.value.code == "payer_unavailable"
    assert len(script.token_calls) == 4
    assert not script.calls


@pytest.mark.parametrize(
    "spoiled",
    [
        http(b"<html>busy</html>"),
        http(b"[1]"),
        json_http({}),
        json_http({"access_token": 5}),
        json_http({"access_token": "two\nlines"}),
        lclm(301, status=500),
    ],
)
def test_a_spoiled_token_answer_is_asked_for_again(
    spoiled: bytes, script: ScriptedPayer, asked: Asked
) -> None:
    script.token = lambda _seen, index: spoiled if index == 0 else token_answer()

    assert asked.payer.search(sweep()).complete
    assert [record.try_number for record in asked.records_of(CallKind.TOKEN)] == [1, 2]


@pytest.mark.parametrize("expires_in", ["3600", None, "soon", -1, 0, "nan", 1e300, True, []])
def test_a_token_without_a_sensible_life_is_used_until_refused(
    expires_in: object, script: ScriptedPayer, asked: Asked
) -> None:
    script.token = lambda _seen, _index: json_http(
        {"access_token": "token-1", "expires_in": expires_in}
    )
    for _ in range(3):
        assert asked.payer.search(sweep()).complete


def test_wrong_credentials_are_not_taken_for_a_missing_detail(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.token = lambda _seen, _index: http(status=401)
    claim = Claim(payer_id=PAYER_ID, tin=TIN, claim_number="FT00000001", detail_available=True)

    with pytest.raises(PayerError) as caught:
        asked.payer.enrich(claim, transaction="t", level=DetailLevel.FULL)
    assert caught.value.error_class is ErrorClass.AUTH


def test_threads_that_wait_for_a_token_are_told_together_that_there_is_none(
    script: ScriptedPayer, asked: Asked
) -> None:
    """Each would else wait for tries of its own, one after the other."""
    script.token = lambda _seen, _index: http(status=503)
    # Time for all to come to the lock while the first tries.
    asked.waits.on_wait = lambda: time.sleep(0.3)

    errors = ask_together(asked)

    assert {error and error.code for error in errors} == {"payer_unavailable"}
    assert len(script.token_calls) == 4
