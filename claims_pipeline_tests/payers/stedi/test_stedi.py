"""Stedi's traps: what stands in a claim's place, what a 200 may be, what is billed."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import (
    BillingProvider,
    ClaimStatus,
    DateWindow,
    Member,
    Patient,
    Query,
    QueryKind,
)
from claims_pipeline.payers.base import CallRecord, Payer
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.payers.registry import connect
from claims_pipeline.payers.status import claim_status
from claims_pipeline.payers.stedi.inquiry import body_of
from claims_pipeline.payers.x12_text import claim_loops, is_acknowledgement
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.world.practices import WorldPractice, demo_payer_id
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import load_settings
from claims_pipeline_tests.pipeline import HASTY

TODAY = date(2026, 3, 18)
WORLD = World(seed=7, today=TODAY)
PRACTICE = WORLD.practices[0]
ADA = Patient(first_name="Ada", last_name="Example", date_of_birth=date(1975, 5, 10))
WEEK = DateWindow(TODAY - timedelta(days=34), TODAY - timedelta(days=26))


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, today=lambda: TODAY) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


def query(
    patient: Patient = ADA,
    *,
    member_id: str | None = "900000000",
    window: DateWindow = WEEK,
    practice: WorldPractice = PRACTICE,
) -> Query:
    return Query(
        kind=QueryKind.SINGLE,
        tin=practice.tin,
        payer_id=demo_payer_id("stedi"),
        window=window,
        row_numbers=(1,),
        patient=patient,
        member=Member(subscriber_id=member_id),
        provider=BillingProvider(name=practice.name, npi=practice.npi),
    )


def asking(sandbox: Sandbox, calls: list[CallRecord] | None = None, **settings: str) -> Payer:
    return connect(
        "stedi",
        settings=load_settings({**sandbox.settings(), **settings}),
        limiter=LocalLimiter(max_concurrency=50),
        on_call=(calls if calls is not None else []).append,
        stop=threading.Event(),
        policy=HASTY,
    )


def of_record(record: Record) -> Query:
    person = record.person
    return query(
        Patient(
            first_name=person.first_name,
            last_name=person.last_name,
            date_of_birth=person.date_of_birth,
        ),
        member_id=person.subscriber_id,
        window=DateWindow(record.service.first, record.service.first),
    )


def records(status: str, days: int = 400) -> Iterator[Record]:
    window = DateWindow(TODAY - timedelta(days=days), TODAY)
    return (record for record in WORLD.search(PRACTICE, window) if record.payer_status == status)


def test_a_claim_is_found_with_its_amounts_and_its_check(sandbox: Sandbox) -> None:
    answer = asking(sandbox).search(query())
    [claim] = answer.claims
    assert answer.complete
    assert claim.claim_number == "FH00000001"
    assert claim.service_from == TODAY - timedelta(days=30)
    assert (claim.patient_last_name, claim.patient_date_of_birth) == ("EXAMPLE", ADA.date_of_birth)
    assert claim.total_paid is not None
    assert claim.total_paid > 0
    assert claim.payments[0].number
    assert claim.lines
    assert claim_status(claim).status is ClaimStatus.PAID


def test_that_nothing_is_there_stands_in_the_place_of_a_claim(sandbox: Sandbox) -> None:
    answer = asking(sandbox).search(query(member_id="111111111"))
    assert (answer.claims, answer.complete) == ((), True)


@pytest.mark.parametrize(
    ("code", "error_class", "error_code"),
    [
        ("999", ErrorClass.FIX_INPUT, "inquiry_rejected"),
        ("AAA42", ErrorClass.TRANSIENT, "payer_not_reached"),
        ("E1", ErrorClass.TRANSIENT, "payer_says_e1"),
        ("E0", ErrorClass.FIX_INPUT, "payer_says_e0"),
        ("E4", ErrorClass.CONFIG, "payer_says_e4"),
    ],
)
def test_what_could_not_be_looked_up_is_an_error_and_is_not_asked_again(
    sandbox: Sandbox, code: str, error_class: ErrorClass, error_code: str
) -> None:
    sandbox.set_faults([{"match": {"channel": "stedi"}, "what": {"code": code}}])
    with pytest.raises(PayerError) as caught:
        asking(sandbox).search(query())
    assert (caught.value.error_class, caught.value.code) == (error_class, error_code)
    assert sandbox.channels()["stedi"]["calls"] == {"search": 1}


def test_an_answer_without_claims_and_without_a_word_about_it_proves_nothing(
    sandbox: Sandbox,
) -> None:
    sandbox.set_faults([{"match": {"channel": "stedi"}, "what": {"code": "EMPTY"}}])
    assert not asking(sandbox).search(query()).complete


def test_a_practice_that_the_payer_does_not_know_is_a_matter_of_its_setup(
    sandbox: Sandbox,
) -> None:
    unknown = replace(query(), provider=BillingProvider(name="Nobody", npi="1999999992"))
    with pytest.raises(PayerError) as caught:
        asking(sandbox).search(unknown)
    assert caught.value.error_class is ErrorClass.CONFIG


def test_further_statuses_are_read_from_the_text(sandbox: Sandbox) -> None:
    record = next(records("Multiple Status"))
    found = asking(sandbox).search(of_record(record)).claims
    claim = next(claim for claim in found if claim.claim_number == record.claim_number)
    assert [code.category_code for code in claim.status_codes] == ["F1", "F2"]
    assert claim_status(claim).status is ClaimStatus.MULTIPLE


def test_a_remittance_of_nothing_is_no_payment(sandbox: Sandbox) -> None:
    record = next(records("Denied"))
    found = asking(sandbox).search(of_record(record)).claims
    claim = next(claim for claim in found if claim.claim_number == record.claim_number)
    assert claim_status(claim).status is ClaimStatus.DENIED
    assert claim.processed == record.processed
    assert claim.payments == ()


def test_a_bad_key_is_a_matter_of_credentials_after_one_call(sandbox: Sandbox) -> None:
    calls: list[CallRecord] = []
    with pytest.raises(PayerError) as caught:
        asking(sandbox, calls, CLAIMS_STEDI_API_KEY="test_nothing").search(query())
    assert caught.value.error_class is ErrorClass.AUTH
    assert len(calls) == 1


def test_whether_it_lives_is_found_out_without_an_answer_that_is_billed(sandbox: Sandbox) -> None:
    payer = asking(sandbox)
    assert payer.is_alive(query())
    sandbox.set_faults([{"match": {"channel": "stedi"}, "what": {"status": 504}}])
    assert not payer.is_alive(query())


def test_no_more_than_fifty_are_under_way(sandbox: Sandbox) -> None:
    sandbox.set_faults([{"match": {"channel": "stedi"}, "what": {"delay_s": 0.05}}])
    payer = asking(sandbox)
    threads = [threading.Thread(target=payer.search, args=(query(),)) for _ in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = sandbox.channels()["stedi"]
    assert (stats["max_concurrency"] <= 50, stats["errors_sent"]) == (True, 0)


def sent(asked: Query) -> dict[str, object]:
    content: dict[str, object] = json.loads(body_of(asked))
    return content


def test_birth_date_and_gender_go_together() -> None:
    woman = replace(ADA, gender="F")
    assert sent(query(woman))["subscriber"] == {
        "memberId": "900000000",
        "firstName": "ADA",
        "lastName": "EXAMPLE",
        "dateOfBirth": "19750510",
        "gender": "F",
    }
    nobody_knows = sent(query(replace(ADA, gender="U")))["subscriber"]
    assert isinstance(nobody_knows, dict)
    assert "gender" not in nobody_knows
    assert nobody_knows["dateOfBirth"] == "19750510"


def test_a_patient_under_somebody_elses_insurance_is_a_dependent() -> None:
    member = Member(
        subscriber_id="900000001", subscriber_first_name="Bo", subscriber_last_name="Sample"
    )
    content = sent(replace(query(), member=member))
    assert content["subscriber"] == {
        "memberId": "900000001",
        "firstName": "BO",
        "lastName": "SAMPLE",
    }
    assert content["dependent"] == {
        "firstName": "ADA",
        "lastName": "EXAMPLE",
        "dateOfBirth": "19750510",
    }


def test_there_is_one_billing_provider_by_npi_or_else_by_tax_id() -> None:
    provider = {"providerType": "BillingProvider", "organizationName": "SAMPLE FAMILY PRACTICE"}
    assert sent(query())["providers"] == [{**provider, "npi": PRACTICE.npi}]
    without = replace(query(), provider=BillingProvider(name=PRACTICE.name))
    assert sent(without)["providers"] == [{**provider, "taxId": PRACTICE.tin}]


@pytest.mark.parametrize("member_id", [None, "9", "12*34", "12~34", "A" * 81])
def test_an_id_that_would_break_the_transaction_is_not_sent(member_id: str | None) -> None:
    with pytest.raises(PayerError) as caught:
        body_of(query(member_id=member_id))
    assert caught.value.code == "subscriber_id_not_sendable"


def test_separators_are_those_of_the_text() -> None:
    isa = "ISA|00|          |00|          |ZZ|SENDER         |ZZ|RECEIVER       |260101|1200|^|"
    text = (
        f"{isa}00501|000000001|0|P|>\n"
        "GS|HN\nST|277|0001|005010X212\nHL|1||22|0\nTRN|2|A1\nSTC|F1>65|20260101||10|5\n"
        "STC|F2>585>1P\nREF|1K|FH01\nSVC|HC>99213|10|5\nSTC|F4>1\nTRN|2|A2\nSTC|D0>35\n"
    )
    first, second = claim_loops(text)
    assert (first.trace, first.claim_number, second.trace) == ("A1", "FH01", "A2")
    assert [(one.category_code, one.status_code) for one in first.statuses] == [
        ("F1", "65"),
        ("F2", "585"),
    ]
    assert not is_acknowledgement(text)
    assert is_acknowledgement("ST*999*0001~AK1*HR*1~")
