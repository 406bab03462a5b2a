"""Answered rows of made-up people; a test names only what it is about."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from claims_pipeline.exports import csv_chunks, write_xlsx
from claims_pipeline.model import (
    AnsweredRow,
    Claim,
    ClaimStatus,
    DateWindow,
    InputRow,
    MatchedClaim,
    Outcome,
    Payment,
    QueryKind,
    Result,
    StatusCode,
)

HEADER = ("claim_number", "first_name", "last_name", "date_of_birth", "note")
CELLS = ("FX00000001", "Zoë", "Exámple", "05/10/1975", "0012")
NEXT_ACTIONS = {"post_payment": "Post the payment.", "choose_claim": "Compare the claims."}


def make_claim(**changes: Any) -> Claim:
    values: dict[str, Any] = {
        "payer_id": "87726",
        "tin": "070000001",
        "claim_number": "FX00000001",
        "patient_first_name": "ZOE",
        "patient_last_name": "EXAMPLE",
        "patient_date_of_birth": date(1975, 5, 10),
        "subscriber_id": "000123456",
        "service_from": date(2026, 3, 2),
        "service_to": date(2026, 3, 2),
        "received": date(2026, 3, 5),
        "processed": date(2026, 3, 20),
        "payer_status": "Finalized",
        "status_codes": (StatusCode(category_code="F1", status_code="65"),),
        "total_charged": Decimal("150.00"),
        "total_paid": Decimal("-12.50"),
        "payments": (Payment(number="0042", amount=Decimal("80.10"), total=Decimal(900)),),
    }
    return Claim(**(values | changes))


def make_row(
    number: int = 1,
    *,
    cells: tuple[str, ...] = CELLS,
    outcome: Outcome = Outcome.FOUND,
    claims: Sequence[Claim] = (),
    **changes: Any,
) -> AnsweredRow:
    matches = tuple(
        MatchedClaim(
            claim=claim,
            status=ClaimStatus.PAID,
            next_action="post_payment",
            primary=place == 0,
            open_amount=Decimal("0.00"),
        )
        for place, claim in enumerate(claims)
    )
    values: dict[str, Any] = {
        "row_number": number,
        "outcome": outcome,
        "claims": matches,
        "searched": DateWindow(date(2026, 2, 23), date(2026, 3, 9)),
        "search": QueryKind.SWEEP,
        "payer_environment": "sandbox",
        "checked_at": datetime(2026, 3, 25, 18, 30, 5, tzinfo=UTC),
    }
    return AnsweredRow(
        row=InputRow(row_number=number, line_number=number + 1, cells=cells),
        result=Result(**(values | changes)),
        practice_id="1",
        tin="070000001",
        payer="uhc",
        payer_id="87726",
    )


def csv_bytes(
    rows: Iterable[AnsweredRow], header: Sequence[str] = HEADER, *, bom: bool = False
) -> bytes:
    return b"".join(csv_chunks(rows, header, next_actions=NEXT_ACTIONS, bom=bom))


def write_workbook(
    rows: Iterable[AnsweredRow],
    stream: BinaryIO,
    scratch: Path,
    header: Sequence[str] = HEADER,
) -> int:
    """Write the workbook with the last name first; returns its lines of results."""
    names = [header.index(name) for name in ("last_name", "first_name") if name in header]
    return write_xlsx(
        rows,
        header,
        stream,
        name_positions=names,
        next_actions=NEXT_ACTIONS,
        scratch=scratch,
    )


def workbook(rows: Iterable[AnsweredRow], header: Sequence[str] = HEADER) -> Workbook:
    stream = io.BytesIO()
    with TemporaryDirectory() as scratch:
        write_workbook(rows, stream, Path(scratch), header)
    return load_workbook(stream)
