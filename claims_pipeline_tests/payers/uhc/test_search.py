"""Searching at UHC: pages, caps, error codes, and claims that are not ours."""

import random
from datetime import date

import pytest

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import DateWindow, Patient
from claims_pipeline_tests.payers.builders import (
    OTHER_TIN,
    PATIENT,
    Asked,
    claim_json,
    page_json,
    single,
    sweep,
)
from claims_pipeline_tests.payers.scripted import ScriptedPayer, Seen, json_http, lclm


def pages(*contents: object) -> list[bytes]:
    return [json_http(content) for content in contents]


def with_member(claim: dict[str, object], **fields: object) -> dict[str, object]:
    member = claim["memberInfo"]
    assert isinstance(member, dict)
    return {**claim, "memberInfo": {**member, **fields}}


# The question


def test_a_sweep_asks_for_the_practice_and_its_dates(script: ScriptedPayer, asked: Asked) -> None:
    asked.payer.search(sweep())
    seen = script.calls[0]
    assert (seen.method, seen.path) == ("GET", "/Claims/api/claim/summary/byprovider/v2.0")
    assert seen.headers["tin"] == "070000001"
    assert seen.headers["payerid"] == "87726"
    assert seen.headers["firstservicedt"] == "08/01/2026"
    assert seen.headers["lastservicedt"] == "08/31/2026"
    assert seen.headers["getstandarderror"] == "true"
    assert not {"ptntfn", "ptntln", "ptntdob", "transactionid"} & seen.headers.keys()


def test_a_single_asks_for_names_that_a_header_can_carry(
    script: ScriptedPayer, asked: Asked
) -> None:
    patient = Patient(first_name=" Zoë ", last_name="D’Angélo-Łuk", date_of_birth=date(1975, 5, 10))
    asked.payer.search(single(patient))
    headers = script.calls[0].headers
    assert (headers["ptntfn"], headers["ptntln"]) == ("ZOE", "D'ANGELO-LUK")
    assert headers["ptntdob"] == "05/10/1975"


def test_a_name_of_which_nothing_is_left_is_not_asked(script: ScriptedPayer, asked: Asked) -> None:
    patient = Patient(first_name="李", last_name="Example", date_of_birth=date(1975, 5, 10))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(single(patient))
    assert caught.value.error_class is ErrorClass.FIX_INPUT
    assert not script.seen


def test_a_window_longer_than_the_payer_takes_is_not_asked(
    script: ScriptedPayer, asked: Asked
) -> None:
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep(DateWindow(date(2026, 5, 1), date(2026, 7, 30))))
    assert caught.value.error_class is ErrorClass.SPLIT_WINDOW
    assert not script.seen


# Pages


@pytest.mark.parametrize(
    ("contents", "claims", "calls"),
    [
        pytest.param([page_json(1, 3)], 3, 1, id="fewer than fifty, with a token"),
        pytest.param([page_json(1, 50, transaction=None)], 50, 1, id="fifty without a token"),
        pytest.param([page_json(1, 50, transaction="")], 50, 1, id="an empty token"),
        pytest.param([page_json(1, 50), page_json(51, 7)], 57, 2, id="a short second page"),
        pytest.param(
            [page_json(1, 50), page_json(51, 50, transaction=None)], 100, 2, id="two full pages"
        ),
        pytest.param([page_json(1, 50), page_json(51, 0)], 50, 2, id="an empty page"),
        pytest.param([page_json(1, 50), page_json(1, 50)], 50, 2, id="a page that repeats"),
        pytest.param(
            [page_json(1, 50), page_json(41, 50), page_json(91, 2)], 92, 3, id="overlapping pages"
        ),
    ],
)
def test_pages_are_followed_to_their_end(
    contents: list[object], claims: int, calls: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages(*contents))

    answer = asked.payer.search(sweep())

    assert len(answer.claims) == claims
    assert answer.claims_seen == claims
    assert answer.complete
    assert answer.pages == calls == len(script.calls)


def test_the_end_may_be_said_by_no_data(script: ScriptedPayer, asked: Asked) -> None:
    script.say(*pages(page_json(1, 50)), lclm(201, status=404))
    answer = asked.payer.search(sweep())
    assert (len(answer.claims), answer.complete) == (50, True)


def test_each_page_is_asked_for_with_the_token_of_the_one_before(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(
        *pages(
            page_json(1, 50, transaction="tx1"),
            page_json(51, 50, transaction="tx2"),
            page_json(101, 1, transaction="tx3"),
        )
    )
    answer = asked.payer.search(sweep())
    assert [call.headers.get("transactionid") for call in script.calls] == [None, "tx1", "tx2"]
    assert answer.transaction == "tx3"


def test_a_payer_without_a_token_on_the_last_page_keeps_the_one_before(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages(page_json(1, 50, transaction="tx1"), page_json(51, 1, transaction=None)))
    assert asked.payer.search(sweep()).transaction == "tx1"


def test_the_order_of_claims_does_not_matter(script: ScriptedPayer, asked: Asked) -> None:
    numbers = list(range(1, 121))
    random.Random(7).shuffle(numbers)
    contents = [
        {
            "claims": [claim_json(number) for number in numbers[start : start + 50]],
            "transactionId": "next",
        }
        for start in (0, 50, 100)
    ]
    script.say(*pages(*contents))
    answer = asked.payer.search(sweep())
    assert {claim.claim_number for claim in answer.claims} == {f"FT{n:08d}" for n in numbers}


def test_a_claim_that_comes_twice_is_kept_once(script: ScriptedPayer, asked: Asked) -> None:
    script.say(*pages({"claims": [claim_json(1), claim_json(2), claim_json(1)]}))
    answer = asked.payer.search(sweep())
    assert [claim.claim_number for claim in answer.claims] == ["FT00000001", "FT00000002"]
    assert answer.claims_seen == 2


def test_a_later_version_of_a_claim_is_kept_beside_the_earlier(
    script: ScriptedPayer, asked: Asked
) -> None:
    later = claim_json(1, processedDt="08/25/2026")
    script.say(*pages({"claims": [claim_json(1), later]}))
    claims = asked.payer.search(sweep()).claims
    assert len(claims) == 2
    assert claims[0].identity == claims[1].identity


@pytest.mark.parametrize(
    ("limit", "complete", "calls"), [(1, False, 1), (2, False, 2), (3, True, 3), (9, True, 3)]
)
def test_a_page_limit_ends_a_sweep_early(
    limit: int, complete: bool, calls: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages(page_json(1, 50), page_json(51, 50), page_json(101, 5)))
    answer = asked.payer.search(sweep(page_limit=limit))
    assert answer.complete is complete
    assert answer.incomplete_reason == (None if complete else "page_limit")
    assert len(script.calls) == answer.pages == calls


def test_exactly_500_claims_are_a_complete_answer(script: ScriptedPayer, asked: Asked) -> None:
    script.answer = lambda _seen, index: json_http(page_json(index * 50, 50 if index < 10 else 0))
    answer = asked.payer.search(sweep())
    assert (len(answer.claims), answer.complete, len(script.calls)) == (500, True, 11)


def test_a_payer_that_never_stops_is_capped(script: ScriptedPayer, asked: Asked) -> None:
    script.answer = lambda _seen, index: json_http(page_json(index * 50, 50))
    answer = asked.payer.search(sweep())
    assert (answer.complete, answer.incomplete_reason) == (False, "result_cap")
    assert answer.claims_seen >= 501
    assert len(script.calls) == 11


# Error codes


@pytest.mark.parametrize("code", [306, 112])
def test_too_many_claims_narrow_the_window(code: int, script: ScriptedPayer, asked: Asked) -> None:
    script.say(lclm(code))
    answer = asked.payer.search(sweep())
    assert (answer.complete, answer.incomplete_reason) == (False, "result_cap")
    assert answer.claims_seen == 501
    assert len(script.calls) == 1


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_no_data_is_a_complete_empty_answer(
    status: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(lclm(201, status=status))
    answer = asked.payer.search(single())
    assert (answer.claims, answer.complete, answer.claims_seen) == ((), True, 0)
    assert len(script.calls) == 1


@pytest.mark.parametrize(
    ("code", "error_class"),
    [
        (102, ErrorClass.FIX_INPUT),
        (105, ErrorClass.CONFIG),
        (106, ErrorClass.FIX_INPUT),
        (107, ErrorClass.FIX_INPUT),
        (108, ErrorClass.FIX_INPUT),
        (111, ErrorClass.FIX_INPUT),
        (113, ErrorClass.FIX_INPUT),
        (202, ErrorClass.CONFIG),
        (302, ErrorClass.ESCALATE),
        (307, ErrorClass.NEAR_MATCH),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_each_error_code_has_its_class_whatever_the_status(
    code: int, error_class: ErrorClass, status: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(lclm(code, status=status))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())
    assert (caught.value.error_class, caught.value.code) == (error_class, f"LCLM_PS_{code}")
    assert len(script.calls) == 1


@pytest.mark.parametrize("code", [301, 303, 304, 500])
def test_the_payers_transient_codes_are_asked_again(
    code: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(lclm(code, status=400))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())
    assert caught.value.code == "payer_unavailable"
    assert {record.error_code for record in asked.records} - {None} == {f"LCLM_PS_{code}"}
    assert len(script.calls) == 4


def test_an_unknown_error_beside_claims_is_not_ignored(script: ScriptedPayer, asked: Asked) -> None:
    script.say(lclm(999, status=200, claims=[claim_json()]))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())
    assert caught.value.error_class is ErrorClass.ESCALATE


def test_a_429_is_transient_whatever_its_body_says(script: ScriptedPayer, asked: Asked) -> None:
    script.say(lclm(201, status=429), json_http({"claims": [claim_json()]}))
    assert len(asked.payer.search(sweep()).claims) == 1


def test_a_page_that_stays_partial_leaves_the_answer_incomplete(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(lclm(305, status=500, claims=[claim_json(1)]))
    answer = asked.payer.search(sweep())
    assert (answer.complete, answer.incomplete_reason) == (False, "partial")
    assert len(answer.claims) == 1
    assert len(script.calls) == 2


def test_a_page_that_is_whole_at_the_second_try_is_complete(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(lclm(305, status=200), json_http({"claims": [claim_json(1), claim_json(2)]}))
    answer = asked.payer.search(sweep())
    assert (len(answer.claims), answer.complete) == (2, True)


def test_paging_that_is_lost_begins_again_once(script: ScriptedPayer, asked: Asked) -> None:
    first, second = pages(page_json(1, 50), page_json(51, 5))
    script.say(first, lclm(203, status=404), first, second)
    answer = asked.payer.search(sweep())
    assert (len(answer.claims), answer.complete, answer.claims_seen) == (55, True, 55)
    assert "transactionid" not in script.calls[2].headers


def test_paging_that_is_lost_twice_is_partial(script: ScriptedPayer, asked: Asked) -> None:
    def answer(seen: Seen, _index: int) -> bytes:
        return lclm(203) if "transactionid" in seen.headers else json_http(page_json(1, 50))

    script.answer = answer
    found = asked.payer.search(sweep())
    assert (found.complete, found.incomplete_reason, len(found.claims)) == (False, "partial", 50)
    assert len(script.calls) == 4


def test_a_failure_on_a_later_page_tells_how_far_it_came(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages(page_json(1, 50), page_json(51, 50)), lclm(302))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep())
    assert caught.value.pages == 2


def test_a_near_match_of_a_single_brings_its_claims(script: ScriptedPayer, asked: Asked) -> None:
    script.say(lclm(307, status=200, claims=[claim_json(1, firstSrvcDt="07/01/2026")]))
    answer = asked.payer.search(single())
    assert (len(answer.claims), answer.complete) == (1, True)


# Whose claims


def test_claims_of_another_practice_are_ignored_and_counted(
    script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages({"claims": [claim_json(1), claim_json(2, tin=OTHER_TIN)]}))
    answer = asked.payer.search(sweep())
    assert [claim.claim_number for claim in answer.claims] == ["FT00000001"]
    assert (answer.unrelated_claims, answer.claims_seen, answer.complete) == (1, 2, True)


def test_a_claim_submitted_or_decided_under_our_tin_is_ours(
    script: ScriptedPayer, asked: Asked
) -> None:
    moved = claim_json(1) | {
        "provInfo": {"submitted": {"tin": "07-0000001"}, "adjudicated": {"tin": OTHER_TIN}}
    }
    unsaid = claim_json(2) | {"provInfo": None}
    script.say(*pages({"claims": [moved, unsaid]}))
    assert len(asked.payer.search(sweep()).claims) == 2


@pytest.mark.parametrize(
    ("member", "is_ours"),
    [
        ({}, True),
        ({"ptntDob": "05/11/1975"}, True),
        ({"ptntFn": "ADALBERT"}, True),
        ({"ptntLn": "EXAMPLE-SAMPLE"}, True),
        ({"ptntLn": "NEWNAME"}, True),
        ({"ptntFn": "BERTA", "ptntLn": "OTHER"}, False),
        ({"ptntFn": "BERTA", "ptntDob": "01/02/1999"}, False),
        ({"ptntFn": "BERTA", "ptntLn": "OTHER", "ptntDob": "01/02/1999"}, False),
    ],
)
def test_a_single_ignores_other_patients(
    member: dict[str, object], is_ours: bool, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages({"claims": [with_member(claim_json(1), **member)]}))
    answer = asked.payer.search(single(PATIENT))
    assert (len(answer.claims), answer.unrelated_claims) == ((1, 0) if is_ours else (0, 1))


# Claims that cannot be read, and claims that are none


@pytest.mark.parametrize(
    ("entry", "claims"),
    [
        ("text", 0),
        (None, 0),
        ({}, 0),
        (claim_json(2) | {"claimNumber": None}, 0),
        (claim_json(2) | {"claimNumber": {"a": 1}}, 0),
        (claim_json(2) | {"memberInfo": "ADA"}, 1),
        (with_member(claim_json(2), ptntDob="13/45/1975"), 1),
        (with_member(claim_json(2), ptntDob=None), 1),
        (with_member(claim_json(2), ptntLn=["EXAMPLE"]), 1),
        (claim_json(2, firstSrvcDt="", lastSrvcDt=None), 1),
        (claim_json(2, clmXWalkData=[{"clm507Cd": "E1"}]), 0),
    ],
)
def test_a_claim_in_doubt_leaves_the_answer_incomplete(
    entry: object, claims: int, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages({"claims": [claim_json(1), entry]}))
    answer = asked.payer.search(sweep())
    assert (answer.complete, answer.incomplete_reason) == (False, "unreadable_claims")
    assert len(answer.claims) == 1 + claims
    assert answer.claims_seen == 2


@pytest.mark.parametrize("category", ["D0", "A4"])
def test_a_claim_that_says_not_found_is_none(
    category: str, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(*pages({"claims": [claim_json(1, clmXWalkData=[{"clm507Cd": category}])]}))
    answer = asked.payer.search(single())
    assert (answer.claims, answer.complete) == ((), True)


@pytest.mark.parametrize(
    ("category", "error_class", "calls"),
    [
        ("E0", ErrorClass.FIX_INPUT, 1),
        ("E1", ErrorClass.TRANSIENT, 4),
        ("E2", ErrorClass.TRANSIENT, 4),
        ("E3", ErrorClass.FIX_INPUT, 1),
        ("E4", ErrorClass.CONFIG, 1),
    ],
)
def test_an_error_in_a_claims_place_is_no_answer(
    category: str,
    error_class: ErrorClass,
    calls: int,
    script: ScriptedPayer,
    asked: Asked,
) -> None:
    script.say(*pages({"claims": [claim_json(1, clmXWalkData=[{"clm507Cd": category}])]}))
    with pytest.raises(PayerError) as caught:
        asked.payer.search(single())
    assert caught.value.error_class is error_class
    assert len(script.calls) == calls
