"""Fields of hostile JSON, one by one and all together."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.errors import PayerError
from claims_pipeline.payers.json_fields import Fields, day, fields, money, parsed, text
from claims_pipeline.payers.replies import HttpReply
from claims_pipeline.payers.uhc.claims import claim_of
from claims_pipeline.payers.uhc.pages import read_page
from claims_pipeline_tests.payers.builders import PAYER_ID, TIN, claim_json, single, sweep
from claims_pipeline_tests.thoroughness import examples

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def with_summary(claim: Fields, changed: Fields) -> Fields:
    return claim | {"claimSummary": fields(claim["claimSummary"]) | changed}


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("12.50", "12.50"),
        (" 12.5 ", "12.50"),
        ("-3.00", "-3.00"),
        ("1,234.56", "1234.56"),
        ("$1,234.56", "1234.56"),
        (".00", None),
        ("12", "12.00"),
        (12, "12.00"),
        (Decimal("12.345"), "12.34"),
        ("10XXX.89", None),
        ("XXX", None),
        ("", None),
        (None, None),
        (True, None),
        ("1e5", None),
        ("NaN", None),
        ("1,23,4", None),
        ("9" * 40, None),
        (10**40, None),
        (["1.00"], None),
        ("١٢.٠٠", None),
    ],
)
def test_amounts_are_exact_or_nothing(value: object, amount: str | None) -> None:
    assert money(value) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("05/10/1975", date(1975, 5, 10)),
        ("5/1/1975", date(1975, 5, 1)),
        ("1975-05-10", date(1975, 5, 10)),
        ("1975-05-10T00:00:00Z", date(1975, 5, 10)),
        ("05/10/1975 00:00", date(1975, 5, 10)),
        ("05/10/19751", None),
        ("13/01/1975", None),
        ("02/30/2026", None),
        ("00/00/0000", None),
        ("05/10/75", None),
        ("", None),
        (19750510, None),
        (None, None),
    ],
)
def test_dates_are_calendar_days_or_nothing(value: object, expected: date | None) -> None:
    assert day(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" a  b ", "a  b"),
        ("a\nb\x00c", "a b c"),
        ("\ud800x", "x"),
        ("", None),
        ("   ", None),
        (7, "7"),
        (True, None),
        ({}, None),
        ("é", "é"),
        ("x" * 5000, "x" * 1000),
    ],
)
def test_texts_have_no_control_characters(value: object, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"nul", b"\xff\xfe", b"[NaN]", b"[Infinity]"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any kind of it
        parsed(body)


@settings(max_examples=examples(40), deadline=None)
@given(JSON)
def test_no_answer_breaks_the_reader(content: object) -> None:
    reply = HttpReply(status=200, headers={}, body=json.dumps(content).encode())
    try:
        read_page(reply, sweep())
    except PayerError:
        return


@settings(max_examples=examples(40), deadline=None)
@given(st.sampled_from(["memberInfo", "provInfo", "claimSummary", "claimCodes"]), JSON)
def test_no_field_of_a_claim_breaks_the_reader(name: str, value: object) -> None:
    claim = claim_json() | {name: value}
    body = json.dumps({"claims": [claim], "transactionId": None}).encode()
    page = read_page(HttpReply(status=200, headers={}, body=body), single())
    assert page.seen == 1
    assert len(page.claims) + page.unrelated + page.unreadable >= 1


@settings(max_examples=examples(40), deadline=None)
@given(
    st.sampled_from(sorted(fields(claim_json()["claimSummary"]))),
    JSON,
)
def test_every_field_of_a_summary_may_be_anything(name: str, value: object) -> None:
    claim = claim_of(with_summary(claim_json(), {name: value}), payer_id=PAYER_ID, tin=TIN)
    assert claim is not None
    assert claim.claim_number == "FT00000001"
