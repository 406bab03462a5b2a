"""Many requests at once, column by column.

A file has up to a million rows. To make an object of each takes more time than to read it, and
the database takes columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Self

from claims_pipeline.model.requests import Patient, Request
from claims_pipeline.model.windows import DateWindow

_OF_PATIENT = tuple(field.name for field in fields(Patient))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestColumns:
    """One sequence for each field of `Request` and `Patient`, all of one length, in row order."""

    row_number: Sequence[int]
    line_number: Sequence[int]
    practice_id: Sequence[str]
    tin: Sequence[str]
    payer: Sequence[str]
    payer_id: Sequence[str]
    first_name: Sequence[str]
    last_name: Sequence[str]
    date_of_birth: Sequence[date]
    gender: Sequence[str | None]
    claim_number: Sequence[str | None]
    patient_account_number: Sequence[str | None]
    subscriber_id: Sequence[str | None]
    subscriber_first_name: Sequence[str | None]
    subscriber_last_name: Sequence[str | None]
    npi: Sequence[str | None]
    service: Sequence[DateWindow | None]
    total_charged: Sequence[Decimal | None]
    cells: Sequence[tuple[str, ...]]
    duplicate_of: Sequence[int | None]

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Self:
        """The columns of these requests."""
        of_request = {
            name: attrgetter(f"patient.{name}" if name in _OF_PATIENT else name)
            for name in REQUEST_FIELDS
        }
        return cls(**{name: list(map(read, requests)) for name, read in of_request.items()})

    def __len__(self) -> int:
        return len(self.row_number)

    def __iter__(self) -> Iterator[Request]:
        columns = (getattr(self, name) for name in REQUEST_FIELDS)
        for values in zip(*columns, strict=True):
            yield request_of(dict(zip(REQUEST_FIELDS, values, strict=True)))


# What is known of a row, its patient's fields among the others: who stores a request, reads it back
# or takes it apart goes by this list.
REQUEST_FIELDS = tuple(field.name for field in fields(RequestColumns))
# What tells two members of one name and birth date apart.
MEMBERSHIP_FIELDS = ("subscriber_id", "subscriber_first_name", "subscriber_last_name", "gender")
NO_REQUESTS = RequestColumns.of(())


def request_of(values: dict[str, Any]) -> Request:
    """A request by its fields, which are taken out of `values`; what is missing has its default."""
    patient = Patient(**{name: values.pop(name) for name in _OF_PATIENT})
    return Request(patient=patient, **values)


def membership_of(request: Request) -> tuple[str | None, ...]:
    """The values of `MEMBERSHIP_FIELDS`."""
    return (
        request.subscriber_id,
        request.subscriber_first_name,
        request.subscriber_last_name,
        request.patient.gender,
    )
