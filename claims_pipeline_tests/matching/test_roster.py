from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.matching import Roster, match
from claims_pipeline.model import Claim, DateWindow, Outcome, Request
from claims_pipeline_tests.matching.builders import VISIT, make_claim, make_request
from claims_pipeline_tests.thoroughness import examples

FIRST_NAMES = ["ADA", "Bob", "ROBERT", "A", "Zoë", "MARY ANN", "MARY"]
LAST_NAMES = ["EXAMPLE", "Example-Smith", "SMITH JR", "De la Cruz", "CRUZ"]
BIRTH_DATES = [date(1975, 5, 10), date(1975, 10, 5), date(1975, 5, 11), date(1980, 1, 1)]
NUMBERS = ["N1", "n-1", "N2", None]

requests = st.builds(
    make_request,
    first_name=st.sampled_from(FIRST_NAMES),
    last_name=st.sampled_from(LAST_NAMES),
    date_of_birth=st.sampled_from(BIRTH_DATES),
    claim_number=st.sampled_from(NUMBERS),
    patient_account_number=st.sampled_from(NUMBERS),
    service=st.sampled_from([None, DateWindow(VISIT, VISIT)]),
)
claims = st.builds(
    make_claim,
    first_name=st.sampled_from([*FIRST_NAMES, None]),
    last_name=st.sampled_from([*LAST_NAMES, None]),
    born=st.sampled_from([*BIRTH_DATES, None]),
    claim_number=st.sampled_from(["N1", "N2", "N3"]),
    patient_account_number=st.sampled_from(NUMBERS),
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(requests, min_size=1, max_size=5), claims)
def test_the_roster_names_every_row_that_a_claim_could_answer(
    asked: list[Request], claim: Claim
) -> None:
    rows = [replace(request, row_number=number) for number, request in enumerate(asked, 1)]
    candidates = Roster(rows).candidates(claim)
    for request in rows:
        answered = match(request, [claim], searched=None).outcome is not Outcome.NOT_FOUND
        assert not answered or request.row_number in candidates


def test_a_claim_of_a_stranger_has_no_candidates() -> None:
    roster = Roster([make_request(claim_number="N1", patient_account_number="A1"), make_request()])
    stranger = make_claim(last_name="OTHER", patient_account_number="A2")
    assert roster.candidates(stranger) == []
    assert roster.candidates(make_claim(first_name="PETER")) == []
    assert roster.candidates(make_claim(born=date(1990, 1, 1))) == []


def test_a_row_that_asks_for_one_claim_is_no_candidate_for_the_patients_others() -> None:
    asks_for_one = make_request(claim_number="N1")
    dated = make_request(row_number=2, claim_number="N1", service=DateWindow(VISIT, VISIT))
    assert Roster([asks_for_one, dated]).candidates(make_claim()) == [2]


def test_many_rows_of_one_last_name_are_told_apart() -> None:
    rows = [
        make_request(row_number=number, date_of_birth=date(1940, 1, 1) + timedelta(days=number))
        for number in range(1, 2_000)
    ]
    candidates = Roster(rows).candidates(make_claim(born=date(1940, 1, 1) + timedelta(days=5)))
    assert 5 in candidates
    assert len(candidates) < 50
