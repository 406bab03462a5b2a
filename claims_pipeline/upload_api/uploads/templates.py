"""CSVs to begin with, one for each shape; each uploads as it is."""

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

from fastapi import Response

from claims_pipeline.errors import InputError
from claims_pipeline.model import Practice
from claims_pipeline.store.tenants.practices import list_practices
from claims_pipeline.upload_api.http.attachments import CSV, content_disposition
from claims_pipeline.upload_api.services import Services

_PERSON = ("first_name", "last_name", "date_of_birth")
_SERVICE_DATES = ("first_service_date", "last_service_date")
# Nobody has these names.
_PEOPLE = (
    {"first_name": "Ada", "last_name": "Example", "date_of_birth": "05/10/1975"},
    {"first_name": "Ben", "last_name": "Example", "date_of_birth": "11/02/1988"},
)
_FIRST_SEEN_DAYS_AGO = 30


class Shape(StrEnum):
    """Which columns a CSV has."""

    CLAIMS = "claims"
    PATIENTS = "patients"
    PRACTICES = "practices"


_COLUMNS = {
    Shape.CLAIMS: ("claim_number", *_PERSON),
    Shape.PATIENTS: (*_PERSON, *_SERVICE_DATES),
    Shape.PRACTICES: (*_PERSON, *_SERVICE_DATES),
}


def template_csv(shape: Shape, practices: Sequence[Practice], *, today: date) -> bytes:
    """Two made-up rows with recent dates; `today` is the payer's.

    The practice is the organization's default, else its first. It is named in the shape
    `practices`, and in the others where no default makes up for it.

    Raises:
        InputError: `practices_missing`.

    """
    if not practices:
        raise InputError(
            "practices_missing", "Your organization has no practices here; an operator adds them."
        )
    default = next((practice for practice in practices if practice.is_default), None)
    is_named = shape is Shape.PRACTICES or default is None
    columns = (*(("practice_id",) if is_named else ()), *_COLUMNS[shape])
    text = io.StringIO(newline="")
    text.write("\ufeff")  # by which Excel knows UTF-8
    writer = csv.writer(text)
    writer.writerow(columns)
    for number, person in enumerate(_PEOPLE, start=1):
        seen = today - timedelta(days=_FIRST_SEEN_DAYS_AGO + number)
        cells = {
            **person,
            "practice_id": (default or practices[0]).practice_id,
            "claim_number": f"FH{number:08}",
            **dict.fromkeys(_SERVICE_DATES, f"{seen:%m/%d/%Y}"),
        }
        writer.writerow([cells[column] for column in columns])
    return text.getvalue().encode()


def template_response(services: Services, organization_id: str, shape: Shape) -> Response:
    """The shape's CSV for this organization, to be saved.

    Raises:
        InputError: `practices_missing`.

    """
    content = template_csv(
        shape,
        list_practices(services.engine, organization_id),
        today=services.settings.payer_today(),
    )
    return Response(
        content,
        media_type=CSV,
        headers={"Content-Disposition": content_disposition(f"{shape}-template", ".csv")},
    )
