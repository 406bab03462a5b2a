"""What a file asks: its valid rows, its rejected rows, and what was chosen for all of them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from claims_pipeline.model.outcomes import DetailLevel
from claims_pipeline.model.windows import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The person a row asks about, as the file names them. `gender` is M, F or U."""

    first_name: str
    last_name: str
    date_of_birth: date
    gender: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A healthcare provider that an organization works for. `tin` is 9 digits, `npi` 10.

    `wire_name` is the name that payers know it by, where that is not `name`.
    """

    practice_id: str
    tin: str
    name: str
    payer_id: str | None = None
    is_default: bool = False
    npi: str | None = None
    wire_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One valid row: what is to be asked.

    `row_number` counts records from 1 (the header is not counted), `line_number` is the physical
    line on which the record begins (the header is line 1). `service` holds the row's own dates,
    not yet widened. `cells` is the row as it stood in the file, one text per header column.
    `payer` is the short name of the payer that is asked, `npi` the ten digits of who billed. The
    subscriber's names are those of somebody else than the patient.
    `duplicate_of` is the row number of the first row that asks exactly the same.
    """

    row_number: int
    line_number: int
    practice_id: str
    tin: str
    payer: str
    payer_id: str
    patient: Patient
    claim_number: str | None = None
    patient_account_number: str | None = None
    subscriber_id: str | None = None
    subscriber_first_name: str | None = None
    subscriber_last_name: str | None = None
    npi: str | None = None
    service: DateWindow | None = None
    total_charged: Decimal | None = None
    cells: tuple[str, ...] = ()
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row that cannot be asked: where, why, and what to do.

    `column` is the canonical column name, or None when the row as a whole is at fault. `message`
    says what to do and never repeats a cell's value. `also_wrong` are further columns to be
    corrected, known while the file is read and not kept.
    """

    row_number: int
    line_number: int
    column: str | None
    code: str
    message: str
    cells: tuple[str, ...] = ()
    also_wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions:
    """What the person who uploaded chose for the whole file.

    `follow_up`: whether its claims are followed; None leaves it to the organization.
    """

    use_sweeps: bool = True
    start_date: date | None = None
    end_date: date | None = None
    detail_level: DetailLevel = DetailLevel.REASONS
    follow_up: bool | None = None
