"""What a search asks for, by the combinations that the payer takes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.practices import WorldPractice, demo_payer_id
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World

MOST_DAYS = 90
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


class RefusedError(Exception):
    """The search is answered with an error of this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A search of one practice that may be made."""

    practice: WorldPractice
    claim_number: str | None
    account_number: str | None
    member_id: str | None
    first_name: str | None
    last_name: str | None
    born: date | None
    window: DateWindow | None

    def looked_up(self, world: World) -> list[Record]:
        """What the world has of it; with a claim or account number, dates play no part."""
        if self.claim_number:
            found = list(world.records_numbered(self.claim_number))
            return [each for each in found if each.practice_number == self.practice.number]
        window = self.window or DateWindow(world.oldest_day, world.today)
        if self.first_name and self.last_name and self.born:
            person = Patient(
                first_name=self.first_name, last_name=self.last_name, date_of_birth=self.born
            )
            found = world.search(self.practice, window, person)
        else:
            found = world.search(self.practice, window)
        return [record for record in found if self._fits(record)]

    def _fits(self, record: Record) -> bool:
        person = record.person
        return (
            self.account_number in {None, record.account_number}
            and self.member_id in {None, person.subscriber_id}
            and self.born in {None, person.date_of_birth}
        )


def read_inquiry(tin: str | None, asked: Mapping[str, str], world: World) -> Inquiry:
    """Check a search.

    Raises:
        RefusedError: `BAD_USER_INPUT`, or `FORBIDDEN` for a TIN that is not associated.

    """
    if not tin:
        raise RefusedError("BAD_USER_INPUT", "providerTaxId is required")
    practice = world.practice_by_tin(tin)
    if practice is None:
        raise RefusedError("FORBIDDEN", "This TIN is not associated with your account")
    if asked["payerId"] != demo_payer_id("optum"):
        raise RefusedError("BAD_USER_INPUT", "This payerId is not served here")
    inquiry = Inquiry(
        practice=practice,
        claim_number=asked.get("claimNumber") or None,
        account_number=asked.get("patientAccountNumber") or None,
        member_id=asked.get("memberId") or None,
        first_name=asked.get("memberFirstName") or None,
        last_name=asked.get("memberLastName") or None,
        born=_day(asked, "memberDateOfBirth"),
        window=_window(asked, world),
    )
    if not (inquiry.claim_number or inquiry.account_number) and inquiry.window is None:
        raise RefusedError("BAD_USER_INPUT", "serviceStartDate and serviceEndDate are required")
    _check_member(inquiry)
    return inquiry


def _check_member(inquiry: Inquiry) -> None:
    has_name = bool(inquiry.first_name and inquiry.last_name)
    given = (inquiry.member_id, inquiry.first_name, inquiry.last_name, inquiry.born)
    pairs = (
        inquiry.member_id and inquiry.born,
        inquiry.member_id and has_name,
        has_name and inquiry.born,
    )
    if any(given) and not any(pairs):
        raise RefusedError("BAD_USER_INPUT", "Member id, name and date of birth go in pairs")


def _window(asked: Mapping[str, str], world: World) -> DateWindow | None:
    first, last = _day(asked, "serviceStartDate"), _day(asked, "serviceEndDate")
    if first is None and last is None:
        return None
    if first is None or last is None or last < first:
        raise RefusedError("BAD_USER_INPUT", "serviceStartDate must not lie behind serviceEndDate")
    if (last - first).days + 1 > MOST_DAYS:
        raise RefusedError("BAD_USER_INPUT", "The range of dates exceeds 90 days")
    if last > world.today:
        raise RefusedError("BAD_USER_INPUT", "serviceEndDate lies in the future")
    return DateWindow(first, last)


def _day(asked: Mapping[str, str], name: str) -> date | None:
    text = asked.get(name)
    if not text:
        return None
    match = _DATE.fullmatch(text)
    try:
        if match:
            return date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        pass
    raise RefusedError("BAD_USER_INPUT", f"{name} must be MM/DD/YYYY")
