"""The sandbox's world: practices, patients and claims, a pure function of seed and date.

A visit belongs to a day of the calendar, so a claim keeps its number while the world moves on;
what the payer says of it depends on today. ADA EXAMPLE alone moves: she was seen 30 days ago.
Nothing is made before it is asked for.
"""

import hashlib
from array import array
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Generic, TypeVar

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.claims import records_of_visit
from claims_pipeline.sandbox.world.people import (
    Person,
    birth_dates_close_to,
    first_names_agree,
    last_names_agree,
    person,
)
from claims_pipeline.sandbox.world.practices import (
    FIRST_DAY,
    QUIET_PRACTICE,
    WorldPractice,
    claim_number_of,
)
from claims_pipeline.sandbox.world.records import Record, Visit

PAYER_ID = "87726"
LOOK_BACK_MONTHS = 24
ADA_CLAIM_NUMBER = "FH00000001"
ADA_DAYS_AGO = 30

_QUIET_SHARE = 10
_MOST_VISITS_A_DAY = 10_000
_KEPT_CLAIMS = 60_000
_KEPT_SWEEPS = 32


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Recent(Generic[_Key, _Value]):
    """Values made when they are first asked for; the oldest are forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[_Key, _Value] = OrderedDict()

    def get_or_make(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        value = self._values.get(key)
        if value is None:
            value = self._values[key] = make()
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


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
                if number == QUIET_PRACTICE
                else claims_per_day,
            )
            for number in range(1, practices + 1)
        )
        self._by_tin = {practice.tin: practice for practice in self.practices}
        self._by_prefix = {practice.claim_prefix: practice for practice in self.practices}
        self._ada_day = today - timedelta(days=ADA_DAYS_AGO)
        self._seen: dict[tuple[int, date], array[int]] = {}
        self._visits_of_people: dict[int, dict[int, array[int]]] = {}
        self._people_by_birth_date: dict[int, dict[date, list[int]]] = {}
        self._records = _Recent[str, tuple[Record, ...]](_KEPT_CLAIMS)
        self._sweeps = _Recent[tuple[int, DateWindow], list[Record]](_KEPT_SWEEPS)

    def practice_by_tin(self, tin: str) -> WorldPractice | None:
        """The practice with that tax id, if it is in this world."""
        return self._by_tin.get(tin)

    def search(
        self, practice: WorldPractice, window: DateWindow, patient: Patient | None = None
    ) -> list[Record]:
        """Entries whose first day of service lies in `window`, in no useful order.

        With a patient, only theirs. The search forgives what people mistype: nicknames and
        beginnings of first names, halves of double last names, a birth date with one wrong digit
        or with day and month swapped.
        """
        if patient is None:
            return self._sweeps.get_or_make(
                (practice.number, window), lambda: self._sweep(practice, window)
            )
        records = (
            record
            for someone in self.people_like(practice, patient)
            for record in self.records_of_person(practice, someone, window)
        )
        return sorted(records, key=lambda record: record.order)

    def _sweep(self, practice: WorldPractice, window: DateWindow) -> list[Record]:
        days = (window.first + timedelta(days=offset) for offset in range(window.days))
        records = (
            record
            for day in days
            for number in range(self.visits_on(practice, day))
            for record in self.records_of_visit(practice, day, number)
        )
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
        records: list[Record] = []
        for visit in self._visits_by_person(practice).get(someone.index, ()):
            ordinal, number = divmod(visit, _MOST_VISITS_A_DAY)
            if first <= ordinal <= last:
                records += self.records_of_visit(practice, date.fromordinal(ordinal), number)
        return records

    def records_numbered(self, claim_number: str) -> tuple[Record, ...]:
        """All versions and parts of the claim with that number; empty when unknown."""
        practice = self._by_prefix.get(claim_number[:2])
        digits = claim_number[2:]
        if practice is None or len(digits) != 8 or not digits.isdecimal():
            return ()
        if claim_number == ADA_CLAIM_NUMBER:
            day = self._ada_day
            return self.records_of_visit(practice, day, self.visits_on(practice, day) - 1)
        day = FIRST_DAY + timedelta(days=int(digits[:4]))
        number = int(digits[4:])
        if number >= self.visits_on(practice, day):
            return ()
        records = self.records_of_visit(practice, day, number)
        # The number of a visit of ADA EXAMPLE's would follow from its day, too.
        return records if records and records[0].claim_number == claim_number else ()

    def visits_on(self, practice: WorldPractice, day: date) -> int:
        """How many patients a practice saw that day; none outside the look-back."""
        return len(self._patients_seen(practice, day))

    def records_of_visit(
        self, practice: WorldPractice, day: date, number: int
    ) -> tuple[Record, ...]:
        """What the payer holds of the day's visit with that number, counted from 0."""
        index = self._patients_seen(practice, day)[number]
        claim_number = claim_number_of(practice, day, number)
        if index < 0:
            claim_number = ADA_CLAIM_NUMBER

        def make() -> tuple[Record, ...]:
            visit = Visit(
                practice_number=practice.number,
                person=person(seed=self.seed, practice=practice.number, index=index),
                day=day,
                number=number,
                claim_number=claim_number,
            )
            return records_of_visit(visit, seed=self.seed, today=self.today)

        return self._records.get_or_make(claim_number, make)

    def _patients_seen(self, practice: WorldPractice, day: date) -> "array[int]":
        """Indices of the patients of a day: fewer at weekends, some come again and again."""
        key = (practice.number, day)
        indices = self._seen.get(key)
        if indices is None:
            indices = array("l")
            if self.oldest_day <= day <= self.today:
                indices.extend(_patients_of_day(practice, day, seed=self.seed))
            if practice.number == 1 and day == self._ada_day:
                indices.append(-1)
            self._seen[key] = indices
        return indices

    def _visits_by_person(self, practice: WorldPractice) -> dict[int, "array[int]"]:
        """For each patient the visits, oldest first, as day ordinal and number in one."""
        known = self._visits_of_people.get(practice.number)
        if known is None:
            collected: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
            for ordinal in range(self.oldest_day.toordinal(), self.today.toordinal() + 1):
                seen = self._patients_seen(practice, date.fromordinal(ordinal))
                for number, index in enumerate(seen):
                    collected[index].append(ordinal * _MOST_VISITS_A_DAY + number)
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


def _patients_of_day(practice: WorldPractice, day: date, *, seed: int) -> list[int]:
    rhythm = _chances(f"{seed}|day|{practice.number}|{day.toordinal()}", 1)[0]
    weekday_percent = (120, 130, 125, 120, 115, 60, 30)[day.weekday()]
    percent = weekday_percent * (80 + rhythm % 41)
    seen = (practice.claims_per_day * percent + rhythm % 10_000) // 10_000
    pool = practice.patients
    regulars = max(1, pool // 20)
    chances = _chances(f"{seed}|visit|{practice.number}|{day.toordinal()}", seen)
    return [(chance >> 2) % (regulars if chance & 3 == 0 else pool) for chance in chances]


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
