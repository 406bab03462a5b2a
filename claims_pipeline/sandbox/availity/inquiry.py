"""What a claim status inquiry asks for, read from its form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow, Patient

# What the field check lets in; all else is taken for an attack.
_ALLOWED = re.compile(r"[A-Za-z0-9 .,'&/_-]*")
_FIELDS = frozenset(
    {
        "payer.id",
        "submitter.lastName", "submitter.firstName", "submitter.id",
        "providers.lastName", "providers.firstName", "providers.npi", "providers.taxId",
        "subscriber.memberId", "subscriber.lastName", "subscriber.firstName",
        "patient.lastName", "patient.firstName", "patient.birthDate", "patient.genderCode",
        "patient.accountNumber", "patient.subscriberRelationshipCode",
        "fromDate", "toDate", "claimNumber", "claimAmount",
    }
)  # fmt: skip


class InvalidError(Exception):
    """The inquiry is answered with 400 and these words for the developer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """An inquiry that is taken; what of it is wrong shows in its answer."""

    payer_id: str
    npi: str
    member_id: str
    patient: Patient
    window: DateWindow


def read_inquiry(form: Mapping[str, str]) -> Inquiry:
    """Check the fields of a form.

    Raises:
        InvalidError: a field is unknown, missing for this payer, or not allowed.

    """
    unknown = form.keys() - _FIELDS
    if unknown:
        raise InvalidError(f"Unknown field {min(unknown)}")
    if any(not _ALLOWED.fullmatch(value) for value in form.values()):
        raise InvalidError("An inbound injection attempt was detected")
    wanted = (
        "payer.id", "providers.npi", "subscriber.memberId", "patient.lastName",
        "patient.firstName", "patient.birthDate", "fromDate", "toDate",
    )  # fmt: skip
    for name in wanted:
        if not form.get(name):
            raise InvalidError(f"{name} is required by this payer")
    first, last = _day(form, "fromDate"), _day(form, "toDate")
    if last < first:
        raise InvalidError("toDate lies before fromDate")
    return Inquiry(
        payer_id=form["payer.id"],
        npi=form["providers.npi"],
        member_id=form["subscriber.memberId"],
        patient=Patient(
            first_name=form["patient.firstName"],
            last_name=form["patient.lastName"],
            date_of_birth=_day(form, "patient.birthDate"),
        ),
        window=DateWindow(first, last),
    )


def _day(form: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(form[name])
    except ValueError:
        raise InvalidError(f"{name} must be a date as yyyy-MM-dd") from None
