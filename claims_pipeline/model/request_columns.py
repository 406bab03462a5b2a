"""Many requests at once, column by column.

A file has up to a million rows. To make an object of each takes more time than to read it, and
the database takes columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Self

from claims_pipeline.model.requests import Patient, Request
from claims_pipeline.model.windows import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestColumns:
    """One sequence for each field of `Request` and `Patient`, all of one length, in row order."""

    row_number: Sequence[int]
    line_number: Sequence[int]
    practice_id: Sequence[str]
    tin: Sequence[str]
    payer_id: Sequence[str]
    first_name: Sequence[str]
    last_name: Sequence[str]
    date_of_birth: Sequence[date]
    claim_number: Sequence[str | None]
    patient_account_number: Sequence[str | None]
    subscriber_id: Sequence[str | None]
    service: Sequence[DateWindow | None]
    total_charged: Sequence[Decimal | None]
    cells: Sequence[tuple[str, ...]]
    duplicate_of: Sequence[int | None]

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Self:
        """The columns of these requests."""
        patients = [request.patient for request in requests]
        return cls(
            row_number=[request.row_number for request in requests],
            line_number=[request.line_number for request in requests],
            practice_id=[request.practice_id for request in requests],
            tin=[request.tin for request in requests],
            payer_id=[request.payer_id for request in requests],
            first_name=[patient.first_name for patient in patients],
            last_name=[patient.last_name for patient in patients],
            date_of_birth=[patient.date_of_birth for patient in patients],
            claim_number=[request.claim_number for request in requests],
            patient_account_number=[request.patient_account_number for request in requests],
            subscriber_id=[request.subscriber_id for request in requests],
            service=[request.service for request in requests],
            total_charged=[request.total_charged for request in requests],
            cells=[request.cells for request in requests],
            duplicate_of=[request.duplicate_of for request in requests],
        )

    def __len__(self) -> int:
        return len(self.row_number)

    def __iter__(self) -> Iterator[Request]:
        patients = map(_patient, self.first_name, self.last_name, self.date_of_birth)
        columns = zip(
            self.row_number,
            self.line_number,
            self.practice_id,
            self.tin,
            self.payer_id,
            patients,
            self.claim_number,
            self.patient_account_number,
            self.subscriber_id,
            self.service,
            self.total_charged,
            self.cells,
            self.duplicate_of,
            strict=True,
        )
        for (
            row_number, line_number, practice_id, tin, payer_id, patient, claim_number,
            account_number, subscriber_id, service, total_charged, cells, duplicate_of,
        ) in columns:  # fmt: skip
            yield Request(
                row_number=row_number,
                line_number=line_number,
                practice_id=practice_id,
                tin=tin,
                payer_id=payer_id,
                patient=patient,
                claim_number=claim_number,
                patient_account_number=account_number,
                subscriber_id=subscriber_id,
                service=service,
                total_charged=total_charged,
                cells=cells,
                duplicate_of=duplicate_of,
            )


NO_REQUESTS = RequestColumns.of(())


def _patient(first_name: str, last_name: str, date_of_birth: date) -> Patient:
    return Patient(first_name=first_name, last_name=last_name, date_of_birth=date_of_birth)
