"""The pure decisions of following: when, what changed, which claim, how many, until when."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.follow_up.asking import file_of
from claims_pipeline.follow_up.budget import within_budget
from claims_pipeline.follow_up.cadence import (
    DEFAULT_RULES,
    CadenceRule,
    Situation,
    next_check,
)
from claims_pipeline.follow_up.deadlines import (
    CountedFrom,
    DeadlineKind,
    DeadlineRule,
    deadline_of,
)
from claims_pipeline.follow_up.joining import Joined, Known, Shown, join, number_key, row_key
from claims_pipeline.follow_up.mornings import has_begun, mornings
from claims_pipeline.follow_up.rule_files import (
    CADENCE_COLUMNS,
    EXAMPLE_DEADLINES,
    cadence_cells,
    read_cadence,
    read_deadlines,
)
from claims_pipeline.follow_up.standings import (
    change_between,
    needs_person,
    standing_of_parts,
    standing_without_claim,
)
from claims_pipeline.model import ChangeKind, ClaimStatus, DateWindow, Outcome, Patient, Request
from claims_pipeline.model import Standing as Stands

TODAY = date(2026, 3, 4)
_STATUSES = st.sampled_from([*ClaimStatus, *Outcome])
_KEYS = st.sampled_from("abcde")


@pytest.mark.parametrize(
    ("situation", "days"),
    [
        (Situation(status="PENDING"), 14),
        (Situation(status="ACKNOWLEDGED"), 7),
        (Situation(status="APPROVED"), 7),
        (Situation(status="failed"), 1),
        (Situation(status="not_found", age_days=20), 7),
        (Situation(status="not_found", age_days=45), 14),
        (Situation(status="DENIED", is_worked=True), 30),
    ],
)
def test_a_claim_is_asked_again_by_where_it_stands(situation: Situation, days: int) -> None:
    planned = next_check((), situation, checked_on=TODAY)
    assert (planned.on, planned.is_final) == (TODAY + timedelta(days=days), False)


@pytest.mark.parametrize("status", ["PAID", "CLOSED_NO_PAYMENT", "ADJUSTED", "REJECTED"])
def test_what_is_final_is_never_asked_again(status: str) -> None:
    planned = next_check((), Situation(status=status), checked_on=TODAY)
    assert (planned.on, planned.is_final) == (None, True)


def test_what_waits_for_a_person_is_neither_asked_nor_final() -> None:
    for status in ("DENIED", "ambiguous"):
        planned = next_check((), Situation(status=status), checked_on=TODAY)
        assert (planned.on, planned.is_final) == (None, False)


@given(status=_STATUSES, worked=st.booleans(), age=st.integers(-10, 4000))
def test_every_situation_has_one_answer(status: str, worked: bool, age: int) -> None:
    situation = Situation(status=status, is_worked=worked, age_days=age)
    planned = next_check((), situation, checked_on=TODAY)
    assert not (planned.is_final and planned.on)
    assert planned.on is None or planned.on > TODAY


@given(status=_STATUSES, days=st.integers(1, 90))
def test_an_organizations_own_rule_goes_before(status: str, days: int) -> None:
    own = [CadenceRule(status=status, then=days)]
    planned = next_check(own, Situation(status=status), checked_on=TODAY)
    assert planned.on == TODAY + timedelta(days=days)


def test_the_rules_of_the_package_survive_their_file() -> None:
    lines = [",".join(CADENCE_COLUMNS), *(",".join(cadence_cells(rule)) for rule in DEFAULT_RULES)]
    assert tuple(read_cadence("\n".join(lines).encode())) == DEFAULT_RULES


@pytest.mark.parametrize(
    "line",
    ["SHINY,,,,7", ",dance,,,7", ",,perhaps,,7", ",,,soon,7", ",,,,0", ",,,,later", ",,,,99999"],
)
def test_a_rule_that_is_none_is_refused_by_its_line(line: str) -> None:
    content = f"{','.join(CADENCE_COLUMNS)}\n,,,,never\n{line}\n".encode()
    with pytest.raises(FileRefusedError, match="Line 3") as refusal:
        read_cadence(content)
    assert refusal.value.code == "rule_invalid"


_AMOUNT = st.one_of(st.none(), st.decimals(0, 100, places=2))
_STANDING = st.builds(
    Stands,
    status=_STATUSES,
    next_action=st.sampled_from([None, "review_denial", "wait_for_decision"]),
    open_amount=_AMOUNT,
    paid=_AMOUNT,
    patient_owes=_AMOUNT,
)


@given(before=_STANDING, after=_STANDING)
def test_a_change_is_told_for_what_differs_and_for_nothing_else(
    before: Stands, after: Stands
) -> None:
    assert change_between(None, after) is ChangeKind.NEW
    assert change_between(before, before) is ChangeKind.SAME
    there, back = change_between(before, after), change_between(after, before)
    assert there is back
    if before.status != after.status:
        assert there is ChangeKind.STATUS


def test_nothing_said_of_an_amount_is_no_other_amount() -> None:
    assert (
        change_between(Stands(status="PENDING"), Stands(status="PENDING", paid=Decimal("0.00")))
        is ChangeKind.SAME
    )


def test_waiting_and_posting_a_payment_are_no_work() -> None:
    for action in ("wait_for_decision", "post_payment", "expect_payment", "check_later", None):
        assert not needs_person(Stands(status="PENDING", next_action=action))
    assert needs_person(standing_without_claim(Outcome.NOT_FOUND))


def test_the_parts_of_a_claim_stand_where_the_most_open_one_does() -> None:
    paid = Stands(status=ClaimStatus.PAID, paid=Decimal(70), charged=Decimal(90))
    pending = Stands(status=ClaimStatus.PENDING, charged=Decimal(10))
    whole = standing_of_parts([paid, pending])
    assert (whole.status, whole.paid, whole.charged) == ("PENDING", Decimal(70), Decimal(100))


def _known() -> st.SearchStrategy[list[Known]]:
    claims = st.lists(_KEYS, unique=True, max_size=3).map(
        lambda keys: [Known(id=f"of {key}", claim_key=key) for key in keys]
    )
    unfound = st.booleans().map(lambda is_there: [Known(id="unfound")] if is_there else [])
    return st.builds(lambda a, b: [*a, *b], claims, unfound)


@given(
    outcome=st.sampled_from([Outcome.FOUND, Outcome.AMBIGUOUS, Outcome.NOT_FOUND, Outcome.FAILED]),
    keys=st.lists(_KEYS, unique=True, max_size=4),
    known=_known(),
    data=st.data(),
)
def test_an_answer_tells_each_claim_and_each_tracked_claim_once(
    outcome: Outcome, keys: list[str], known: list[Known], data: st.DataObject
) -> None:
    asked = data.draw(st.sampled_from([None, *(each.id for each in known)]))
    shown = [Shown(key=key, standing=Stands(status="PAID", claim_number=key)) for key in keys]
    if outcome not in {Outcome.FOUND, Outcome.AMBIGUOUS}:
        shown = []
    joined = join(
        outcome,
        shown,
        known,
        without_claim=standing_without_claim(Outcome.NOT_FOUND),
        asked_for=asked,
    )
    _each_once(joined)
    told = {
        each.claim_key for each in joined if each.standing.claim_number and each.merged_into is None
    }
    if outcome is Outcome.FOUND and keys:
        assert told == set(keys)
    if asked is not None:
        assert asked in {each.tracked_id for each in joined}
    # What is tracked by a key stays with it.
    for each in known:
        for one in joined:
            if one.tracked_id == each.id and each.claim_key in keys and outcome is Outcome.FOUND:
                assert one.claim_key == each.claim_key
    assert joined


def _each_once(joined: Sequence[Joined]) -> None:
    ids = [each.tracked_id for each in joined if each.tracked_id is not None]
    assert len(ids) == len(set(ids))
    keys = [each.claim_key for each in joined if each.claim_key is not None]
    assert len(keys) == len(set(keys))


def _request(**changes: object) -> Request:
    values: dict[str, object] = {
        "row_number": 1,
        "line_number": 2,
        "practice_id": "1",
        "tin": "070000001",
        "payer": "uhc",
        "payer_id": "87726",
        "patient": Patient(
            first_name="Zoë", last_name="O'Example", date_of_birth=date(1975, 5, 10)
        ),
        "service": DateWindow(TODAY, TODAY),
    }
    return Request(**{**values, **changes})  # type: ignore[arg-type]


def test_rows_are_the_same_however_names_and_numbers_are_written() -> None:
    same = Patient(first_name="ZOE", last_name="OEXAMPLE", date_of_birth=date(1975, 5, 10))
    assert row_key(_request()) == row_key(_request(patient=same, row_number=9))
    assert row_key(_request()) != row_key(_request(tin="070000002"))
    assert row_key(_request()) != row_key(_request(payer="other"))
    numbered = _request(claim_number="0FH-00000001", service=None)
    assert row_key(numbered) == number_key(_request(), "FH00000001")


@given(
    costs=st.lists(st.integers(0, 5), max_size=40),
    calls=st.integers(0, 60),
)
def test_as_many_as_fit_are_asked_and_no_more(costs: list[int], calls: int) -> None:
    chosen = within_budget(costs, calls=calls, cost=sum)
    assert sum(chosen) <= calls
    assert chosen == costs[: len(chosen)]
    if calls and len(chosen) < len(costs):
        assert sum(costs[: len(chosen) + 1]) > calls


def test_a_day_begins_at_six_where_the_payer_is() -> None:
    at = datetime(2026, 3, 4, 11, 30, tzinfo=UTC)
    assert has_begun("America/New_York", at)
    assert not has_begun("America/Chicago", at)
    found = mornings([("a", "east", "America/New_York"), ("a", "mid", "America/Chicago")], now=at)
    assert [(each.payer, each.day) for each in found] == [("east", TODAY)]


_DENIED = Stands(
    status=ClaimStatus.DENIED,
    next_action="review_denial",
    processed=TODAY,
    received=TODAY - timedelta(days=20),
    service_to=TODAY - timedelta(days=30),
)


def test_a_deadline_is_that_of_the_payers_own_rule_the_earliest_of_several() -> None:
    rules = read_deadlines(EXAMPLE_DEADLINES.encode())
    found = deadline_of(rules, _DENIED, payer="acme", service_to=None)
    assert found is not None
    assert found.act_by == TODAY + timedelta(days=65)
    assert "acme" in found.rule
    other = deadline_of(rules, _DENIED, payer="other", service_to=None)
    assert other is not None
    assert other.act_by == TODAY + timedelta(days=180)
    several = [
        DeadlineRule(kind=DeadlineKind.APPEAL, days=60, counted_from=CountedFrom.RECEIPT),
        DeadlineRule(kind=DeadlineKind.APPEAL, days=60, counted_from=CountedFrom.DECISION),
    ]
    first = deadline_of(several, _DENIED, payer="x", service_to=None)
    assert first is not None
    assert first.act_by == TODAY + timedelta(days=40)


def test_without_a_rule_or_a_day_to_count_from_there_is_no_deadline() -> None:
    assert deadline_of([], _DENIED, payer="uhc", service_to=TODAY) is None
    rules = read_deadlines(EXAMPLE_DEADLINES.encode())
    assert deadline_of(rules, Stands(status="PENDING"), payer="uhc", service_to=TODAY) is None
    missing = standing_without_claim(Outcome.NOT_FOUND)
    assert deadline_of(rules, missing, payer="uhc", service_to=None) is None
    found = deadline_of(rules, missing, payer="uhc", service_to=TODAY)
    assert found is not None
    assert found.act_by == TODAY + timedelta(days=90)


def test_the_example_of_deadlines_says_that_it_is_one_in_every_line() -> None:
    rules = read_deadlines(EXAMPLE_DEADLINES.encode())
    assert len(rules) == 4
    assert all(rule.source.startswith("EXAMPLE ONLY") for rule in rules)


def test_a_follow_up_file_names_the_payer_only_where_a_file_may() -> None:
    request = _request(claim_number="FH00000001", total_charged=Decimal("120.50"))
    for names, expected in ((True, b'"87726"'), (False, b'"","120.50"')):
        assert expected in b"".join(file_of([request], names_payer_id=names))
