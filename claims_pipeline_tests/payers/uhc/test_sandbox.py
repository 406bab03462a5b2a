"""The adapter against the sandbox, over real HTTP: the whole contract at once."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import requests

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Claim, DateWindow, DetailLevel, Patient
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline_tests.payers.builders import Asked, connected, single, sweep

TODAY = date(2026, 9, 1)
QUARTER = DateWindow(TODAY - timedelta(days=89), TODAY)


@pytest.fixture(scope="module", params=[True, False], ids=["token always", "token when more"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox with a fixed day, in both behaviours of its paging token."""
    with running_sandbox(
        claims_per_day=4, today=lambda: TODAY, token_on_last_page=request.param
    ) as sandbox:
        yield sandbox


@pytest.fixture
def asked(sandbox: Sandbox) -> Iterator[Asked]:
    """An adapter connected to the sandbox, whose counts begin anew."""
    sandbox.reset()
    asked = connected(sandbox.url)
    yield asked
    asked.payer.close()


@pytest.fixture
def tin(sandbox: Sandbox) -> str:
    """The busy practice's."""
    world = requests.get(f"{sandbox.url}/sandbox/world", timeout=20).json()
    return str(world["practices"][0]["tin"])


def fault(what: dict[str, object], *, nth: int) -> dict[str, object]:
    return {"match": {"kind": "summary"}, "when": {"nth": nth}, "what": what}


def numbers(claims: tuple[Claim, ...]) -> set[str]:
    return {claim.claim_number for claim in claims}


def test_a_quarter_holds_what_its_days_hold(asked: Asked, tin: str) -> None:
    whole = asked.payer.search(sweep(QUARTER, tin=tin))
    parts = [asked.payer.search(sweep(part, tin=tin)) for part in QUARTER.split(18)]

    assert whole.complete
    assert whole.pages > 2
    assert all(part.complete for part in parts)
    assert numbers(whole.claims) == set().union(*(numbers(part.claims) for part in parts))


def test_calls_are_counted_as_the_payer_counts_them(
    asked: Asked, sandbox: Sandbox, tin: str
) -> None:
    sandbox.set_faults(
        [{"match": {"kind": "summary"}, "when": {"nth": 2}, "what": {"status": 503}}]
    )
    answer = asked.payer.search(sweep(QUARTER, tin=tin))
    for claim in answer.claims[:20]:
        asked.payer.enrich(claim, transaction=answer.transaction, level=DetailLevel.REASONS)

    ours: dict[str, int] = {"token": 0, "search": 0, "detail": 0, "payment": 0}
    for record in asked.records:
        ours[record.kind.value] += 1
    theirs = sandbox.calls()
    assert ours == {
        "token": theirs["token"],
        "search": theirs["summary"],
        "detail": theirs["detail"],
        "payment": theirs["payment"],
    }


def test_a_single_finds_one_patient(asked: Asked, tin: str) -> None:
    ada = Patient(first_name="ada", last_name="Example", date_of_birth=date(1975, 5, 10))
    answer = asked.payer.search(single(ada, window=QUARTER, tin=tin))
    assert numbers(answer.claims) == {"FH00000001"}
    assert answer.complete

    nobody = Patient(first_name="Nobody", last_name="Atall", date_of_birth=date(1975, 5, 10))
    assert asked.payer.search(single(nobody, window=QUARTER, tin=tin)).complete


def test_full_detail_explains_and_reconciles_every_paid_claim(asked: Asked, tin: str) -> None:
    answer = asked.payer.search(sweep(QUARTER, tin=tin))
    decided = [claim for claim in answer.claims if claim.processed][:60]
    enriched = [
        asked.payer.enrich(claim, transaction=answer.transaction, level=DetailLevel.FULL)
        for claim in decided
    ]

    assert {claim.detail_error for claim in enriched} <= {None}
    paid = [claim for claim in enriched if claim.total_paid and claim.total_paid > 0]
    assert paid
    assert all(claim.reconciled for claim in paid)
    assert all(claim.payments for claim in paid)


def test_a_tin_that_the_payer_does_not_know_fails_for_itself(asked: Asked) -> None:
    with pytest.raises(PayerError) as caught:
        asked.payer.search(sweep(QUARTER, tin="070000999"))
    assert caught.value.error_class is ErrorClass.CONFIG


@pytest.mark.parametrize(
    "what",
    [
        {"status": 500},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"html": True},
        {"empty": True},
        {"truncated": True},
        {"reset": True},
        {"expire_tokens": True},
        {"big_body_bytes": 20_000_000},
        {"code": "LCLM_PS_301"},
        {"code": "LCLM_PS_305"},
        {"claims": "reordered"},
        {"claims": "duplicated"},
    ],
    ids=str,
)
def test_a_fault_changes_nothing_in_the_answer(
    what: dict[str, object], asked: Asked, sandbox: Sandbox, tin: str
) -> None:
    undisturbed = asked.payer.search(sweep(QUARTER, tin=tin))
    sandbox.set_faults([fault(what, nth=2)])

    answer = asked.payer.search(sweep(QUARTER, tin=tin))

    assert answer.complete
    assert numbers(answer.claims) == numbers(undisturbed.claims)


def test_unreadable_claims_leave_an_answer_incomplete(
    asked: Asked, sandbox: Sandbox, tin: str
) -> None:
    sandbox.set_faults([{"match": {"kind": "summary"}, "what": {"claims": "unreadable"}}])
    answer = asked.payer.search(sweep(QUARTER, tin=tin))
    assert (answer.complete, answer.incomplete_reason) == (False, "unreadable_claims")


def test_results_of_a_sandbox_say_so(asked: Asked, tin: str) -> None:
    asked.payer.search(sweep(QUARTER, tin=tin))
    assert asked.payer.environment == "sandbox"


def test_claims_that_were_not_asked_for_are_ignored_and_counted(
    asked: Asked, sandbox: Sandbox, tin: str
) -> None:
    sandbox.set_faults([fault({"claims": "foreign"}, nth=1)])
    ada = Patient(first_name="Ada", last_name="Example", date_of_birth=date(1975, 5, 10))
    answer = asked.payer.search(single(ada, window=QUARTER, tin=tin))
    assert numbers(answer.claims) == {"FH00000001"}
    assert answer.unrelated_claims == 2
