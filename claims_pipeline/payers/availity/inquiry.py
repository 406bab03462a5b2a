"""A query as the form that Availity takes: the fields that its clients are known to send."""

import re

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Member, Patient, Query
from claims_pipeline.names import wire_name

_MEMBER_ID = re.compile(r"[A-Za-z0-9._-]{2,80}")
_GENDERS = frozenset({"M", "F"})
_SELF = "18"
# Of a dependent the file does not say whose: any other relationship.
_OTHER = "G8"


def can_ask(patient: Patient) -> bool:
    """Whether both names hold anything that the wire takes."""
    return bool(wire_name(patient.first_name)) and bool(wire_name(patient.last_name))


def form_of(query: Query, *, submitter_id: str | None) -> dict[str, str]:
    """The form of a search.

    Raises:
        PayerError: `fix_input` or `config` for what would be refused anyway.

    """
    patient, member, provider = query.patient, query.member, query.provider
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
    if provider is None or not provider.npi:
        raise PayerError(
            ErrorClass.CONFIG, "npi_missing", "The practice has no NPI here. Have it added."
        )
    name = wire_name(provider.name) or "PRACTICE"
    form = {
        "payer.id": query.payer_id,
        "submitter.lastName": name,
        "providers.lastName": name,
        "providers.npi": provider.npi,
        "providers.taxId": query.tin,
        "subscriber.memberId": member.subscriber_id,
        **_subscriber(patient, member),
        "patient.lastName": wire_name(patient.last_name),
        "patient.firstName": wire_name(patient.first_name),
        "patient.birthDate": patient.date_of_birth.isoformat(),
        "patient.subscriberRelationshipCode": _OTHER if member.has_own_name else _SELF,
        "fromDate": query.window.first.isoformat(),
        "toDate": query.window.last.isoformat(),
    }
    if patient.gender in _GENDERS:
        form["patient.genderCode"] = patient.gender or ""
    if submitter_id:
        form["submitter.id"] = submitter_id
    return form


def _subscriber(patient: Patient, member: Member) -> dict[str, str]:
    first_name, last_name = patient.first_name, patient.last_name
    if member.has_own_name:
        first_name = member.subscriber_first_name or ""
        last_name = member.subscriber_last_name or ""
    return {
        "subscriber.lastName": wire_name(last_name),
        "subscriber.firstName": wire_name(first_name),
    }
