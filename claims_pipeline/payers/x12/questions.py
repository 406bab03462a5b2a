"""Queries to inquiries, and how they stand to answers."""

from claims_pipeline.errors import ErrorClass, PayerError
from claims_pipeline.model import Patient, Query
from claims_pipeline.names import wire_name
from claims_pipeline.payers.base import Answer
from claims_pipeline.payers.statuses_277 import with_parts_apart
from claims_pipeline.payers.x12.fates import FateKind
from claims_pipeline.payers.x12.inquiries import AskedPayer, Inquiry, Member, Provider
from claims_pipeline.payers.x12.postbox import Standing


def can_ask(patient: Patient) -> bool:
    """Whether anything is left of the patient's names in what a file can carry."""
    return bool(wire_name(patient.first_name) and wire_name(patient.last_name))


def inquiry_of(query: Query, *, reference: str, payer_name: str) -> Inquiry:
    """What is asked for a single.

    Its numbers are left out: a payer that is told a claim's number shows no other claim of the
    patient, and a row's answer would depend on which rows are asked together with it.

    Raises:
        PayerError: `fix_input` when the query lacks the member's id, `config` for a sweep.

    """
    patient, member, provider = query.patient, query.member, query.provider
    if patient is None:
        raise PayerError(
            ErrorClass.CONFIG, "sweep_not_possible", "This payer is asked for patients only."
        )
    if member is None or not member.subscriber_id:
        raise PayerError(
            ErrorClass.FIX_INPUT,
            "subscriber_id_required",
            "This payer is asked by the subscriber's id. Add it to the row.",
        )
    person = Member(
        last_name=patient.last_name,
        first_name=patient.first_name,
        date_of_birth=patient.date_of_birth,
        gender=patient.gender,
    )
    subscriber, dependent = person, None
    if member.subscriber_first_name and member.subscriber_last_name:
        dependent = person
        subscriber = Member(
            last_name=member.subscriber_last_name, first_name=member.subscriber_first_name
        )
    return Inquiry(
        trace=reference,
        payer=AskedPayer(id=query.payer_id, name=payer_name),
        provider=Provider(
            name=provider.name if provider else "",
            tin=query.tin,
            npi=provider.npi if provider else None,
        ),
        subscriber=Member(
            last_name=subscriber.last_name,
            first_name=subscriber.first_name,
            date_of_birth=subscriber.date_of_birth,
            gender=subscriber.gender,
            id=member.subscriber_id,
        ),
        dependent=dependent,
        window=query.window,
    )


def answer_of(standing: Standing) -> Answer | None:
    """The answer that an inquiry has got; None while it waits.

    Raises:
        PayerError: it could not be asked, or got none in time.

    """
    match standing.fate.kind:
        case FateKind.WAITING:
            return None
        case FateKind.FAILED:
            raise standing.fate.error()
        case _:
            return Answer(
                claims=with_parts_apart(standing.claims),
                claims_seen=len(standing.claims),
                pages=1,
                complete=standing.is_complete,
                incomplete_reason=None if standing.is_complete else "partial",
            )
