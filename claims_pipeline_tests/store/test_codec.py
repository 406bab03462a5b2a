"""Claims and windows come back from JSON exactly as they went in."""

import json
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.model import (
    AdjudicationCode,
    Claim,
    DateWindow,
    Payment,
    StatusCode,
    merge_windows,
)
from claims_pipeline.store.codec import (
    claim_digest,
    claim_from_json,
    claim_to_json,
    windows_from_json,
    windows_to_json,
)

_money = st.decimals(min_value=-100_000, max_value=100_000, places=2)
_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_claims = st.builds(
    Claim,
    payer_id=_text,
    tin=_text,
    claim_number=_text,
    patient_first_name=st.none() | _text,
    service_from=st.none() | st.dates(),
    processed=st.none() | st.dates(),
    processed_time=st.none() | _text,
    total_paid=st.none() | _money,
    coinsurance=st.none() | _money,
    partial_denial=st.none() | st.booleans(),
    reconciled=st.none() | st.booleans(),
    detail_available=st.booleans(),
    status_codes=st.lists(
        st.builds(StatusCode, category_code=st.none() | _text, icn_suffix=st.none() | _text),
        max_size=3,
    ).map(tuple),
    codes=st.lists(
        st.builds(AdjudicationCode, kind=_text, code=_text, description=st.none() | _text),
        max_size=3,
    ).map(tuple),
    payments=st.lists(
        st.builds(Payment, number=st.none() | _text, issued=st.none() | st.dates(), amount=_money),
        max_size=3,
    ).map(tuple),
)


@given(claim=_claims)
def test_a_claim_comes_back_equal(claim: Claim) -> None:
    stored = json.loads(json.dumps(claim_to_json(claim)))
    again = claim_from_json(stored)
    assert again == claim
    assert str(again.total_paid) == str(claim.total_paid)


def test_a_claim_takes_no_room_for_what_it_lacks() -> None:
    claim = Claim(payer_id="87726", tin="070000001", claim_number="FH1", total_paid=Decimal("1.10"))
    assert claim_to_json(claim) == {
        "payer_id": "87726",
        "tin": "070000001",
        "claim_number": "FH1",
        "total_paid": "1.10",
    }


def test_versions_of_a_claim_have_different_keys_and_money_does_not_matter() -> None:
    first = Claim(payer_id="1", tin="070000001", claim_number="FH1", processed=date(2026, 1, 1))
    later = Claim(payer_id="1", tin="070000001", claim_number="FH1", processed=date(2026, 1, 2))
    paid = Claim(
        payer_id="1",
        tin="070000001",
        claim_number="FH1",
        processed=date(2026, 1, 1),
        total_paid=Decimal(1),
    )
    assert claim_digest(first) != claim_digest(later)
    assert claim_digest(first) == claim_digest(paid)
    assert len(claim_digest(first)) <= 64


@given(days=st.lists(st.tuples(st.dates(), st.dates()), max_size=5))
def test_windows_come_back_equal(days: list[tuple[date, date]]) -> None:
    windows = merge_windows(DateWindow(min(pair), max(pair)) for pair in days)
    assert windows_from_json(json.loads(json.dumps(windows_to_json(windows)))) == windows


def test_no_windows_are_stored_is_no_window() -> None:
    assert windows_from_json(None) == ()
