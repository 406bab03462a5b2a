"""The sandbox's world: practices, patients and claims, a pure function of seed and date.

A visit belongs to a day of the calendar, so a claim keeps its number while the world moves on;
what the payer says of it depends on today. ADA EXAMPLE alone moves: she was seen 30 days ago.
Nothing is made before it is asked for, a (practice, day) at a time.
"""

import hashlib
from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.claims import Record, Visit, records_of_visit
from claims_pipeline.sandbox.people import (
    Person,
    birth_dates_close_to,
    first_names_agree,
    last_names_agree,
    most_patients,
    person,
)

PAYER_ID = "87726"
LOOK_BACK_MONTHS = 24
ADA_CLAIM_NUMBER = "FH00000001"
ADA_DAYS_AGO = 30

_FIRST_DAY = date(2020, 1, 1)
_QUIET_PRACTICE = 2
_QUIET_SHARE = 10
_CACHED_RECORDS = 60_000
_PRACTICE_NAMES = ("Sample Family Practice", "Sample Pediatrics", "Sample Orthopedics")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPractice:
    """A practice of the sandbox. `number` counts from 1; `claims_per_day` is an average."""

    number: int
    claims_per_day: int

    @property
    def practice_id(self) -> str:
        """The id that the demo organization knows it by."""
        return str(self.number)

    @property
    def tin(self) -> str:
        """A tax id with the prefix 07, which is not assigned to anybody."""
        return f"07{self.number:07d}"

    @property
    def name(self) -> str:
        """A made-up name."""
        kind = _PRACTICE_NAMES[(self.number - 1) % len(_PRACTICE_NAMES)]
        return f"{kind} {self.number}"

    @property
    def patients(self) -> int:
        """How many people come; each is seen about once in three months."""
        return min(max(60, self.claims_per_day * 90), most_patients())

    @property
    def claim_prefix(self) -> str:
        """Two letters that begin its claim numbers; FH for the first practice."""
        first, second = divmod(5 * 26 + 7 + self.number - 1, 26)
        return chr(ord("A") + first % 26) + chr(ord("A") + second)


class World:
    """What the payer knows on one day. Make a new one when the date changes."""

    def __init__(
        self, *, seed: int, today: date, practices: int = 2, claims_per_day: int = 20
    ) -> None:
        if not 1 <= practices <= 500:
            raise ValueError("a world has 1 to 500 practices")
        if not 1 <= claims_per_day <= 5000:
            raise ValueError("a practice has 1 to 5000 claims a day")
        self.seed = seed
        self.today = today
        self.oldest_day = _months_before(today, LOOK_BACK_MONTHS)
        self.practices = tuple(
            WorldPractice(
                number=number,
                claims_per_day=max(1, claims_per_day // _QUIET_SHARE)
                if number == _QUIET_PRACTICE
                else claims_per_day,
            )
            for number in range(1, practices + 1)
        )
        self._by_tin = {practice.tin: practice for practice in self.practices}
        self._by_prefix = {practice.claim_prefix: practice for practice in self.practices}
        self._days: OrderedDict[tuple[int, date], tuple[Record, ...]] = OrderedDict()
        self._cached_records = 0
        self._visits_of_people: dict[int, dict[int, array[int]]] = {}
        self._people_by_birth_date: dict[int, dict[date, list[int]]] = {}

    def practice_by_tin(self, tin: str) -> WorldPractice | None:
        """The practice with that tax id, if it is in this world."""
        return self._by_tin.get(tin)

    def records_of_day(self, practice: WorldPractice, day: date) -> tuple[Record, ...]:
        """Every entry for services that began on `day`."""
        key = (practice.number, day)
        records = self._days.get(key)
        if records is not None:
            self._days.move_to_end(key)
            return records
        records = tuple(
            record
            for visit in self._visits(practice, day)
            for record in records_of_visit(visit, seed=self.seed, today=self.today)
        )
        self._days[key] = records
        self._cached_records += len(records)
        while self._cached_records > _CACHED_RECORDS and len(self._days) > 1:
            self._cached_records -= len(self._days.popitem(last=False)[1])
        return records

    def search(
        self, practice: WorldPractice, window: DateWindow, patient: Patient | None = None
    ) -> list[Record]:
        """Entries whose first day of service lies in `window`, in no useful order.

        With a patient, only theirs. The search forgives what people mistype: nicknames and
        beginnings of first names, halves of double last names, a birth date with one wrong digit
        or with day and month swapped.
        """
        if patient is None:
            days = (window.first + timedelta(days=offset) for offset in range(window.days))
            records = [record for day in days for record in self.records_of_day(practice, day)]
        else:
            records = [
                record
                for someone in self.people_like(practice, patient)
                for record in self.records_of_person(practice, someone, window)
            ]
        return sorted(records, key=lambda record: record.order)

    def people_like(self, practice: WorldPractice, patient: Patient) -> list[Person]:
        """Patients whom the payer's search takes for `patient`."""
        by_birth_date = self._birth_dates(practice)
        candidates = (
            person(seed=self.seed, practice=practice.number, index=index)
            for day in birth_dates_close_to(patient.date_of_birth)
            for index in by_birth_date.get(day, ())
        )
        return [
            someone
            for someone in candidates
            if last_names_agree(patient.last_name, someone.last_name)
            and first_names_agree(patient.first_name, someone.first_name)
        ]

    def records_of_person(
        self, practice: WorldPractice, someone: Person, window: DateWindow
    ) -> list[Record]:
        """Entries of one patient whose services began in `window`, oldest first."""
        first, last = window.first.toordinal(), window.last.toordinal()
        days = dict.fromkeys(
            day
            for day in self._visits_by_person(practice).get(someone.index, ())
            if first <= day <= last
        )
        return [
            record
            for day in sorted(days)
            for record in self.records_of_day(practice, date.fromordinal(day))
            if record.person.index == someone.index
        ]

    def records_numbered(self, claim_number: str) -> tuple[Record, ...]:
        """All versions and parts of the claim with that number; empty when unknown."""
        practice = self._by_prefix.get(claim_number[:2])
        digits = claim_number[2:]
        if practice is None or len(digits) != 8 or not digits.isdecimal():
            return ()
        if claim_number == ADA_CLAIM_NUMBER:
            day = self.today - timedelta(days=ADA_DAYS_AGO)
        else:
            day = _FIRST_DAY + timedelta(days=int(digits[:4]))
        if not self.oldest_day <= day <= self.today:
            return ()
        return tuple(
            record
            for record in self.records_of_day(practice, day)
            if record.claim_number == claim_number
        )

    def people(self, practice: WorldPractice) -> Iterator[Person]:
        """Every patient of a practice, ADA EXAMPLE not among them."""
        return (
            person(seed=self.seed, practice=practice.number, index=index)
            for index in range(practice.patients)
        )

    def _visits(self, practice: WorldPractice, day: date) -> Iterator[Visit]:
        if not self.oldest_day <= day <= self.today:
            return
        prefix = f"{practice.claim_prefix}{(day - _FIRST_DAY).days:04d}"
        for number, index in enumerate(self._patients_seen(practice, day)):
            yield Visit(
                practice_number=practice.number,
                person=person(seed=self.seed, practice=practice.number, index=index),
                day=day,
                number=number,
                claim_number=ADA_CLAIM_NUMBER if index < 0 else f"{prefix}{number:04d}",
            )

    def _patients_seen(self, practice: WorldPractice, day: date) -> list[int]:
        """Indices of the patients of a day: fewer at weekends, some come again and again."""
        rhythm = _chances(f"{self.seed}|day|{practice.number}|{day.toordinal()}", 1)[0]
        weekday_percent = (120, 130, 125, 120, 115, 60, 30)[day.weekday()]
        percent = weekday_percent * (80 + rhythm % 41)
        seen = (practice.claims_per_day * percent + rhythm % 10_000) // 10_000
        pool = practice.patients
        regulars = max(1, pool // 20)
        chances = _chances(f"{self.seed}|visit|{practice.number}|{day.toordinal()}", seen)
        indices = [(chance >> 2) % (regulars if chance & 3 == 0 else pool) for chance in chances]
        if practice.number == 1 and day == self.today - timedelta(days=ADA_DAYS_AGO):
            indices.append(-1)
        return indices

    def _visits_by_person(self, practice: WorldPractice) -> dict[int, "array[int]"]:
        """For each patient the days (ordinals) on which they were seen."""
        known = self._visits_of_people.get(practice.number)
        if known is None:
            collected: defaultdict[int, array[int]] = defaultdict(lambda: array("l"))
            for ordinal in range(self.oldest_day.toordinal(), self.today.toordinal() + 1):
                for index in self._patients_seen(practice, date.fromordinal(ordinal)):
                    collected[index].append(ordinal)
            known = self._visits_of_people[practice.number] = dict(collected)
        return known

    def _birth_dates(self, practice: WorldPractice) -> dict[date, list[int]]:
        known = self._people_by_birth_date.get(practice.number)
        if known is None:
            known = defaultdict(list)
            indices = [-1] if practice.number == 1 else []
            for index in (*indices, *range(practice.patients)):
                someone = person(seed=self.seed, practice=practice.number, index=index)
                known[someone.date_of_birth].append(index)
            self._people_by_birth_date[practice.number] = known
        return known


def _chances(key: str, count: int) -> list[int]:
    """`count` numbers of 32 bits from one key, sixteen to a digest."""
    chances: list[int] = []
    for block in range((count + 15) // 16):
        digest = hashlib.blake2b(f"{key}|{block}".encode()).digest()
        chances += [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 64, 4)]
    return chances[:count]


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for candidate in range(day.day, 0, -1):
        try:
            return date(year, month + 1, candidate)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")
