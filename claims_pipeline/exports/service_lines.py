"""The service lines of an answered row's claims, as `lines.csv` and the sheet "Lines" show them."""

from claims_pipeline.exports.lines import Cell, Line, joined, remarks_among, safe, yes_or_no
from claims_pipeline.model import AnsweredRow, MatchedClaim, ServiceLine
from claims_pipeline.payers.denials import CARC, is_denied
from claims_pipeline.results_file.columns import LINE_COLUMNS

_BETWEEN_VALUES = " | "


def service_lines_of(row: AnsweredRow) -> list[Line]:
    """One line for each service line of each claim, in the order of `LINE_COLUMNS`."""
    return [
        _cells(row.row.row_number, match, line)
        for match in row.result.claims
        for line in match.claim.lines
    ]


def _cells(row_number: int, match: MatchedClaim, line: ServiceLine) -> Line:
    adjustments = [code for code in line.codes if code.kind == CARC]
    remarks = remarks_among(line.codes)
    cells: dict[str, Cell] = {
        "row_number": row_number,
        "payer_claim_number": match.claim.claim_number,
        "claim_status": match.status.value,
        "same_claim_as_row": match.same_claim_as_row,
        "line_number": line.number,
        "service_from": line.service_from,
        "service_to": line.service_to,
        "procedure": line.procedure,
        "modifiers": joined(line.modifiers),
        "revenue_code": line.revenue_code,
        "units": line.units,
        "charged": line.charged,
        "allowed": line.allowed,
        "paid": line.paid,
        "not_covered": line.not_covered,
        "denied": yes_or_no(is_denied(line)),
        # In the order of the codes, so that a group stands beside its code.
        "group_codes": _BETWEEN_VALUES.join(code.group or "" for code in adjustments)
        if any(code.group for code in adjustments)
        else None,
        "adjustment_codes": _BETWEEN_VALUES.join(code.code for code in adjustments) or None,
        "adjustment_reasons": joined(code.description for code in adjustments),
        "remark_codes": joined(code.code for code in remarks),
        "remarks": joined(code.description for code in remarks),
    }
    return tuple(
        safe(cell) if isinstance(cell, str) else cell for cell in map(cells.get, LINE_COLUMNS)
    )
