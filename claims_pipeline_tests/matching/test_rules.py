from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from claims_pipeline.matching import is_on_other_days, match, notes
from claims_pipeline.model import AdjudicationCode, Claim, DateWindow, Outcome, Request
from claims_pipeline_tests.matching.builders import SEARCHED, VISIT, make_claim, make_request

NUMBER = "FX00000001"
OWN_DATES = DateWindow(VISIT, VISIT)
SWAPPED = date(1975, 10, 5)
ELSEWHERE = date(2025, 8, 1)


def decide(request: Request, *claims: Claim) -> tuple[Outcome, str | None, list[str]]:
    decided = {
        (found.outcome, found.matched_by, found.note, found.claims)
        for order in list(permutations(claims))[:24]
        for found in [match(request, order, searched=SEARCHED)]
    }
    assert len(decided) == 1, "the order of the claims must not matter"
    ((outcome, matched_by, _, found_claims),) = decided
    return outcome, matched_by, sorted(claim.claim_number for claim in found_claims)


def note(request: Request, *claims: Claim) -> str | None:
    return match(request, claims, searched=SEARCHED).note


NOT_FOUND = (Outcome.NOT_FOUND, None, [])


@pytest.mark.parametrize(
    ("claim", "expected_note"),
    [
        (make_claim(), None),
        (make_claim(claim_number="fx-0000 0001"), None),
        (make_claim(first_name="Zoe", last_name="Other"), "first name differs"),
        (make_claim(last_name="Other"), "last name differs"),
        (make_claim(born=SWAPPED), "date of birth differs"),
        (make_claim(born=date(1990, 1, 1)), "date of birth differs"),
        (make_claim(born=None), "date of birth differs"),
        (make_claim(visit=ELSEWHERE), "service dates differ"),
    ],
)
def test_a_claim_number_with_name_or_birth_date_is_found(
    claim: Claim, expected_note: str | None
) -> None:
    request = make_request(claim_number=NUMBER)
    assert decide(request, claim)[:2] == (Outcome.FOUND, "claim_number")
    told = note(request, claim)
    assert told is None if expected_note is None else expected_note in (told or "")


def test_only_the_named_claim_answers_a_row_with_a_number() -> None:
    request = make_request(claim_number=NUMBER, service=OWN_DATES)
    other = make_claim(claim_number="FX00000002")
    assert decide(request, make_claim(), other) == (Outcome.FOUND, "claim_number", [NUMBER])


def test_a_claim_number_alone_is_ambiguous() -> None:
    stranger = make_claim(first_name="ZOE", last_name="OTHER", born=date(1990, 1, 1))
    request = make_request(claim_number=NUMBER)
    assert decide(request, stranger) == (Outcome.AMBIGUOUS, "claim_number", [NUMBER])
    assert note(request, stranger) == notes.NUMBER_ALONE


def test_a_claim_number_alone_shows_the_patients_claims_of_the_days_too() -> None:
    stranger = make_claim(first_name="ZOE", last_name="OTHER", born=date(1990, 1, 1))
    own = make_claim(claim_number="FX00000002")
    dated = make_request(claim_number=NUMBER, service=OWN_DATES)
    assert decide(dated, stranger, own)[2] == [NUMBER, "FX00000002"]
    assert decide(make_request(claim_number=NUMBER), stranger, own)[2] == [NUMBER]


def test_of_two_claims_with_the_number_the_patients_is_found() -> None:
    stranger = make_claim(first_name="ZOE", born=date(1990, 1, 1), visit=ELSEWHERE)
    found = match(make_request(claim_number=NUMBER), [stranger, make_claim()], searched=SEARCHED)
    assert (found.outcome, found.claims) == (Outcome.FOUND, (make_claim(),))


def test_an_unknown_number_shows_the_patients_claims_of_the_rows_own_dates() -> None:
    claim = make_claim(claim_number="FX00000002")
    dated = make_request(claim_number=NUMBER, service=OWN_DATES)
    assert decide(dated, claim) == (Outcome.AMBIGUOUS, "patient", ["FX00000002"])
    assert note(dated, claim) == notes.NUMBER_UNKNOWN
    assert decide(make_request(claim_number=NUMBER), claim) == NOT_FOUND
    assert decide(dated, make_claim(claim_number="FX00000002", visit=ELSEWHERE)) == NOT_FOUND


def test_parts_of_a_split_claim_are_one_claim() -> None:
    parts = [make_claim(suffix="01"), make_claim(suffix="02", visit=date(2026, 3, 3))]
    found = match(make_request(claim_number=NUMBER), parts, searched=SEARCHED)
    assert (found.outcome, len(found.claims)) == (Outcome.FOUND, 2)


def test_two_claims_of_one_number_are_ambiguous_until_something_tells_them_apart() -> None:
    cheap = make_claim(total_charged=Decimal("10.00"))
    dear = make_claim(total_charged=Decimal("90.00"), visit=date(2026, 3, 5))
    far = make_claim(total_charged=Decimal("50.00"), visit=ELSEWHERE)
    request = make_request(claim_number=NUMBER)
    charged = make_request(claim_number=NUMBER, total_charged=Decimal(90))
    assert match(request, [cheap, dear], searched=SEARCHED).outcome is Outcome.AMBIGUOUS
    assert match(charged, [cheap, dear], searched=SEARCHED).claims == (dear,)
    assert match(charged, [cheap, dear], searched=SEARCHED).outcome is Outcome.FOUND
    assert match(request, [cheap, far], searched=SEARCHED).claims == (cheap,)


@pytest.mark.parametrize("column", ["claim_number", "patient_account_number"])
def test_the_payers_account_number_is_found_with_name_or_birth_date(column: str) -> None:
    request = make_request(**{column: "acct-77"})
    claim = make_claim(patient_account_number="ACCT77", last_name="OTHER")
    assert decide(request, claim) == (Outcome.FOUND, "account_number", [NUMBER])
    stranger = make_claim(patient_account_number="ACCT77", last_name="OTHER", born=date(1990, 1, 1))
    assert decide(request, stranger) == NOT_FOUND
    assert decide(request, make_claim(patient_account_number=None, last_name="X")) == NOT_FOUND


def test_an_account_of_several_claims_answers_a_patient_row_and_not_a_claim_row() -> None:
    claims = [
        make_claim(patient_account_number="A7"),
        make_claim(patient_account_number="A7", claim_number="FX00000002"),
        make_claim(patient_account_number="A8", claim_number="FX00000003"),
    ]
    both = ["FX00000001", "FX00000002"]
    assert decide(make_request(patient_account_number="A7"), *claims) == (
        Outcome.FOUND,
        "account_number",
        both,
    )
    assert decide(make_request(claim_number="A7"), *claims) == (
        Outcome.AMBIGUOUS,
        "account_number",
        both,
    )


def test_three_visits_in_the_window_are_three_claims() -> None:
    claims = [make_claim(claim_number=f"FX{n}", visit=date(2026, 3, n)) for n in (1, 2, 3)]
    outside = make_claim(claim_number="FX9", visit=ELSEWHERE)
    found = decide(make_request(), *claims, outside)
    assert found == (Outcome.FOUND, "patient", ["FX1", "FX2", "FX3"])


def test_a_claim_is_in_the_window_when_its_service_begins_there() -> None:
    stay = make_claim(service_from=date(2026, 3, 10), service_to=date(2026, 3, 30))
    assert decide(make_request(), stay)[0] is Outcome.FOUND
    begun_before = make_claim(service_from=date(2026, 2, 19), service_to=date(2026, 2, 25))
    assert decide(make_request(), begun_before) == NOT_FOUND
    undated = make_claim(service_from=None, service_to=None)
    assert decide(make_request(), undated)[0] is Outcome.FOUND


@pytest.mark.parametrize(
    "claim",
    [
        make_claim(last_name="OTHER"),
        make_claim(first_name="PETER"),
        make_claim(born=date(1990, 1, 1)),
        make_claim(last_name=None),
        make_claim(born=SWAPPED, first_name="A"),
        make_claim(born=SWAPPED, last_name="OTHER"),
        make_claim(born=None, first_name="PETER"),
    ],
)
def test_another_persons_claim_is_not_the_rows(claim: Claim) -> None:
    assert decide(make_request(), claim) == NOT_FOUND


@pytest.mark.parametrize(
    ("claim", "expected_note"),
    [
        (make_claim(born=SWAPPED), notes.NEAR_BIRTH_DATE),
        (make_claim(born=date(1975, 5, 11)), notes.NEAR_BIRTH_DATE),
        (make_claim(born=None), notes.NO_BIRTH_DATE),
        (make_claim(first_name="A"), notes.UNSURE_FIRST_NAME),
        (make_claim(first_name=None), notes.UNSURE_FIRST_NAME),
    ],
)
def test_a_doubtful_person_is_ambiguous(claim: Claim, expected_note: str) -> None:
    assert decide(make_request(), claim)[:2] == (Outcome.AMBIGUOUS, "patient")
    assert note(make_request(), claim) == expected_note
    certain = make_claim(claim_number="FX00000002")
    assert decide(make_request(), claim, certain)[2] == ["FX00000002"]


def test_the_full_first_name_tells_twins_apart() -> None:
    twins = (
        make_claim(first_name="CHRISTOPHER", claim_number="FX1", total_charged=Decimal(5)),
        make_claim(first_name="CHRISTINE", claim_number="FX2", total_charged=Decimal(6)),
    )
    certain = decide(make_request(first_name="Christine"), *twins)
    assert certain == (Outcome.FOUND, "patient", ["FX2"])
    assert decide(make_request(first_name="Chris"), *twins)[::2] == (
        Outcome.AMBIGUOUS,
        ["FX1", "FX2"],
    )
    charged = make_request(first_name="Chris", total_charged=Decimal("5.00"))
    assert decide(charged, *twins)[::2] == (Outcome.FOUND, ["FX1"])
    assert decide(make_request(first_name="Peter"), *twins) == NOT_FOUND


def test_what_differs_is_told_without_values() -> None:
    request = make_request(first_name="Bob", subscriber_id="111-01")
    claim = make_claim(first_name="ROBERT", subscriber_id="222")
    told = note(request, claim)
    assert told == f"{notes.OTHER_FORM} {notes.SUBSCRIBER_DIFFERS}"
    same = make_claim(first_name="ROBERT", subscriber_id="0111")
    assert note(request, same) == notes.OTHER_FORM


def test_older_versions_are_counted_and_not_shown() -> None:
    old = make_claim(processed=date(2026, 3, 10), total_paid=Decimal(80))
    new = make_claim(processed=date(2026, 3, 20), total_paid=Decimal(0))
    for given in ([old, new], [new, old], [new, old, old]):
        found = match(make_request(claim_number=NUMBER), given, searched=SEARCHED)
        assert (found.outcome, found.claims) == (Outcome.FOUND, (new,))


def test_a_claim_seen_twice_is_one_and_keeps_its_fetched_detail() -> None:
    summary = make_claim()
    detailed = make_claim(codes=(AdjudicationCode(kind="CARC", code="45"),))
    for given in ([summary, detailed], [detailed, summary]):
        found = match(make_request(claim_number=NUMBER), given, searched=SEARCHED)
        assert found.claims == (detailed,)


def test_the_order_of_claims_does_not_depend_on_the_order_of_answers() -> None:
    parts = [make_claim(suffix=suffix) for suffix in ("01", "02", "03")]
    assert decide(make_request(claim_number=NUMBER), *parts)[0] is Outcome.FOUND


def test_of_equal_claims_the_latest_processed_comes_first_paid_or_not() -> None:
    paid = make_claim(claim_number="FX1", total_paid=Decimal(5), processed=date(2026, 1, 1))
    late = make_claim(claim_number="FX2", processed=date(2026, 3, 2))
    early = make_claim(claim_number="FX3", processed=date(2026, 3, 1))
    pending = make_claim(claim_number="FX4", processed=None)
    found = match(make_request(), [pending, early, late, paid], searched=SEARCHED)
    assert found.claims == (late, early, paid, pending)


def test_claims_of_the_rows_own_days_come_before_paid_ones_of_the_days_around() -> None:
    own = DateWindow(VISIT, VISIT + timedelta(days=1))
    last_day = make_claim(claim_number="FX2", visit=VISIT + timedelta(days=1))
    first_day = make_claim(claim_number="FX3")
    two_after = make_claim(
        claim_number="FX4", visit=VISIT + timedelta(days=3), total_paid=Decimal(90)
    )
    one_before = make_claim(claim_number="FX5", visit=VISIT - timedelta(days=1))
    given = [two_after, one_before, last_day, first_day]
    found = match(make_request(service=own), given, searched=SEARCHED)
    assert found.claims == (first_day, last_day, one_before, two_after)
    assert [is_on_other_days(make_request(service=own), claim) for claim in found.claims] == [
        False,
        False,
        True,
        True,
    ]
    assert not is_on_other_days(make_request(), two_after)


def test_the_claim_that_the_row_names_comes_first_whatever_its_days() -> None:
    named = make_claim(
        claim_number=NUMBER, visit=VISIT - timedelta(days=40), born=date(1975, 5, 11)
    )
    named = replace(named, patient_first_name="Somebody", patient_last_name="Else")
    other = make_claim(claim_number="FX9")
    request = make_request(claim_number=NUMBER, service=DateWindow(VISIT, VISIT))
    found = match(request, [other, named], searched=SEARCHED)
    assert found.outcome is Outcome.AMBIGUOUS
    assert found.claims == (named, other)


def test_no_claims_are_not_found() -> None:
    assert match(make_request(), [], searched=SEARCHED).outcome is Outcome.NOT_FOUND
