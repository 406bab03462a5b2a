"""A query as Stedi's JSON: as little as it takes, since surplus data keeps claims from matching."""

import json
import re
from datetime import date

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Member, Patient, Query
from claims_pipeline.names import wire_name

LONGEST_FIRST_NAME = 35
LONGEST_LAST_NAME = 60
_LONGEST_ORGANIZATION = 60
# Any that X12 does not take for its own separators, and that print.
_MEMBER_ID = re.compile(r"[A-Za-z0-9 ._/-]{2,80}")
_GENDERS = frozenset({"M", "F"})

Json = dict[str, object]


def can_ask(patient: Patient) -> bool:
    """Whether both names hold anything that the wire takes."""
    return bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name))


def body_of(query: Query) -> bytes:
    """The body of a search.

    Raises:
        PayerError: `fix_input` for what Stedi would refuse anyway.

    """
    patient, member = query.patient, query.member
    if patient is None or member is None or not can_ask(patient):
        raise PayerError(
            ErrorClass.FIX_INPUT, "name_not_askable", "Only patients with a name can be asked for."
        )
    if not member.subscriber_id or not _MEMBER_ID.fullmatch(member.subscriber_id):
        raise PayerError(
            ErrorClass.FIX_INPUT,
            "subscriber_id_not_sendable",
            "The subscriber id is missing, or holds signs that cannot be sent. Correct it.",
        )
    content: Json = {
        "tradingPartnerServiceId": query.payer_id,
        "providers": [_billing_provider(query)],
        **_people(patient, member, member.subscriber_id),
        "encounter": {
            "beginningDateOfService": _day(query.window.first),
            "endDateOfService": _day(query.window.last),
        },
    }
    return json.dumps(content).encode()


def _billing_provider(query: Query) -> Json:
    """Exactly one billing provider; by NPI, and by TIN where nobody told it."""
    provider = query.provider
    name = wire_name(provider.name)[:_LONGEST_ORGANIZATION] if provider else ""
    found: Json = {"providerType": "BillingProvider"}
    if provider is not None and provider.npi:
        found["npi"] = provider.npi
    else:
        found["taxId"] = query.tin
    # A name has to be there; the number decides.
    found["organizationName"] = name or "PRACTICE"
    return found


def _people(patient: Patient, member: Member, member_id: str) -> Json:
    """The subscriber, who is the patient unless the row names somebody else."""
    if not member.has_own_name:
        return {"subscriber": {"memberId": member_id, **_names(patient), **_birth(patient)}}
    subscriber = {
        "memberId": member_id,
        "firstName": wire_name(member.subscriber_first_name or "")[:LONGEST_FIRST_NAME],
        "lastName": wire_name(member.subscriber_last_name or "")[:LONGEST_LAST_NAME],
    }
    return {"subscriber": subscriber, "dependent": {**_names(patient), **_birth(patient)}}


def _names(patient: Patient) -> Json:
    return {
        "firstName": wire_name(patient.first_name)[:LONGEST_FIRST_NAME],
        "lastName": wire_name(patient.last_name)[:LONGEST_LAST_NAME],
    }


def _birth(patient: Patient) -> Json:
    """Date of birth and gender go together, unless nobody knows the gender."""
    born: Json = {"dateOfBirth": _day(patient.date_of_birth)}
    if patient.gender in _GENDERS:
        born["gender"] = patient.gender
    return born


def _day(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"
