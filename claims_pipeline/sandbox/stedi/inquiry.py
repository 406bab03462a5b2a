"""What a claim status check asks for, read as strictly as Stedi reads it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow, Patient

_NPI = re.compile(r"\d{10}", re.ASCII)
_TAX_ID = re.compile(r"\d{9}", re.ASCII)
_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SEPARATORS = re.compile(r"[~*:^]")
_LONGEST = {"memberId": 80, "firstName": 35, "lastName": 60}


class InvalidError(Exception):
    """The check is answered with a ValidationException and this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A check that may be made. `gender` is M, F or None."""

    payer_id: str
    npi: str | None
    tax_id: str | None
    member_id: str
    patient: Patient
    is_dependent: bool
    window: DateWindow


def read_inquiry(body: bytes, *, today: date) -> Inquiry:
    """Check the body of a claim status check.

    Raises:
        InvalidError: saying which field is wrong.

    """
    try:
        document = json.loads(body)
    except ValueError:
        raise InvalidError("The body is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidError("The body must be an object")
    payer_id = _text(document, "tradingPartnerServiceId", least=2, most=80)
    provider = _billing_provider(document.get("providers"))
    subscriber = _object(document, "subscriber")
    member_id = _text(subscriber, "memberId", least=2)
    names = _names(subscriber)
    dependent = document.get("dependent")
    person: Mapping[str, object] = subscriber
    if dependent is not None:
        person = _object(document, "dependent")
        names = _names(person)
    if person.get("gender") not in (None, "M", "F"):
        raise InvalidError("gender must be M or F")
    if person.get("gender") is not None and person.get("dateOfBirth") is None:
        raise InvalidError("dateOfBirth and gender go together")
    born = _day(person, "dateOfBirth")
    if "serviceLineInformation" in document:
        raise InvalidError("serviceLineInformation is deprecated")
    encounter = _object(document, "encounter")
    window = _window(encounter, today)
    first_name, last_name = names
    return Inquiry(
        payer_id=payer_id,
        npi=provider.get("npi"),
        tax_id=provider.get("taxId"),
        member_id=member_id,
        patient=Patient(first_name=first_name, last_name=last_name, date_of_birth=born),
        is_dependent=dependent is not None,
        window=window,
    )


def _billing_provider(value: object) -> dict[str, str]:
    providers = (
        [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    )
    billing = [each for each in providers if each.get("providerType") == "BillingProvider"]
    if len(billing) != 1:
        raise InvalidError("Exactly one provider must have providerType BillingProvider")
    provider = billing[0]
    if "npi" in provider and not _NPI.fullmatch(str(provider["npi"])):
        raise InvalidError("npi must match ^\\d{10}$")
    if "taxId" in provider and not _TAX_ID.fullmatch(str(provider["taxId"])):
        raise InvalidError("taxId must match ^\\d{9}$")
    if not ({"npi", "taxId", "etin"} & provider.keys()):
        raise InvalidError("A provider needs npi, taxId or etin")
    if not provider.get("organizationName") and not provider.get("lastName"):
        raise InvalidError("A provider needs organizationName or lastName")
    return {name: str(value) for name, value in provider.items()}


def _names(person: Mapping[str, object]) -> tuple[str, str]:
    return _text(person, "firstName"), _text(person, "lastName")


def _window(encounter: Mapping[str, object], today: date) -> DateWindow:
    first = _day(encounter, "beginningDateOfService")
    last = _day(encounter, "endDateOfService")
    if last < first:
        raise InvalidError("endDateOfService lies before beginningDateOfService")
    if last > today:
        raise InvalidError("endDateOfService lies in the future")
    return DateWindow(first, last)


def _object(document: Mapping[str, object], name: str) -> dict[str, object]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise InvalidError(f"{name} is required")
    return value


def _text(
    document: Mapping[str, object], name: str, *, least: int = 1, most: int | None = None
) -> str:
    value = document.get(name)
    longest = most or _LONGEST[name]
    if not isinstance(value, str) or not least <= len(value) <= longest:
        raise InvalidError(f"{name} is required, {least} to {longest} characters")
    if _SEPARATORS.search(value):
        raise InvalidError(f"{name} holds a character that X12 reserves")
    return value


def _day(document: Mapping[str, object], name: str) -> date:
    value = document.get(name)
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise InvalidError(f"{name} must be a date as YYYYMMDD")
