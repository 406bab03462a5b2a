"""One claim beside one row: what agrees, before any rule weighs it."""

from collections.abc import Iterator
from dataclasses import dataclass

from claims_pipeline.matching import notes
from claims_pipeline.matching.numbers import claim_number_keys, folded_number, number_keys
from claims_pipeline.matching.people import (
    BirthDates,
    FirstNames,
    LastNames,
    compare_birth_dates,
    compare_first_names,
    compare_last_names,
    first_name_core,
    names_are_exchanged,
    subscriber_digits,
)
from claims_pipeline.model import Claim, DateWindow, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What of a claim agrees with a row.

    `claim_number` holds for every way to write it; `number_as_written` for the very same one.
    `account_number` is also true where the row's claim number is the payer's account number.
    `in_window`: its service begins in the searched days, or nothing says otherwise.
    """

    claim: Claim
    claim_number: bool
    number_as_written: bool
    account_number: bool
    first_names: FirstNames
    last_names: LastNames
    names_exchanged: bool
    birth_dates: BirthDates
    in_window: bool
    same_subscriber: bool
    other_subscriber: bool

    @property
    def last_name(self) -> bool:
        """Whether the last names agree, in part at least."""
        return self.last_names >= LastNames.PART

    @property
    def name(self) -> bool:
        """Whether first and last name agree."""
        return self.last_name and self.first_names >= FirstNames.CLOSE

    @property
    def has_name_in_part(self) -> bool:
        """Whether the first or the last name agrees, or nearly."""
        return self.last_names > LastNames.DIFFERENT or self.first_names >= FirstNames.CLOSE

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
        """Whether it may be: two of first name, last name and birth date agree, the third nearly.

        A last name of another family is near when the subscriber is the same: a birth name.
        """
        if not self.birth_date:
            return self.name and self.birth_dates is not BirthDates.DIFFERENT
        if self.last_name:
            return self.first_names in {FirstNames.NEAR, FirstNames.UNSURE}
        if self.first_names >= FirstNames.CLOSE:
            return self.last_names is not LastNames.DIFFERENT or self.same_subscriber
        return self.names_exchanged

    def differences(self) -> Iterator[str]:
        """A note for each thing that differs, the first name first."""
        if self.first_names is FirstNames.CLOSE:
            yield notes.OTHER_FORM
        elif self.first_names is not FirstNames.EQUAL:
            yield notes.FIRST_NAME_DIFFERS
        if not self.last_name:
            yield notes.LAST_NAME_DIFFERS
        elif self.last_names is LastNames.PART:
            yield notes.LAST_NAME_IN_PART
        if not self.birth_date:
            yield notes.BIRTH_DATE_DIFFERS
        if self.claim_number and not self.number_as_written:
            yield notes.NUMBER_WRITTEN
        if self.other_subscriber:
            yield notes.SUBSCRIBER_DIFFERS
        if not self.in_window:
            yield notes.DATES_DIFFER


def compare(request: Request, claim: Claim, *, searched: DateWindow | None) -> Comparison:
    """Lay a claim beside a row; `searched` are the days that the row asks about."""
    number = folded_number(request.claim_number)
    accounts = number_keys(request.claim_number) | number_keys(request.patient_account_number)
    asked, answered = (
        subscriber_digits(request.subscriber_id),
        subscriber_digits(claim.subscriber_id),
    )
    patient = request.patient
    first_name, last_name = claim.patient_first_name or "", claim.patient_last_name or ""
    return Comparison(
        claim=claim,
        claim_number=not number_keys(request.claim_number).isdisjoint(claim_number_keys(claim)),
        number_as_written=bool(number) and number == folded_number(claim.claim_number),
        account_number=not accounts.isdisjoint(number_keys(claim.patient_account_number)),
        first_names=compare_first_names(
            first_name_core(patient.first_name), first_name_core(first_name)
        ),
        last_names=compare_last_names(patient.last_name, last_name),
        names_exchanged=names_are_exchanged(
            patient.first_name, patient.last_name, first_name, last_name
        ),
        birth_dates=compare_birth_dates(patient.date_of_birth, claim.patient_date_of_birth),
        in_window=_begins_within(claim, searched),
        same_subscriber=asked != "" and asked == answered,
        other_subscriber="" not in {asked, answered} and asked != answered,
    )


def _begins_within(claim: Claim, searched: DateWindow | None) -> bool:
    # As the payer's own search selects, so that a wide sweep and a single answer alike.
    first = claim.service_from or claim.service_to
    return searched is None or first is None or searched.first <= first <= searched.last
