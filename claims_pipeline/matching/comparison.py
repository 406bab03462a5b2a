"""One claim beside one row: what agrees, before any rule weighs it."""

from collections.abc import Iterator
from dataclasses import dataclass

from claims_pipeline.matching import notes
from claims_pipeline.matching.people import (
    BirthDates,
    FirstNames,
    compare_birth_dates,
    compare_first_names,
    first_name_core,
    last_name_keys,
    subscriber_digits,
)
from claims_pipeline.matching.roster import folded_number
from claims_pipeline.model import Claim, DateWindow, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What of a claim agrees with a row.

    `account_number` is also true where the row's claim number is the payer's account number.
    `in_window`: its service begins in the searched days, or nothing says otherwise.
    """

    claim: Claim
    claim_number: bool
    account_number: bool
    first_names: FirstNames
    last_name: bool
    birth_dates: BirthDates
    in_window: bool
    other_subscriber: bool

    @property
    def name(self) -> bool:
        """Whether first and last name agree."""
        return self.last_name and self.first_names >= FirstNames.CLOSE

    @property
    def birth_date(self) -> bool:
        """Whether the dates of birth are equal."""
        return self.birth_dates is BirthDates.EQUAL

    @property
    def person(self) -> bool:
        """Whether the claim is the row's patient's, as far as name and date of birth tell."""
        return self.name and self.birth_date

    @property
    def unsure_person(self) -> bool:
        """Whether it may be: initials only, or a date of birth that is near or missing."""
        if self.birth_date:
            return self.last_name and self.first_names is FirstNames.UNSURE
        return self.name and self.birth_dates is not BirthDates.DIFFERENT

    def differences(self) -> Iterator[str]:
        """A note for each thing that differs, the first name first."""
        if self.first_names is FirstNames.CLOSE:
            yield notes.OTHER_FORM
        elif self.first_names is not FirstNames.EQUAL:
            yield notes.FIRST_NAME_DIFFERS
        if not self.last_name:
            yield notes.LAST_NAME_DIFFERS
        if not self.birth_date:
            yield notes.BIRTH_DATE_DIFFERS
        if self.other_subscriber:
            yield notes.SUBSCRIBER_DIFFERS
        if not self.in_window:
            yield notes.DATES_DIFFER


def compare(request: Request, claim: Claim, *, searched: DateWindow | None) -> Comparison:
    """Lay a claim beside a row; `searched` are the days that the row asks about."""
    number = folded_number(request.claim_number)
    accounts = {number, folded_number(request.patient_account_number)} - {""}
    subscriber = subscriber_digits(request.subscriber_id)
    patient = request.patient
    return Comparison(
        claim=claim,
        claim_number=bool(number) and number == folded_number(claim.claim_number),
        account_number=folded_number(claim.patient_account_number) in accounts,
        first_names=compare_first_names(
            first_name_core(patient.first_name), first_name_core(claim.patient_first_name or "")
        ),
        last_name=not last_name_keys(patient.last_name).isdisjoint(
            last_name_keys(claim.patient_last_name or "")
        ),
        birth_dates=compare_birth_dates(patient.date_of_birth, claim.patient_date_of_birth),
        in_window=_begins_within(claim, searched),
        other_subscriber=subscriber != ""
        and subscriber_digits(claim.subscriber_id) not in {"", subscriber},
    )


def _begins_within(claim: Claim, searched: DateWindow | None) -> bool:
    # As the payer's own search selects, so that a wide sweep and a single answer alike.
    first = claim.service_from or claim.service_to
    return searched is None or first is None or searched.first <= first <= searched.last
