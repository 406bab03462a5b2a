"""Rows and claims of one made-up person; a test names only what it is about."""

from datetime import date
from typing import Any

from claims_pipeline.model import Claim, DateWindow, Patient, Request, StatusCode

BORN = date(1975, 5, 10)
VISIT = date(2026, 3, 2)
SEARCHED = DateWindow(date(2026, 2, 20), date(2026, 3, 10))


def make_request(**changes: Any) -> Request:
    """A row for Ada Example without claim number, account or dates."""
    patient = Patient(
        first_name=changes.pop("first_name", "ADA"),
        last_name=changes.pop("last_name", "EXAMPLE"),
        date_of_birth=changes.pop("date_of_birth", BORN),
    )
    values: dict[str, Any] = {
        "row_number": 1,
        "line_number": 2,
        "practice_id": "1",
        "tin": "070000001",
        "payer": "uhc",
        "payer_id": "87726",
        "patient": patient,
    }
    return Request(**(values | changes))


def make_claim(**changes: Any) -> Claim:
    """A claim of Ada Example; `first_name`, `born`, `visit` and `suffix` are short names."""
    visit = changes.pop("visit", VISIT)
    values: dict[str, Any] = {
        "payer_id": "87726",
        "tin": "070000001",
        "claim_number": "FX00000001",
        "patient_first_name": changes.pop("first_name", "ADA"),
        "patient_last_name": changes.pop("last_name", "EXAMPLE"),
        "patient_date_of_birth": changes.pop("born", BORN),
        "service_from": visit,
        "service_to": visit,
        "processed": date(2026, 3, 20),
    }
    if suffix := changes.pop("suffix", None):
        values["status_codes"] = (StatusCode(category_code="F1", icn_suffix=suffix),)
    return Claim(**(values | changes))
