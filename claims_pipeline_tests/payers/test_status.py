"""Codes and amounts to our status and to what an analyst does next."""

from decimal import Decimal

import pytest

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import Claim, ClaimStatus, Outcome, StatusCode
from claims_pipeline.payers.status import NEXT_ACTIONS, claim_status, next_action_for_error
from claims_pipeline_tests.payers.builders import PAYER_ID, TIN

S = ClaimStatus


def claim(
    *categories: str | None,
    paid: str | None = None,
    allowed: str | None = None,
    owes: str | None = None,
    words: str | None = None,
    partial_denial: bool | None = None,
) -> Claim:
    def money(amount: str | None) -> Decimal | None:
        return None if amount is None else Decimal(amount)

    return Claim(
        payer_id=PAYER_ID,
        tin=TIN,
        claim_number="FT00000001",
        status_codes=tuple(StatusCode(category_code=category) for category in categories),
        total_paid=money(paid),
        total_allowed=money(allowed),
        patient_responsibility=money(owes),
        payer_status=words,
        partial_denial=partial_denial,
    )


@pytest.mark.parametrize(
    ("given", "status", "action"),
    [
        (claim("A0"), S.ACKNOWLEDGED, "check_later"),
        (claim("A1"), S.ACKNOWLEDGED, "check_later"),
        (claim("A2"), S.PENDING, "wait_for_decision"),
        (claim("P0"), S.PENDING, "wait_for_decision"),
        (claim("P1"), S.PENDING, "wait_for_decision"),
        (claim("P2"), S.PENDING, "wait_for_decision"),
        (claim("P5"), S.PENDING, "wait_for_decision"),
        (claim("A3"), S.REJECTED, "correct_and_resubmit"),
        (claim("A6"), S.REJECTED, "correct_and_resubmit"),
        (claim("A7"), S.REJECTED, "correct_and_resubmit"),
        (claim("A8"), S.REJECTED, "correct_and_resubmit"),
        (claim("A0", words="Misdirected"), S.REJECTED, "send_to_right_payer"),
        (claim("P3"), S.ACTION_REQUIRED, "send_information"),
        (claim("P4"), S.ACTION_REQUIRED, "ask_patient"),
        (claim("R0"), S.ACTION_REQUIRED, "send_information"),
        (claim("R16"), S.ACTION_REQUIRED, "send_information"),
        (claim("F1", paid="10.00"), S.PAID, "post_payment"),
        (claim("F0", paid="10.00"), S.PAID, "post_payment"),
        (
            claim("F1", paid="10.00", partial_denial=True),
            S.PAID,
            "post_payment_and_review_lines",
        ),
        (
            claim("F1", paid="0.00", allowed="50.00", owes="50.00"),
            S.CLOSED_NO_PAYMENT,
            "bill_patient",
        ),
        (
            claim("F1", paid="0.00", allowed="0.00", owes="9.00"),
            S.CLOSED_NO_PAYMENT,
            "bill_patient",
        ),
        (claim("F1", paid="0.00", allowed="0.00", owes="0.00"), S.DENIED, "review_denial"),
        (claim("F1", paid="0.00", allowed="0.00"), S.DENIED, "review_denial"),
        (claim("F1", paid="0.00", allowed="50.00"), S.CLOSED_NO_PAYMENT, "review_closed"),
        (claim("F1"), S.UNKNOWN, "look_up_at_payer"),
        (claim("F2", paid="0.00"), S.DENIED, "review_denial"),
        (claim("F3", paid="10.00"), S.ADJUSTED, "review_adjustment"),
        (claim("F3", paid="-10.00"), S.ADJUSTED, "review_take_back"),
        (claim("F1", paid="-10.00"), S.ADJUSTED, "review_take_back"),
        (claim("F2", paid="-10.00"), S.ADJUSTED, "review_take_back"),
        (claim("F3F"), S.CLOSED_NO_PAYMENT, "check_other_payer"),
        (claim("F3N"), S.CLOSED_NO_PAYMENT, "bill_other_payer"),
        (claim("F4"), S.CLOSED_NO_PAYMENT, "review_closed"),
        (claim("F1", "F2", paid="10.00"), S.MULTIPLE, "review_each_part"),
        (claim("F1", "F0", paid="10.00"), S.PAID, "post_payment"),
        (claim("P1", "P2"), S.PENDING, "wait_for_decision"),
        (claim("f1", paid="10.00"), S.PAID, "post_payment"),
        (claim("X0"), S.UNKNOWN, "look_up_at_payer"),
        (claim("ZZ", words="Denied"), S.UNKNOWN, "look_up_at_payer"),
        (claim(), S.UNKNOWN, "look_up_at_payer"),
        (claim(None, words="In Review"), S.PENDING, "wait_for_decision"),
        (claim(words="Denied"), S.DENIED, "review_denial"),
        (claim(words="Finalized", paid="10.00"), S.PAID, "post_payment"),
        (claim(words="Finalized"), S.UNKNOWN, "look_up_at_payer"),
        (claim(words="Something new"), S.UNKNOWN, "look_up_at_payer"),
    ],
)
def test_a_claims_codes_and_amounts_give_its_status(
    given: Claim, status: ClaimStatus, action: str
) -> None:
    reading = claim_status(given)
    assert (reading.status, reading.next_action) == (status, action)


def test_every_row_without_a_certain_claim_has_a_next_action() -> None:
    without_claim = [outcome for outcome in Outcome if outcome is not Outcome.FOUND]
    codes = {next_action_for_error(outcome) for outcome in without_claim}
    codes |= {next_action_for_error(Outcome.FAILED, error_class) for error_class in ErrorClass}
    assert codes <= NEXT_ACTIONS.keys()


def test_next_actions_are_short_sentences() -> None:
    for code, sentence in NEXT_ACTIONS.items():
        assert code.isidentifier()
        assert sentence.endswith(".")
        assert len(sentence) <= 90
