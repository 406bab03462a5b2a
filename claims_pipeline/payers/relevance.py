"""Which claims of an answer may be the patient's, before anything is matched. Pure."""

from claims_pipeline.model import Claim, Patient
from claims_pipeline.names import folded_name


def is_identified(claim: Claim) -> bool:
    """Whether it can be ruled out that this claim answers a row."""
    return None not in (
        claim.patient_first_name,
        claim.patient_last_name,
        claim.patient_date_of_birth,
        claim.service_from,
    )


def may_be(claim: Claim, patient: Patient) -> bool:
    """Whether two of first name, last name and birth date agree; what is missing agrees.

    Wider than any match: whether it is the person is for the matching to say.
    """
    agreeing = (
        _share_a_name(claim.patient_first_name, patient.first_name),
        _share_a_name(claim.patient_last_name, patient.last_name),
        claim.patient_date_of_birth in {None, patient.date_of_birth},
    )
    return sum(agreeing) >= 2


def _share_a_name(claimed: str | None, asked: str) -> bool:
    ours, theirs = folded_name(asked), folded_name(claimed or "")
    return not ours or not theirs or ours in theirs or theirs in ours
