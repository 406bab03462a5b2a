from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from claims_pipeline.exports import lines_of, result_columns, service_lines_of
from claims_pipeline.model import (
    AdjudicationCode,
    AnsweredRow,
    Denial,
    DenialCategory,
    Outcome,
    Payment,
    ServiceLine,
    StatusCode,
)
from claims_pipeline.results_file.columns import LINE_COLUMNS, RESULT_COLUMNS
from claims_pipeline_tests.exports.builders import (
    CELLS,
    HEADER,
    NEXT_ACTIONS,
    make_claim,
    make_row,
)


def shown(row: AnsweredRow) -> list[dict[str, Any]]:
    columns = result_columns(HEADER)
    lines = lines_of(row, width=len(HEADER), next_actions=NEXT_ACTIONS)
    return [dict(zip(columns, line, strict=True)) for line in lines]


def test_the_header_is_the_inputs_own_columns_and_then_ours() -> None:
    columns = result_columns(("first_name", "TIN", " total_charged", "tin code", "=1+1"))
    own = ("first_name", "input_TIN", "input_ total_charged", "tin code", "'=1+1")
    assert columns == (*own, *RESULT_COLUMNS)


def test_a_row_has_a_line_for_each_claim_and_one_primary() -> None:
    lines = shown(make_row(claims=[make_claim(), make_claim(claim_number="FX2")]))
    assert [(line["primary"], line["match_number"], line["match_count"]) for line in lines] == [
        ("Y", 1, 2),
        ("N", 2, 2),
    ]
    assert [line["payer_claim_number"] for line in lines] == ["FX00000001", "FX2"]
    assert {line["claim_number"] for line in lines} == {"FX00000001"}


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.FOUND])
def test_a_row_without_claims_has_one_primary_line(outcome: Outcome) -> None:
    (line,) = shown(make_row(outcome=outcome, searched=None, search=None, checked_at=None))
    assert (line["primary"], line["match_number"], line["match_count"]) == ("Y", None, 0)
    assert (line["outcome"], line["tin"], line["payer_id"]) == (outcome, "070000001", "87726")


@pytest.mark.parametrize(
    ("outcome", "success"),
    [(Outcome.FOUND, "true"), (Outcome.AMBIGUOUS, "true"), (Outcome.NOT_FOUND, "false")],
)
def test_found_and_ambiguous_rows_are_successes(outcome: Outcome, success: str) -> None:
    assert shown(make_row(outcome=outcome))[0]["success"] == success


def test_next_action_is_the_claims_when_found_and_the_rows_when_in_doubt() -> None:
    claims = [make_claim()]
    found = make_row(claims=claims, next_action="choose_claim")
    doubtful = make_row(claims=claims, outcome=Outcome.AMBIGUOUS, next_action="choose_claim")
    assert shown(found)[0]["next_action"] == "Post the payment."
    assert shown(doubtful)[0]["next_action"] == "Compare the claims."
    assert shown(make_row(outcome=Outcome.FAILED))[0]["next_action"] is None


def test_a_claims_facts_stand_in_their_columns() -> None:
    (line,) = shown(make_row(claims=[make_claim(partial_denial=True, reconciled=False)]))
    expected = {
        "claim_status": "PAID",
        "payer_date_of_birth": date(1975, 5, 10),
        "payer_subscriber_id": "000123456",
        "service_from": date(2026, 3, 2),
        "days_since_received": 20,
        "days_since_processed": 5,
        "practice_id": "1",
        "payer": "uhc",
        "channel": "uhc",
        "open_amount": Decimal("0.00"),
        "status_category_code": "F1",
        "status_code": "65",
        "status_description": "Finalized",
        "status_details": None,
        "partial_denial": "Y",
        "reconciled": "N",
        "total_charged": Decimal("150.00"),
        "total_paid": Decimal("-12.50"),
        "payment_number": "0042",
        "payment_amount": Decimal("80.10"),
        "payment_total": Decimal(900),
        "searched_from": date(2026, 2, 23),
        "search": "sweep",
        "payer_environment": "sandbox",
        "checked_at_utc": "03/25/2026 18:30:05",
    }
    assert {name: line[name] for name in expected} == expected


def test_several_statuses_codes_and_payments_share_their_cells() -> None:
    claim = make_claim(
        status_codes=(
            StatusCode(category_code="F1", status_code="65", icn_suffix="01"),
            StatusCode(category_code="F2", status_description="Not covered", icn_suffix="02"),
        ),
        codes=(
            AdjudicationCode(kind="CARC", code="45", description="Above the fee", line_number="1"),
            AdjudicationCode(kind="CARC", code="45", description="Above the fee", line_number="2"),
            AdjudicationCode(kind="CARC", code="96"),
            AdjudicationCode(kind="RARC", code="N1", description="See | there"),
        ),
        payments=(
            Payment(number="1", amount=Decimal(5)),
            Payment(number="2", amount=Decimal("7.5")),
            Payment(kind="EFT"),
        ),
    )
    (line,) = shown(make_row(claims=[claim]))
    assert line["status_details"] == "part 02: F2 Not covered"
    assert (line["denial_codes"], line["denial_reasons"]) == (None, None)  # none was read here
    assert (line["remark_codes"], line["remarks"]) == ("N1", "See | there")
    assert (line["payment_number"], line["payment_amount"]) == ("1 | 2 | ", "5.00 | 7.50 | ")
    assert (line["payment_kind"], line["payment_total"]) == (" |  | EFT", None)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(CELLS[:2], (*CELLS[:2], "", "", "")), ((*CELLS, "surplus"), CELLS), ((), ("",) * 5)],
)
def test_a_ragged_row_stays_under_its_header(
    cells: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    (line,) = shown(make_row(cells=cells, outcome=Outcome.REJECTED))
    assert tuple(line[name] for name in HEADER) == expected


def test_the_columns_come_in_the_order_in_which_one_works() -> None:
    assert list(RESULT_COLUMNS)[:20] == [
        "row_number", "outcome", "claim_status", "next_action", "denial_category", "denial_codes",
        "denial_reasons", "remark_codes", "total_charged", "open_amount", "total_paid",
        "patient_responsibility", "service_from", "service_to", "payer_claim_number",
        "payment_number", "payment_date", "days_since_processed", "match_note", "error_message",
    ]  # fmt: skip
    assert list(RESULT_COLUMNS)[20:23] == ["primary", "same_claim_as_row", "match_number"]
    assert list(RESULT_COLUMNS)[-4:] == ["success", "error_code", "error_column", "checked_at_utc"]
    assert len(RESULT_COLUMNS) == 75


def test_reasons_for_a_denial_stand_in_their_columns() -> None:
    row = make_row(claims=[make_claim()], match_note="The first name differs.")
    (match,) = row.result.claims
    denied = replace(
        match,
        denial_category=DenialCategory.NO_AUTHORIZATION,
        denials=(
            Denial(code="197", description="No approval", amount=Decimal(9)),
            Denial(code="96"),
        ),
        open_amount=Decimal("150.00"),
        note="Other days.",
        same_claim_as_row=7,
    )
    (line,) = shown(replace(row, result=replace(row.result, claims=(denied,))))
    assert line["denial_category"] == "No authorization"
    assert (line["denial_codes"], line["denial_reasons"]) == ("197 | 96", "No approval")
    assert (line["open_amount"], line["same_claim_as_row"]) == (Decimal("150.00"), 7)
    assert line["match_note"] == "The first name differs. Other days."


def test_each_service_line_has_a_line_of_its_own() -> None:
    codes = (
        AdjudicationCode(kind="CARC", code="45", description="Fee", group="CO", line_number="1"),
        AdjudicationCode(kind="CARC", code="197", line_number="1"),
        AdjudicationCode(kind="RARC", code="N54", description="=1+1", line_number="1"),
    )
    service_line = ServiceLine(
        number="1",
        service_from=date(2026, 3, 2),
        procedure="99213",
        modifiers=("25", "GT"),
        units="1",
        charged=Decimal("90.00"),
        allowed=Decimal(0),
        paid=Decimal(0),
        codes=codes,
    )
    row = make_row(3, claims=[make_claim(lines=(service_line, service_line)), make_claim()])
    lines = [dict(zip(LINE_COLUMNS, line, strict=True)) for line in service_lines_of(row)]
    assert len(lines) == 2
    assert lines[0] == lines[1]
    expected = {
        "row_number": 3,
        "payer_claim_number": "FX00000001",
        "procedure": "99213",
        "modifiers": "25 | GT",
        "charged": Decimal("90.00"),
        "denied": "Y",
        "group_codes": "CO | ",
        "adjustment_codes": "45 | 197",
        "remark_codes": "N54",
        "remarks": "'=1+1",
    }
    assert {name: lines[0][name] for name in expected} == expected
