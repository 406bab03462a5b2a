"""Pairs of a row and a claim as an expert reads them: the same dates, one claim in the window."""

from datetime import date
from typing import Any

import pytest

from claims_pipeline.matching import Roster, match, notes
from claims_pipeline.model import Outcome
from claims_pipeline_tests.matching.builders import SEARCHED, make_claim, make_request

FOUND, AMBIGUOUS, NOT_FOUND = Outcome.FOUND, Outcome.AMBIGUOUS, Outcome.NOT_FOUND
NUMBER = {"claim_number": "0012345678"}
ACCOUNT = {"patient_account_number": "9001"}


def persons(first: str, last: str, their_first: str, their_last: str) -> tuple[Any, Any]:
    return (
        {"first_name": first, "last_name": last},
        {"first_name": their_first, "last_name": their_last},
    )


PAIRS = {
    "double names crosswise": (
        *persons("ANA", "Garcia Lopez", "ANA", "LOPEZ MARTINEZ"),
        AMBIGUOUS,
        notes.CROSSWISE_LAST_NAME,
    ),
    "a part of a double name": (
        *persons("ANA", "Cruz", "ANA", "De la Cruz-Ortiz"),
        FOUND,
        notes.LAST_NAME_IN_PART,
    ),
    "the double name in the other order": (
        *persons("ANA", "Garcia Lopez", "ANA", "LOPEZ-GARCIA"),
        FOUND,
        notes.LAST_NAME_IN_PART,
    ),
    "Jose and Josefina": (
        *persons("Jose", "EXAMPLE", "JOSEFINA", "EXAMPLE"),
        AMBIGUOUS,
        notes.UNSURE_FIRST_NAME,
    ),
    "Daniel and Daniela": (
        *persons("Daniel", "EXAMPLE", "DANIELA", "EXAMPLE"),
        AMBIGUOUS,
        notes.UNSURE_FIRST_NAME,
    ),
    "Robert and Roberto": (
        *persons("Robert", "EXAMPLE", "ROBERTO", "EXAMPLE"),
        FOUND,
        notes.OTHER_FORM,
    ),
    "WM": (*persons("WM", "EXAMPLE", "WILLIAM", "EXAMPLE"), FOUND, notes.OTHER_FORM),
    "ROBT": (*persons("ROBT", "EXAMPLE", "ROBERT", "EXAMPLE"), FOUND, notes.OTHER_FORM),
    "CHAS": (*persons("CHAS.", "EXAMPLE", "CHARLES", "EXAMPLE"), FOUND, notes.OTHER_FORM),
    "a title": (*persons("MRS ADA", "EXAMPLE", "ADA", "EXAMPLE"), FOUND, None),
    "MA ELENA": (
        *persons("MA ELENA", "EXAMPLE", "MARIA ELENA", "EXAMPLE"),
        FOUND,
        notes.OTHER_FORM,
    ),
    "MA ELENA and Elena": (
        *persons("MA ELENA", "EXAMPLE", "ELENA", "EXAMPLE"),
        AMBIGUOUS,
        notes.UNSURE_FIRST_NAME,
    ),
    "J ROBERT and the first name": (
        *persons("J ROBERT", "EXAMPLE", "JAMES ROBERT", "EXAMPLE"),
        AMBIGUOUS,
        notes.UNSURE_FIRST_NAME,
    ),
    "BILL JAMES": (
        *persons("BILL JAMES", "EXAMPLE", "WILLIAM", "EXAMPLE"),
        FOUND,
        notes.OTHER_FORM,
    ),
    "a letter of the first name": (
        *persons("MARIANNE", "EXAMPLE", "MARIANME", "EXAMPLE"),
        AMBIGUOUS,
        notes.NEAR_FIRST_NAME,
    ),
    "a letter of the last name": (
        *persons("ADA", "WEEVER", "ADA", "WEAVER"),
        AMBIGUOUS,
        notes.NEAR_LAST_NAME,
    ),
    "neighbours of the last name exchanged": (
        *persons("ADA", "EXMAPLE", "ADA", "EXAMPLE"),
        AMBIGUOUS,
        notes.NEAR_LAST_NAME,
    ),
    "a letter too many": (
        *persons("ADA", "EXAMPLES", "ADA", "EXAMPLE"),
        AMBIGUOUS,
        notes.NEAR_LAST_NAME,
    ),
    "first and last name exchanged": (
        *persons("EXAMPLE", "ADA", "ADA", "EXAMPLE"),
        AMBIGUOUS,
        notes.NAMES_EXCHANGED,
    ),
    "a birth name of the same subscriber": (
        {"last_name": "MAIDEN", "subscriber_id": "00912"},
        {"subscriber_id": "912-01"},
        AMBIGUOUS,
        notes.OTHER_LAST_NAME,
    ),
    "another last name without a subscriber": ({"last_name": "MAIDEN"}, {}, NOT_FOUND, None),
    "two slips": (*persons("ADE", "EXMAPLE", "ADA", "EXAMPLE"), NOT_FOUND, None),
    "a short name with another letter": (*persons("ADA", "LEE", "ADA", "LEA"), NOT_FOUND, None),
    "a day off": ({}, {"born": date(1975, 5, 11)}, AMBIGUOUS, notes.NEAR_BIRTH_DATE),
    "a day off over the month": (
        {"date_of_birth": date(1975, 4, 30)},
        {"born": date(1975, 5, 1)},
        AMBIGUOUS,
        notes.NEAR_BIRTH_DATE,
    ),
    "the century": (
        {"date_of_birth": date(1925, 5, 10)},
        {"born": date(2025, 5, 10)},
        AMBIGUOUS,
        notes.NEAR_BIRTH_DATE,
    ),
    "1999 and 2000": (
        {"date_of_birth": date(1999, 5, 10)},
        {"born": date(2000, 5, 10)},
        AMBIGUOUS,
        notes.NEAR_BIRTH_DATE,
    ),
    "digits of the year exchanged": (
        {},
        {"born": date(1957, 5, 10)},
        AMBIGUOUS,
        notes.NEAR_BIRTH_DATE,
    ),
    "digits of the day exchanged": (
        {"date_of_birth": date(1975, 5, 12)},
        {"born": date(1975, 5, 21)},
        AMBIGUOUS,
        notes.NEAR_BIRTH_DATE,
    ),
    "another birth date": ({}, {"born": date(1976, 10, 5)}, NOT_FOUND, None),
    "the claim number's zeros are lost": (
        {"claim_number": "12345678"},
        NUMBER,
        FOUND,
        notes.NUMBER_WRITTEN,
    ),
    "the claim number's zeros are lost and the name is another": (
        {"claim_number": "12345678", "first_name": "GRACE"},
        NUMBER,
        AMBIGUOUS,
        notes.NUMBER_ALONE,
    ),
    "the claim number's zeros are lost and nothing else agrees": (
        {"claim_number": "12345678", "first_name": "GRACE", "date_of_birth": date(1950, 1, 2)},
        NUMBER,
        NOT_FOUND,
        None,
    ),
    "a claim number with .0": (
        {"claim_number": "12345678.0"},
        {"claim_number": "12345678"},
        FOUND,
        None,
    ),
    "a claim number with its suffix behind a blank": (
        {"claim_number": "FX00000001 01"},
        {"suffix": "01"},
        FOUND,
        notes.NUMBER_WRITTEN,
    ),
    "a claim number with its suffix behind a hyphen": (
        {"claim_number": "FX00000001-01"},
        {},
        FOUND,
        notes.NUMBER_WRITTEN,
    ),
    "an account number with .0": (
        {"patient_account_number": "9001.0", "first_name": "GRACE"},
        ACCOUNT,
        FOUND,
        notes.FIRST_NAME_DIFFERS,
    ),
    "an account number alone": (
        {**ACCOUNT, "first_name": "GRACE", "last_name": "OTHERS"},
        ACCOUNT,
        AMBIGUOUS,
        notes.ACCOUNT_ALONE,
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_comes_out_as_an_expert_reads_it(pair: str) -> None:
    row, other, outcome, note = PAIRS[pair]
    request, claim = make_request(**row), make_claim(**other)

    found = match(request, [claim], searched=SEARCHED)

    assert found.outcome is outcome
    if note is not None:
        assert found.note is not None
        assert note in found.note


@pytest.mark.parametrize("pair", PAIRS)
def test_the_roster_finds_whatever_the_rules_take(pair: str) -> None:
    row, other, outcome, _ = PAIRS[pair]
    request, claim = make_request(**row), make_claim(**other)

    is_candidate = request.row_number in Roster([request]).candidates(claim)

    assert is_candidate or outcome is NOT_FOUND


def test_a_near_miss_is_no_answer_beside_the_person() -> None:
    one, other = make_claim(), make_claim(claim_number="FX00000002", last_name="EXMAPLE")
    found = match(make_request(), [other, one], searched=SEARCHED)
    assert (found.outcome, found.claims) == (FOUND, (one,))


def test_a_near_miss_on_other_days_is_none() -> None:
    claim = make_claim(last_name="EXMAPLE", visit=date(2025, 3, 2))
    assert match(make_request(), [claim], searched=SEARCHED).outcome is NOT_FOUND
