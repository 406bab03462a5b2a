"""Detail and payment calls: for which claims, and what they add."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from claims_pipeline.model import Claim, DetailLevel, StatusCode
from claims_pipeline.payers.base import CallKind
from claims_pipeline_tests.payers.builders import PAYER_ID, TIN, Asked
from claims_pipeline_tests.payers.scripted import ScriptedPayer, Seen, http, json_http, lclm

SUMMARY, REASONS, FULL = DetailLevel.SUMMARY, DetailLevel.REASONS, DetailLevel.FULL


def claim(category: str = "F1", **fields: object) -> Claim:
    known = Claim(
        payer_id=PAYER_ID,
        tin=TIN,
        claim_number="FT00000001",
        status_codes=(StatusCode(category_code=category, icn_suffix="01", draft_number="D1"),),
        total_allowed=Decimal("100.00"),
        total_paid=Decimal("0.00"),
        detail_available=True,
    )
    return replace(known, **fields)  # type: ignore[arg-type]


PAID = claim(total_paid=Decimal("80.00"))
DENIED = claim("F2")


def line(
    number: int = 1,
    *,
    paid: str = "80.00",
    allowed: str = "100.00",
    suffix: str = "01",
    **more: object,
) -> dict[str, object]:
    return {
        "lineNbr": str(number),
        "icnSuffix": suffix,
        "allowdAmt": allowed,
        "paidAmt": paid,
        "claimCodes": [{"type": "CARC", "code": f"4{number}", "description": "words"}],
        **more,
    }


def payment(draft: str = "D1", amount: str = "80.00") -> dict[str, object]:
    return {
        "checkNbr": "000123",
        "checkAmt": "1,980.00",
        "checkEFTIndicator": "E",
        "paymentIssueDt": "08/21/2026",
        "draftAmt": amount,
        "draftNbr": draft,
    }


def answer_with(script: ScriptedPayer, *, lines: list[object], payments: list[object]) -> None:
    detail = {"claimsDetailInfo": [{"claimNumber": "FT00000001", "lines": lines}]}

    def answer(seen: Seen, _index: int) -> bytes:
        return json_http(detail if "/detail/" in seen.path else {"payments": payments})

    script.answer = answer


@pytest.mark.parametrize(
    ("asked_for", "level", "kinds"),
    [
        (DENIED, SUMMARY, set()),
        (DENIED, REASONS, {"detail"}),
        (DENIED, FULL, {"detail", "payment"}),
        (claim("A7"), REASONS, {"detail"}),
        (claim("P3"), REASONS, {"detail"}),
        (claim("F4"), REASONS, {"detail"}),
        (claim(patient_responsibility=Decimal(5)), REASONS, {"detail"}),
        (PAID, SUMMARY, set()),
        (PAID, REASONS, {"payment"}),
        (PAID, FULL, {"detail", "payment"}),
        (replace(PAID, not_covered=Decimal("20.00")), REASONS, {"detail", "payment"}),
        (claim("P1"), REASONS, set()),
        (claim("A1"), FULL, {"detail", "payment"}),
        (replace(DENIED, detail_available=False), REASONS, set()),
        (replace(DENIED, detail_available=False), FULL, set()),
        (replace(PAID, detail_available=False), REASONS, {"payment"}),
    ],
)
def test_calls_are_made_for_what_the_level_asks(
    asked_for: Claim,
    level: DetailLevel,
    kinds: set[str],
    script: ScriptedPayer,
    asked: Asked,
) -> None:
    answer_with(script, lines=[line()], payments=[payment()])

    asked.payer.enrich(asked_for, transaction="tx", level=level)

    assert {record.kind.value for record in asked.records} - {"token"} == kinds
    assert asked.payer.wants_detail(asked_for, level) is bool(kinds)
    for seen in script.calls:
        assert seen.headers["claimnumber"] == "FT00000001"
        assert seen.headers["transactionid"] == "tx"


def test_lines_and_payments_are_added_to_the_claim(script: ScriptedPayer, asked: Asked) -> None:
    answer_with(
        script,
        lines=[line(1, paid="50.00"), line(2, paid="30.00")],
        payments=[payment()],
    )
    enriched = asked.payer.enrich(PAID, transaction="tx", level=FULL)

    assert [(code.kind, code.code, code.line_number) for code in enriched.codes] == [
        ("CARC", "41", "1"),
        ("CARC", "42", "2"),
    ]
    paid = enriched.payments[0]
    assert (paid.number, paid.kind, paid.amount, paid.total) == (
        "000123",
        "EFT",
        Decimal("80.00"),
        Decimal("1980.00"),
    )
    assert (enriched.reconciled, enriched.partial_denial) == (True, False)
    assert enriched.detail_error is None


@pytest.mark.parametrize(
    ("lines", "payments", "reconciled"),
    [
        ([line()], [payment()], True),
        ([line(paid="79.99")], [payment()], False),
        ([line()], [payment(amount="79.99")], False),
        ([line(paid="8XXX.00")], [payment()], None),
        ([], [payment()], None),
        ([line()], [], None),
    ],
)
def test_a_claim_reconciles_when_lines_drafts_and_total_agree(
    lines: list[object],
    payments: list[object],
    reconciled: bool | None,
    script: ScriptedPayer,
    asked: Asked,
) -> None:
    answer_with(script, lines=lines, payments=payments)
    assert asked.payer.enrich(PAID, transaction="tx", level=FULL).reconciled is reconciled


def test_a_line_is_kept_with_all_that_the_payer_says_of_it(
    script: ScriptedPayer, asked: Asked
) -> None:
    told = line(
        2,
        paid="0.00",
        allowed="0.00",
        procedureCd="99213-25",
        modifiers=["GT", "25", 7],
        revenueCode="0450",
        unitCount="2",
        billedAmt="120.50",
        notCovAmt="120.50",
        firstSrvcDt="08/01/2026",
        claimCodes=[
            {"type": "CARC", "code": "CO-197"},
            {"type": "PR", "code": "3"},
            {"type": "RARC", "code": "N54"},
        ],
    )
    answer_with(script, lines=[told], payments=[])

    (kept,) = asked.payer.enrich(DENIED, transaction="tx", level=REASONS).lines

    assert (kept.number, kept.procedure, kept.modifiers) == ("2", "99213", ("25", "GT", "7"))
    assert (kept.revenue_code, kept.units) == ("0450", "2")
    assert (kept.service_from, kept.service_to) == (date(2026, 8, 1), date(2026, 8, 1))
    assert (kept.charged, kept.not_covered) == (Decimal("120.50"), Decimal("120.50"))
    assert [(code.kind, code.group, code.code) for code in kept.codes] == [
        ("CARC", "CO", "197"),
        ("CARC", "PR", "3"),
        ("RARC", None, "N54"),
    ]


def test_a_claim_of_which_some_lines_are_denied_is_partly_denied(
    script: ScriptedPayer, asked: Asked
) -> None:
    answer_with(script, lines=[line(1), line(2, paid="0.00", allowed="0.00")], payments=[payment()])
    assert asked.payer.enrich(PAID, transaction="tx", level=FULL).partial_denial is True


def test_lines_and_drafts_of_other_parts_and_versions_are_left_out(
    script: ScriptedPayer, asked: Asked
) -> None:
    mine = replace(PAID, processed=date(2026, 8, 20))
    answer_with(
        script,
        lines=[
            line(1, processedDt="08/20/2026"),
            line(1, paid="10.00", processedDt="08/01/2026"),
            line(9, paid="5.00", suffix="02", processedDt="08/20/2026"),
        ],
        payments=[payment(), payment("D2", "5.00")],
    )
    enriched = asked.payer.enrich(mine, transaction="tx", level=FULL)
    assert len(enriched.codes) == 1
    assert [paid.draft_number for paid in enriched.payments] == ["D1"]
    assert enriched.reconciled is True


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lclm(201, status=404), "LCLM_PS_201"),
        (lclm(203, status=404), "LCLM_PS_203"),
        (lclm(102), "LCLM_PS_102"),
        (http(status=403), "http_403"),
        (http(status=500), "payer_unavailable"),
        (json_http({}), "payer_unavailable"),
        (http(b"<html>"), "payer_unavailable"),
    ],
)
def test_detail_that_fails_leaves_the_summary(
    answer: bytes, error: str, script: ScriptedPayer, asked: Asked
) -> None:
    script.say(answer)
    enriched = asked.payer.enrich(PAID, transaction="tx", level=FULL)
    assert enriched == replace(PAID, detail_error=error)


def test_payments_are_kept_when_only_the_detail_fails(script: ScriptedPayer, asked: Asked) -> None:
    script.answer = lambda seen, _index: (
        lclm(201) if "/detail/" in seen.path else json_http({"payments": [payment()]})
    )
    enriched = asked.payer.enrich(PAID, transaction="tx", level=FULL)
    assert (len(enriched.payments), enriched.detail_error) == (1, "LCLM_PS_201")


def test_a_claim_number_that_no_header_can_carry_is_not_asked_for(
    script: ScriptedPayer, asked: Asked
) -> None:
    strange = replace(PAID, claim_number="FT\r\nX-Evil: 1")
    enriched = asked.payer.enrich(strange, transaction="tx", level=FULL)
    assert enriched.detail_error == "claim_number_not_sendable"
    assert not script.seen


def test_a_search_without_a_token_asks_for_detail_without_one(
    script: ScriptedPayer, asked: Asked
) -> None:
    answer_with(script, lines=[line()], payments=[])
    asked.payer.enrich(DENIED, transaction=None, level=REASONS)
    assert "transactionid" not in script.calls[0].headers
    assert asked.records_of(CallKind.DETAIL)
