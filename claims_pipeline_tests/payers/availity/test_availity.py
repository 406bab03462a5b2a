"""Availity's traps: answers that come later, what stands in a claim's place, made-up answers."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from claims_pipeline.errors import ErrorClass, PayerError, SettingsError
from claims_pipeline.model import (
    BillingProvider,
    ClaimStatus,
    DateWindow,
    Member,
    Patient,
    Query,
    QueryKind,
)
from claims_pipeline.payers.availity.answers import read_look, read_submission
from claims_pipeline.payers.availity.inquiry import form_of
from claims_pipeline.payers.base import (
    Answer,
    AsynchronousPayer,
    CallKind,
    CallRecord,
    Submitted,
)
from claims_pipeline.payers.environment import PayerEnvironment
from claims_pipeline.payers.limiter import LocalLimiter
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
QUERY = Query(
    kind=QueryKind.SINGLE,
    tin=PRACTICE.tin,
    payer_id=demo_payer_id("availity"),
    window=DateWindow(TODAY - timedelta(days=34), TODAY - timedelta(days=26)),
    row_numbers=(1,),
    patient=ADA,
    member=Member(subscriber_id="900000000"),
    provider=BillingProvider(name=PRACTICE.name, npi=PRACTICE.npi),
)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, today=lambda: TODAY, answers_after_s=0.05) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


def asking(
    sandbox: Sandbox, calls: list[CallRecord] | None = None, **settings: str
) -> AsynchronousPayer:
    payer = connect(
        "availity",
        settings=load_settings({**sandbox.settings(), **settings}),
        limiter=LocalLimiter(max_concurrency=16),
        on_call=(calls if calls is not None else []).append,
        stop=threading.Event(),
        policy=HASTY,
    )
    assert isinstance(payer, AsynchronousPayer)
    return payer


def submitted(payer: AsynchronousPayer, query: Query = QUERY) -> str:
    found = payer.search(query)
    assert isinstance(found, Submitted)
    return found.reference


def answered(payer: AsynchronousPayer, query: Query = QUERY) -> Answer:
    reference = submitted(payer, query)
    while isinstance(found := payer.look(reference, query), Submitted):
        time.sleep(0.02)
    return found


def test_an_answer_is_looked_for_by_its_reference_until_it_is_there(sandbox: Sandbox) -> None:
    calls: list[CallRecord] = []
    [claim] = answered(asking(sandbox, calls)).claims
    assert claim.claim_number == "FH00000001"
    assert claim_status(claim).status is ClaimStatus.PAID
    assert claim.payments[0].number
    kinds = [call.kind for call in calls]
    assert kinds[:2] == [CallKind.TOKEN, CallKind.SEARCH]
    assert set(kinds[2:]) == {CallKind.LOOK}


def test_what_the_payer_does_not_have_stands_in_the_place_of_a_claim(sandbox: Sandbox) -> None:
    other = replace(QUERY, member=Member(subscriber_id="111111111"))
    found = answered(asking(sandbox), other)
    assert (found.claims, found.complete) == ((), True)


@pytest.mark.parametrize("level", ["submitter", "providers"])
def test_statuses_above_the_claims_say_that_nobody_could_look(sandbox: Sandbox, level: str) -> None:
    sandbox.set_faults([{"match": {"kind": "look"}, "what": {"code": level}}])
    with pytest.raises(PayerError) as caught:
        answered(asking(sandbox))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "payer_says_e4")


@pytest.mark.parametrize(
    ("code", "error_code"), [("7", "lookup_state_unknown"), ("empty", "inquiry_not_answered")]
)
def test_a_state_that_nobody_knows_is_never_the_word_that_there_is_no_claim(
    sandbox: Sandbox, code: str, error_code: str
) -> None:
    sandbox.set_faults([{"match": {"kind": "look"}, "what": {"code": code}}])
    calls: list[CallRecord] = []
    with pytest.raises(PayerError) as caught:
        answered(asking(sandbox, calls))
    assert caught.value.code == error_code
    assert sum(call.kind is CallKind.LOOK for call in calls) == 1


def test_a_state_that_goes_on_is_looked_at_again(sandbox: Sandbox) -> None:
    sandbox.set_faults([{"match": {"kind": "look"}, "when": {"times": 2}, "what": {"code": "0"}}])
    assert answered(asking(sandbox)).claims


def test_a_reference_that_nobody_knows_any_longer_is_an_answer_and_asked_once(
    sandbox: Sandbox,
) -> None:
    calls: list[CallRecord] = []
    with pytest.raises(PayerError) as caught:
        asking(sandbox, calls).look("no-such-job", QUERY)
    assert (caught.value.code, caught.value.is_answer) == ("reference_unknown", True)
    assert sum(call.kind is CallKind.LOOK for call in calls) == 1


def test_nothing_of_a_patient_stands_in_an_address(sandbox: Sandbox) -> None:
    """A GET is refused: what was asked would stand in its query."""
    form = form_of(QUERY, submitter_id=None)
    assert form["patient.birthDate"] == "1975-05-10"
    assert form["patient.subscriberRelationshipCode"] == "18"
    reference = submitted(asking(sandbox))
    assert not any(part in reference.upper() for part in ("ADA", "EXAMPLE", "1975", "900000000"))


@pytest.mark.parametrize(
    ("location", "reference"),
    [
        ("https://api.availity.com/v1/claim-statuses/ab-12?x=1", "ab-12"),
        ("https://elsewhere.example/claim-statuses/ab-12", "ab-12"),
        ("https://api.availity.com/v1/claim-statuses/..%2Fother", None),
        ("", None),
    ],
)
def test_of_a_location_only_the_last_part_is_believed(location: str, reference: str | None) -> None:
    reply = HttpReply(status=202, headers={"location": location}, body=b"{}")
    assert read_submission(reply) == reference


def test_an_answer_that_is_made_up_is_refused_in_production() -> None:
    marked = {"x-api-mock-response": "true"}
    mark = ("x-api-mock-response", "true")
    here = PayerEnvironment("https://api.example", is_production=False, further_mark=mark)
    here.observe(marked)
    assert here.name == "sandbox"
    there = PayerEnvironment("https://api.example", is_production=True, further_mark=mark)
    with pytest.raises(SettingsError) as caught:
        there.observe(marked)
    assert caught.value.code == "sandbox_in_production"


def test_a_scope_that_is_not_ours_is_a_matter_of_credentials(sandbox: Sandbox) -> None:
    with pytest.raises(PayerError) as caught:
        asking(sandbox, CLAIMS_AVAILITY_SCOPE="something-else").search(QUERY)
    assert caught.value.error_class is ErrorClass.AUTH


def test_a_token_that_expires_on_the_way_is_renewed(sandbox: Sandbox) -> None:
    sandbox.set_faults(
        [{"match": {"kind": "look"}, "when": {"nth": 1}, "what": {"expire_tokens": True}}]
    )
    assert answered(asking(sandbox)).claims
    assert sandbox.channels()["availity"]["calls"]["token"] == 2


def test_a_payer_that_is_down_and_a_budget_that_is_used_up_are_told_apart(
    sandbox: Sandbox,
) -> None:
    sandbox.set_faults([{"match": {"channel": "availity"}, "what": {"status": 503}}])
    payer = asking(sandbox, CLAIMS_AVAILITY_TOKEN_URL=f"{sandbox.url}/v1/oauthtoken")
    with pytest.raises(PayerError):
        payer.search(QUERY)
    assert not asking(sandbox).is_alive(QUERY)

    sandbox.set_faults(
        [{"match": {"kind": "search"}, "when": {"times": 2}, "what": {"status": 429}}]
    )
    assert submitted(asking(sandbox))


def test_a_practice_without_an_npi_is_a_matter_of_its_setup() -> None:
    with pytest.raises(PayerError) as caught:
        form_of(replace(QUERY, provider=BillingProvider(name="Somebody")), submitter_id=None)
    assert caught.value.code == "npi_missing"


def test_a_dependent_is_asked_for_under_the_subscribers_name() -> None:
    member = Member(
        subscriber_id="900000001", subscriber_first_name="Bo", subscriber_last_name="Sample"
    )
    form = form_of(replace(QUERY, member=member), submitter_id="S1")
    assert (form["subscriber.firstName"], form["subscriber.lastName"]) == ("BO", "SAMPLE")
    assert (form["patient.firstName"], form["patient.lastName"]) == ("ADA", "EXAMPLE")
    assert form["patient.subscriberRelationshipCode"] != "18"
    assert form["submitter.id"] == "S1"


def test_a_look_that_is_led_elsewhere_is_made_again() -> None:
    reply = HttpReply(status=303, headers={"location": "https://elsewhere.example/"}, body=b"")
    assert read_look(reply).status is None
