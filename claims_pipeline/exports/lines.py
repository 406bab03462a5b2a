"""An answered row as the lines that a results file shows for it: one for each claim.

Text is neutralised here, once for every format. Amounts stay `Decimal`, counts `int` and days
`date`, so that each format writes them as its own kind of value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal

from claims_pipeline.model import (
    AdjudicationCode,
    AnsweredRow,
    Check,
    Claim,
    MatchedClaim,
    Outcome,
    StatusCode,
)
from claims_pipeline.payers.denials import CARC, DENIAL_CATEGORIES
from claims_pipeline.results_file.columns import RESULT_COLUMNS, written_name
from claims_pipeline.results_file.formulas import neutralised

Cell = str | int | Decimal | date | None
Line = tuple[Cell, ...]

_BETWEEN_VALUES = " | "
_SUCCESSES = frozenset({Outcome.FOUND, Outcome.AMBIGUOUS})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What one line is about; `match` is None for a row that no claim answers."""

    row: AnsweredRow
    match: MatchedClaim | None
    match_number: int
    primary: bool
    next_actions: Mapping[str, str]


def result_columns(header: Sequence[str]) -> tuple[str, ...]:
    """The results file's header: the input's own columns, then ours.

    A column of the input that is named like one of ours becomes `input_<name>`.
    """
    return (*(safe(written_name(name, RESULT_COLUMNS)) for name in header), *RESULT_COLUMNS)


def lines_of(row: AnsweredRow, *, width: int, next_actions: Mapping[str, str]) -> list[Line]:
    """The lines of one input row, each as wide as the header.

    Args:
        row: The input row with its answer.
        width: How many columns the input has. A ragged row is filled up or cut to it; the file
            of rejected rows holds it whole.
        next_actions: The sentence for each code of what to do next.

    Returns:
        One line for each claim, best first, or one without a claim; `primary` is Y on exactly one.

    """
    filled = (*row.row.cells[:width], *[""] * (width - len(row.row.cells)))
    own_cells = tuple(safe(cell) for cell in filled)
    claims = row.result.claims
    if not claims:
        shown = _Shown(row=row, match=None, match_number=0, primary=True, next_actions=next_actions)
        return [own_cells + _result_cells(shown)]
    primary = next((place for place, match in enumerate(claims) if match.primary), 0)
    return [
        own_cells
        + _result_cells(
            _Shown(
                row=row,
                match=match,
                match_number=place + 1,
                primary=place == primary,
                next_actions=next_actions,
            )
        )
        for place, match in enumerate(claims)
    ]


def _result_cells(shown: _Shown) -> Line:
    cells = _row_cells(shown)
    if shown.match is not None:
        cells |= _claim_cells(shown.match)
        cells["days_since_received"] = _days_since(shown.match.claim.received, shown)
        cells["days_since_processed"] = _days_since(shown.match.claim.processed, shown)
    return tuple(
        safe(cell) if isinstance(cell, str) else cell for cell in map(cells.get, RESULT_COLUMNS)
    )


def _row_cells(shown: _Shown) -> dict[str, Cell]:
    result = shown.row.result
    match = shown.match
    return {
        "row_number": shown.row.row.row_number,
        "outcome": result.outcome.value,
        "claim_status": match.status.value if match else None,
        "next_action": _next_action(shown),
        "primary": "Y" if shown.primary else "N",
        "match_number": shown.match_number or None,
        "match_count": len(result.claims),
        "matched_by": result.matched_by,
        "match_note": _note(shown),
        "same_claim_as_row": match.same_claim_as_row if match else None,
        "practice_id": shown.row.practice_id,
        "tin": shown.row.tin,
        "payer": shown.row.payer,
        "payer_id": shown.row.payer_id,
        # Until payers are asked in several ways, each is its own.
        "channel": shown.row.payer if result.payer_environment else None,
        **_check_cells(match.check if match else None, shown),
        "searched_from": result.searched.first if result.searched else None,
        "searched_to": result.searched.last if result.searched else None,
        "search": result.search.value if result.search else None,
        "payer_environment": result.payer_environment,
        "success": "true" if result.outcome in _SUCCESSES else "false",
        "error_code": result.error_code,
        "error_message": result.error_message,
        "error_column": result.error_column,
        "checked_at_utc": (
            f"{result.checked_at.astimezone(UTC):%m/%d/%Y %H:%M:%S}" if result.checked_at else None
        ),
    }


def _check_cells(of_claim: Check | None, shown: _Shown) -> dict[str, Cell]:
    """What following the claim told; nothing for a claim that is not followed."""
    check = of_claim or shown.row.result.check
    if check is None:
        return {}
    deadline = check.deadline
    checked = shown.row.result.checked_at
    return {
        "previous_status": check.previous_status,
        "changed": check.changed.value,
        "status_since": check.status_since.astimezone(UTC).date(),
        "checks": check.checks,
        "act_by": deadline.act_by if deadline else None,
        "days_left": (
            (deadline.act_by - checked.astimezone(UTC).date()).days
            if deadline and checked
            else None
        ),
        "deadline_rule": deadline.rule if deadline else None,
        "chosen_claim": check.chosen,
        "tracked_claim": check.tracked_id,
    }


def _claim_cells(match: MatchedClaim) -> dict[str, Cell]:
    claim = match.claim
    category = match.denial_category
    return {
        "payer_claim_number": claim.claim_number,
        "payer_patient_account_number": claim.patient_account_number,
        "payer_patient_first_name": claim.patient_first_name,
        "payer_patient_last_name": claim.patient_last_name,
        "payer_date_of_birth": claim.patient_date_of_birth,
        "payer_subscriber_id": claim.subscriber_id,
        "tin": claim.tin,
        "payer_id": claim.payer_id,
        "claim_type": claim.claim_type,
        "network_status": claim.network_status,
        "rendering_provider": claim.rendering_provider,
        "service_from": claim.service_from,
        "service_to": claim.service_to,
        "received_date": claim.received,
        "processed_date": claim.processed,
        "partial_denial": yes_or_no(claim.partial_denial),
        "total_charged": claim.total_charged,
        "total_allowed": claim.total_allowed,
        "total_paid": claim.total_paid,
        "open_amount": match.open_amount,
        "denial_category": DENIAL_CATEGORIES[category] if category else None,
        "provider_write_off": claim.provider_write_off,
        "not_covered": claim.not_covered,
        "deductible": claim.deductible,
        "copay": claim.copay,
        "coinsurance": claim.coinsurance,
        "patient_responsibility": claim.patient_responsibility,
        "reconciled": yes_or_no(claim.reconciled),
        "detail_error": claim.detail_error,
        **_status_cells(claim),
        **_code_cells(match),
        **_payment_cells(claim),
    }


def _status_cells(claim: Claim) -> dict[str, Cell]:
    """The first of the payer's statuses in columns of its own, the others in one cell."""
    codes = tuple(dict.fromkeys(claim.status_codes))
    first = codes[0] if codes else StatusCode()
    return {
        "status_category_code": first.category_code,
        "status_code": first.status_code,
        "status_description": joined(
            (claim.payer_status, first.category_description, first.status_description)
        ),
        "status_details": joined(_further_status(code) for code in codes[1:]),
    }


def _further_status(code: StatusCode) -> str:
    part = f"part {code.icn_suffix}:" if code.icn_suffix else None
    words = (part, code.category_code, code.status_code, code.status_description)
    return " ".join(word for word in words if word)


def _code_cells(match: MatchedClaim) -> dict[str, Cell]:
    remarks = remarks_among(match.claim.codes)
    return {
        "denial_codes": joined(denial.code for denial in match.denials),
        "denial_reasons": joined(denial.description for denial in match.denials),
        "remark_codes": joined(code.code for code in remarks),
        "remarks": joined(code.description for code in remarks),
    }


def remarks_among(codes: Iterable[AdjudicationCode]) -> list[AdjudicationCode]:
    """Codes that explain and take nothing off: all but the CARC ones."""
    return [code for code in codes if code.kind != CARC]


def _payment_cells(claim: Claim) -> dict[str, Cell]:
    """One payment gives numbers; several give texts whose places belong together."""
    payments = claim.payments
    return {
        "payment_number": _side_by_side([payment.number for payment in payments]),
        "payment_kind": _side_by_side([payment.kind for payment in payments]),
        "payment_date": _side_by_side([payment.issued for payment in payments]),
        "payment_amount": _side_by_side([payment.amount for payment in payments]),
        "payment_total": _side_by_side([payment.total for payment in payments]),
    }


def _side_by_side(values: Sequence[str | Decimal | date | None]) -> Cell:
    if len(values) <= 1:
        return values[0] if values else None
    texts = [str(cell_text(value) or "") for value in values]
    return _BETWEEN_VALUES.join(texts) if any(texts) else None


def cell_text(cell: Cell) -> str | int | None:
    """The cell as a CSV has it: days as MM/DD/YYYY, dollars with cents and no other mark."""
    if isinstance(cell, Decimal):
        return f"{cell:.2f}"
    if isinstance(cell, date):
        # strftime takes ten times as long, and a million rows have eight million dates.
        return f"{cell.month:02}/{cell.day:02}/{cell.year:04}"
    return cell


def _next_action(shown: _Shown) -> str | None:
    result = shown.row.result
    code = result.next_action
    if shown.match is not None and result.outcome is Outcome.FOUND:
        code = shown.match.next_action
    return shown.next_actions.get(code, code) if code else None


def _note(shown: _Shown) -> str | None:
    of_row = shown.row.result.match_note
    of_claim = shown.match.note if shown.match else None
    return f"{of_row} {of_claim}" if of_row and of_claim else of_row or of_claim


def _days_since(day: date | None, shown: _Shown) -> int | None:
    checked = shown.row.result.checked_at
    if day is None or checked is None:
        return None
    return (checked.astimezone(UTC).date() - day).days


def joined(values: Iterable[str | None]) -> str | None:
    """Several values in one cell, each once; None for none."""
    return _BETWEEN_VALUES.join(dict.fromkeys(value for value in values if value)) or None


def yes_or_no(answer: bool | None) -> str | None:  # noqa: FBT001 - the value itself
    """Y, N, or nothing where it is not known."""
    return None if answer is None else ("Y" if answer else "N")


def safe(cell: str) -> str:
    """The text as no spreadsheet runs it."""
    # Nothing that begins with a letter or digit is a formula, and nearly every cell does.
    return cell if cell[:1].isalnum() else neutralised(cell)
