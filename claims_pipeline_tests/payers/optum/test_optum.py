"""Optum's traps: errors beside claims, paging by a header, tax ids in two parts, masked amounts."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import requests

from claims_pipeline.errors import ErrorClass, PayerError, SettingsError
from claims_pipeline.model import (
    Claim,
    ClaimStatus,
    DateWindow,
    DetailLevel,
    Patient,
    Query,
    QueryKind,
)
from claims_pipeline.payers.base import CallKind, CallRecord, Payer
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.optum.answers import read_answer
from claims_pipeline.payers.optum.claims import is_of_practice
from claims_pipeline.payers.registry import connect
from claims_pipeline.payers.replies import HttpReply
from claims_pipeline.payers.status import claim_status
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.world.practices import demo_payer_id
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import load_settings
from claims_pipeline_tests.pipeline import HASTY

TODAY = date(2026, 3, 18)
WORLD = World(seed=7, today=TODAY)
PRACTICE = WORLD.practices[0]
ADA = Patient(first_name="Ada", last_name="Example", date_of_birth=date(1975, 5, 10))
WEEK = DateWindow(TODAY - timedelta(days=34), TODAY - timedelta(days=28))


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, today=lambda: TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


def sweep(window: DateWindow = WEEK, **changes: object) -> Query:
    query = Query(
        kind=QueryKind.SWEEP,
        tin=PRACTICE.tin,
        payer_id=demo_payer_id("optum"),
        window=window,
        row_numbers=(1,),
    )
    return replace(query, **changes)


def single(patient: Patient = ADA, window: DateWindow = WEEK) -> Query:
    return sweep(window, kind=QueryKind.SINGLE, patient=patient)


def asking(
    sandbox: Sandbox, calls: list[CallRecord] | None = None, channel: str = "optum", **settings: str
) -> Payer:
    return connect(
        channel,
        settings=load_settings({**sandbox.settings(), **settings}),
        limiter=LocalLimiter(max_concurrency=50),
        on_call=(calls if calls is not None else []).append,
        stop=threading.Event(),
        policy=HASTY,
    )


def test_a_claim_is_found_with_its_amounts_and_its_check(sandbox: Sandbox) -> None:
    answer = asking(sandbox).search(single())
    [claim] = answer.claims
    assert answer.complete
    assert claim.claim_number == "FH00000001"
    assert (claim.patient_last_name, claim.patient_date_of_birth) == ("EXAMPLE", ADA.date_of_birth)
    assert claim_status(claim).status is ClaimStatus.PAID
    assert claim.payments[0].number
    assert claim.payments[0].amount == claim.total_paid


def test_nothing_is_an_empty_list(sandbox: Sandbox) -> None:
    nobody = replace(ADA, last_name="Nobodyofours")
    answer = asking(sandbox).search(single(nobody))
    assert (answer.claims, answer.complete) == ((), True)


def test_all_pages_are_read_and_a_token_goes_back_in_a_header(sandbox: Sandbox) -> None:
    calls: list[CallRecord] = []
    answer = asking(sandbox, calls).search(sweep())
    searched = [call for call in calls if call.kind is CallKind.SEARCH]
    assert len(searched) == answer.pages > 2
    assert answer.claims_seen == len(WORLD.search(PRACTICE, WEEK))
    assert sandbox.channels()["optum"]["calls"]["search"] == answer.pages


def test_a_sweep_brings_what_the_first_channel_brings(sandbox: Sandbox) -> None:
    theirs = asking(sandbox).search(sweep())
    ours = asking(sandbox, channel="uhc").search(sweep(payer_id="87726"))

    def told(claims: tuple[Claim, ...]) -> set[tuple[object, ...]]:
        return {
            (
                claim.claim_number,
                claim.patient_last_name,
                claim.service_from,
                claim.total_charged,
                claim.total_paid,
                claim.not_covered,
                claim.received,
                claim.processed,
                claim_status(claim).status,
            )
            for claim in claims
        }

    assert told(theirs.claims) == told(ours.claims)


def test_lines_are_fetched_by_number_and_are_those_of_the_version(sandbox: Sandbox) -> None:
    calls: list[CallRecord] = []
    payer = asking(sandbox, calls)
    window = DateWindow(TODAY - timedelta(days=120), TODAY - timedelta(days=60))
    claims = payer.search(sweep(window)).claims
    denied = next(each for each in claims if claim_status(each).status is ClaimStatus.DENIED)
    paid = next(each for each in claims if claim_status(each).status is ClaimStatus.PAID)
    made = len(calls)
    assert payer.enrich(paid, transaction=None, level=DetailLevel.REASONS) == paid
    assert len(calls) == made
    known = payer.enrich(denied, transaction=None, level=DetailLevel.REASONS)
    assert [call.kind for call in calls[made:]] == [CallKind.DETAIL]
    assert known.detail_error is None
    assert sum(line.charged or Decimal() for line in known.lines) == denied.total_charged
    assert any(code.kind == "CARC" for code in known.codes)


@pytest.mark.parametrize(
    ("code", "error_class", "error_code"),
    [
        ("GRAPHQL_VALIDATION_FAILED", ErrorClass.ESCALATE, "optum_graphql_validation_failed"),
        ("FORBIDDEN", ErrorClass.CONFIG, "optum_forbidden"),
        ("BAD_USER_INPUT", ErrorClass.FIX_INPUT, "optum_bad_user_input"),
        ("WHATEVER", ErrorClass.ESCALATE, "optum_error_unknown"),
        ("INTERNAL_SERVER_ERROR", ErrorClass.TRANSIENT, "payer_unavailable"),
        ("GATEWAY_TIMEOUT", ErrorClass.TRANSIENT, "payer_unavailable"),
    ],
)
def test_an_error_without_claims_is_its_class_and_never_nothing(
    sandbox: Sandbox, code: str, error_class: ErrorClass, error_code: str
) -> None:
    sandbox.set_faults([{"match": {"channel": "optum", "kind": "search"}, "what": {"code": code}}])
    with pytest.raises(PayerError) as raised:
        asking(sandbox).search(single())
    assert (raised.value.error_class, raised.value.code) == (error_class, error_code)


def test_claims_beside_an_error_are_kept_and_are_not_all(sandbox: Sandbox) -> None:
    what = {"match": {"channel": "optum", "kind": "search"}, "what": {"code": "PARTIAL"}}
    sandbox.set_faults([what])
    answer = asking(sandbox).search(single())
    assert len(answer.claims) == 1
    assert (answer.complete, answer.incomplete_reason) == (False, "partial")


def test_a_practice_that_is_not_associated_is_no_practice_without_claims(sandbox: Sandbox) -> None:
    with pytest.raises(PayerError) as raised:
        asking(sandbox).search(sweep(tin="079999999"))
    assert raised.value.error_class is ErrorClass.CONFIG


def test_strangers_are_counted_and_unreadable_entries_leave_doubt(sandbox: Sandbox) -> None:
    match = {"channel": "optum", "kind": "search"}
    sandbox.set_faults([{"match": match, "what": {"claims": "foreign"}}])
    answer = asking(sandbox).search(single())
    assert (len(answer.claims), answer.unrelated_claims, answer.complete) == (1, 2, True)
    sandbox.set_faults([{"match": match, "what": {"claims": "unreadable"}}])
    answer = asking(sandbox).search(single())
    assert (len(answer.claims), answer.incomplete_reason) == (1, "unreadable_claims")


def test_more_pages_without_a_way_to_them_are_not_all() -> None:
    body = {"data": {"searchClaim": {"claims": [], "pagination": {"hasMoreRecords": True}}}}
    page = read_answer(HttpReply(status=200, headers={}, body=json.dumps(body).encode()))
    assert (page.has_more, page.next_page) == (True, None)


@pytest.mark.parametrize(
    ("adjudicated", "is_own"),
    [
        ({"billingTinPrefix": "0", "billingTin": "70000001"}, True),
        ({"billingTinPrefix": "2", "billingTin": "70000001"}, False),
        ({"billingTin": "70000001"}, True),
        ({"billingTin": "070000001"}, True),
        ({"billingTin": "70000009", "billingTinPrefix": "0"}, False),
        ({}, True),
    ],
)
def test_a_tax_id_may_stand_in_two_parts(adjudicated: dict[str, str], *, is_own: bool) -> None:
    assert is_of_practice({"provider": {"adjudicated": adjudicated}}, "070000001") is is_own


def test_masked_amounts_are_unknown_and_no_other_amount(sandbox: Sandbox) -> None:
    window = DateWindow(TODAY - timedelta(days=80), TODAY - timedelta(days=40))
    payments = [
        payment
        for claim in asking(sandbox).search(sweep(window)).claims
        for payment in claim.payments
    ]
    assert any(payment.total is None for payment in payments)
    assert all(payment.amount is not None for payment in payments)


def test_the_sandbox_refuses_a_field_that_is_spelled_right(sandbox: Sandbox) -> None:
    settings = sandbox.settings()
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}
    token = requests.post(settings["CLAIMS_OPTUM_TOKEN_URL"], data=form, timeout=30).json()
    query = (
        "query($i: SearchClaimInput!) { searchClaim(searchClaimInput: $i) "
        "{ claims { claimLevelTotalAmount { totalDeductibleAmount } } } }"
    )
    answer = requests.post(
        f"{settings['CLAIMS_OPTUM_API_URL']}/oihub/claim/inquiry/v1",
        json={"query": query, "variables": {"i": {"payerId": demo_payer_id("optum")}}},
        headers={
            "Authorization": f"Bearer {token['access_token']}",
            "providerTaxId": PRACTICE.tin,
        },
        timeout=30,
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_ninety_days_are_the_most(sandbox: Sandbox) -> None:
    long = DateWindow(TODAY - timedelta(days=100), TODAY)
    with pytest.raises(PayerError) as raised:
        asking(sandbox).search(sweep(long))
    assert raised.value.error_class is ErrorClass.SPLIT_WINDOW
    assert sandbox.channels()["optum"]["calls"]["search"] == 0


def test_optums_own_sandbox_is_refused_in_production(sandbox: Sandbox) -> None:
    with pytest.raises(SettingsError) as raised:
        asking(
            sandbox,
            CLAIMS_ENVIRONMENT="production",
            CLAIMS_OPTUM_API_URL="https://sandbox-apigw.example.test",
            CLAIMS_OPTUM_TOKEN_URL="https://apigw.example.test/token",
        )
    assert raised.value.code == "sandbox_in_production"


def test_the_payer_is_alive_when_it_answers(sandbox: Sandbox) -> None:
    assert asking(sandbox).is_alive(single())
    sandbox.set_faults([{"match": {"channel": "optum"}, "what": {"status": 503}}])
    assert not asking(sandbox).is_alive(single())
