"""Tracked claims as the file of an upload: what a person would hand in to ask for them again."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from claims_pipeline.model import Request

FILE_NAME = "follow-up.csv"
_COLUMNS = (
    "claim_number",
    "patient_account_number",
    "first_name",
    "last_name",
    "date_of_birth",
    "gender",
    "subscriber_id",
    "subscriber_first_name",
    "subscriber_last_name",
    "first_service_date",
    "last_service_date",
    "practice_id",
    "npi",
    "payer_id",
    "total_charged",
)
_ROWS_AT_ONCE = 1000


def file_of(requests: Sequence[Request], *, names_payer_id: bool) -> Iterator[bytes]:
    """The CSV in portions, one row for each request in their order.

    `names_payer_id` is False where payers are asked under an id that no file may name.
    """
    yield _lines([_COLUMNS])
    for start in range(0, len(requests), _ROWS_AT_ONCE):
        yield _lines(
            [
                _cells(request, names_payer_id=names_payer_id)
                for request in requests[start : start + _ROWS_AT_ONCE]
            ]
        )


def _cells(request: Request, *, names_payer_id: bool) -> tuple[str, ...]:
    patient = request.patient
    return (
        request.claim_number or "",
        request.patient_account_number or "",
        patient.first_name,
        patient.last_name,
        _day(patient.date_of_birth),
        patient.gender or "",
        request.subscriber_id or "",
        request.subscriber_first_name or "",
        request.subscriber_last_name or "",
        _day(request.service.first if request.service else None),
        _day(request.service.last if request.service else None),
        request.practice_id,
        request.npi or "",
        request.payer_id if names_payer_id else "",
        _dollars(request.total_charged),
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _dollars(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()
