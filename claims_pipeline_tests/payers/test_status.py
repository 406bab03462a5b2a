"""Codes and amounts to our status and to what an analyst does next."""

from decimal import Decimal

import pytest

from claims_pipeline.errors import ErrorClass
from claims_pipeline.model import (
    AdjudicationCode,
    Claim,
    ClaimStatus,
    DenialCategory,
    Outcome,
    ServiceLine,
    StatusCode,
)
from claims_pipeline.payers.denials import ACTION_BY_CATEGORY, DENIAL_CATEGORIES
from claims_pipeline.payers.status import (
    NEXT_ACTIONS,
    claim_status,
    error_of,
    next_action_for_error,
)
from claims_pipeline_tests.payers.builders import PAYER_ID, TIN

S = ClaimStatus


def claim(
    *categories: str | None,
    paid: str | None = None,
    allowed: str | None = None,
    owes: str | None = None,
    words: str | None = None,
    partial_denial: bool | None = None,
    charged: str | None = None,
    status: str | None = None,
    codes: tuple[AdjudicationCode, ...] = (),
    lines: tuple[ServiceLine, ...] = (),
) -> Claim:
    def money(amount: str | None) -> Decimal | None:
        return None if amount is None else Decimal(amount)

    return Claim(
        payer_id=PAYER_ID,
        tin=TIN,
        claim_number="FT00000001",
        status_codes=tuple(
            StatusCode(category_code=category, status_code=status) for category in categories
        ),
        total_paid=money(paid),
        total_allowed=money(allowed),
        patient_responsibility=money(owes),
        payer_status=words,
        partial_denial=partial_denial,
        total_charged=money(charged),
        codes=codes,
        lines=lines,
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
        (claim("F1"), S.PAID, "look_up_payment"),
        (claim("F1", allowed="5.00"), S.UNKNOWN, "look_up_at_payer"),
        (claim("F0"), S.UNKNOWN, "look_up_at_payer"),
        (claim("F0", status="3"), S.APPROVED, "expect_payment"),
        (claim("F0", status="3", paid="10.00"), S.APPROVED, "expect_payment"),
        (claim("F0", status="03", paid="0.00", allowed="0.00"), S.APPROVED, "expect_payment"),
        (claim("F0", status="3", paid="-1.00"), S.ADJUSTED, "review_take_back"),
        (claim("F1", status="3", paid="10.00"), S.PAID, "post_payment"),
        (claim("A5"), S.MULTIPLE, "review_each_part"),
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


def carc(code: str, line: str | None = None) -> AdjudicationCode:
    return AdjudicationCode(kind="CARC", code=code, description=f"Words {code}", line_number=line)


def rarc(code: str, line: str | None = None) -> AdjudicationCode:
    return AdjudicationCode(kind="RARC", code=code, line_number=line)


def line(
    number: str, *codes: AdjudicationCode, allowed: str = "0.00", lost: str = "50.00"
) -> ServiceLine:
    is_lost = allowed == "0.00"
    return ServiceLine(
        number=number,
        charged=Decimal("50.00"),
        allowed=Decimal(allowed),
        paid=Decimal(allowed),
        not_covered=Decimal(lost) if is_lost else None,
        codes=codes,
    )


def with_lines(category: str, *lines: ServiceLine, paid: str = "0.00") -> Claim:
    codes = tuple(code for each in lines for code in each.codes)
    return claim(category, paid=paid, charged="200.00", codes=codes, lines=lines)


@pytest.mark.parametrize(
    ("codes", "category", "action"),
    [
        ([carc("197")], "no_authorization", "appeal_with_authorization"),
        ([carc("29")], "filed_late", "prove_timely_filing"),
        ([carc("50")], "medical_necessity", "appeal_medical_necessity"),
        ([carc("16")], "coding", "send_corrected_claim"),
        ([carc("16"), rarc("M127")], "records_wanted", "send_records"),
        ([carc("16"), rarc("MA04")], "other_insurance", "settle_other_insurance"),
        ([carc("16"), rarc("N99999")], "coding", "send_corrected_claim"),
        ([carc("18")], "duplicate", "find_first_claim"),
        ([carc("22")], "other_insurance", "settle_other_insurance"),
        ([carc("27")], "eligibility", "check_eligibility"),
        ([carc("97")], "bundled", "check_bundling"),
        ([carc("119")], "limit_reached", "check_limit"),
        ([carc("185")], "provider", "check_provider"),
        ([carc("96")], "not_covered", "check_benefits"),
        ([carc("9999")], "other", "review_denial"),
        ([carc("45"), carc("197")], "no_authorization", "appeal_with_authorization"),
        ([carc("45"), rarc("N30")], "eligibility", "check_eligibility"),
        ([], "other", "review_denial"),
    ],
)
def test_a_denial_has_a_kind_and_something_to_do_about_it(
    codes: list[AdjudicationCode], category: str, action: str
) -> None:
    reading = claim_status(claim("F2", charged="80.00", codes=tuple(codes)))
    assert (reading.denial_category, reading.next_action) == (category, action)
    assert reading.open_amount == Decimal("80.00")
    assert "45" not in [denial.code for denial in reading.denials]


def test_the_reason_with_the_largest_amount_gives_the_kind() -> None:
    small = line("1", carc("29", "1"), lost="10.00")
    large = line("2", carc("197", "2"), carc("45", "2"), lost="40.00")
    reading = claim_status(with_lines("F2", small, large))
    assert reading.denial_category is DenialCategory.NO_AUTHORIZATION
    assert [(denial.code, denial.amount) for denial in reading.denials] == [
        ("197", Decimal("40.00")),
        ("29", Decimal("10.00")),
    ]


def test_a_partly_denied_claim_is_open_for_what_its_denied_lines_lost() -> None:
    paid_line = line("1", carc("45", "1"), carc("59", "1"), allowed="30.00")
    reading = claim_status(with_lines("F1", paid_line, line("2", carc("96", "2")), paid="30.00"))
    assert (reading.status, reading.next_action) == (S.PAID, "post_payment_and_review_lines")
    assert (reading.open_amount, reading.denial_category) == (Decimal("50.00"), "not_covered")
    assert [denial.code for denial in reading.denials] == ["96"]


def test_what_the_contract_writes_off_is_no_denial() -> None:
    written_off = line("2", carc("45", "2"))
    reading = claim_status(with_lines("F1", line("1", allowed="30.00"), written_off, paid="30.00"))
    assert (reading.status, reading.next_action) == (S.PAID, "post_payment")
    assert (reading.open_amount, reading.denial_category, reading.denials) == (0, None, ())


@pytest.mark.parametrize(
    ("given", "still_open"),
    [
        (claim("P1", charged="80.00"), "80.00"),
        (claim("A7", charged="80.00"), "80.00"),
        (claim("F0", status="3", paid="60.00", charged="80.00"), "80.00"),
        (claim("F1", paid="60.00", charged="80.00"), "0.00"),
        (claim("F3", paid="-60.00", charged="80.00"), "0.00"),
        (claim("F1", paid="0.00", allowed="50.00", owes="50.00", charged="80.00"), "0.00"),
        (claim("P1"), None),
    ],
)
def test_what_can_still_be_won_is_charged_on_open_claims(
    given: Claim, still_open: str | None
) -> None:
    expected = None if still_open is None else Decimal(still_open)
    assert claim_status(given).open_amount == expected


def test_a_claim_in_whose_place_an_error_stands_is_asked_again() -> None:
    assert error_of(claim("A0", status="484")) is ErrorClass.TRANSIENT
    assert error_of(claim("E1")) is ErrorClass.TRANSIENT
    assert error_of(claim("E4")) is ErrorClass.CONFIG
    for claimed in (claim("A0"), claim("A0", status="16"), claim("A0", "F1", status="484")):
        assert error_of(claimed) is None


def test_every_kind_of_denial_has_a_word_and_an_action() -> None:
    assert set(DENIAL_CATEGORIES) == set(ACTION_BY_CATEGORY) == set(DenialCategory)
    assert set(ACTION_BY_CATEGORY.values()) <= set(NEXT_ACTIONS)
    assert len(set(ACTION_BY_CATEGORY.values())) == len(DenialCategory)
