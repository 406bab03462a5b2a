"""Choosing patients of the world for sample rows, and what is certain about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.dice import Dice
from claims_pipeline.sandbox.world.people import Person, person, twin_pairs
from claims_pipeline.sandbox.world.practices import WorldPractice, claim_number_of
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World

# The pipeline's own default: how far a row's dates of service are widened on each side.
SLACK_DAYS = 7

_FEW_PRACTICES = 2
_QUIET_PERCENT = 25
_UNUSED_VISIT = 9000


class NotCertainError(Exception):
    """With this draw no row can be made whose right answer is certain; another draw may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A patient who was seen, and the claim of that visit."""

    practice: WorldPractice
    person: Person
    record: Record

    @property
    def is_twin(self) -> bool:
        """Whether somebody shares last name and birth date."""
        return self.person.twin_beginning is not None


class Subjects:
    """Draws subjects from a world; without `all_practices` from the first practice only."""

    def __init__(self, world: World, *, all_practices: bool) -> None:
        self._world = world
        self._practices = world.practices if all_practices else world.practices[:1]

    def draw(self, dice: Dice) -> Subject:
        """Somebody who was seen, most likely in the last three months.

        Raises:
            NotCertainError: nobody was seen that day, or the claim is not yet known.

        """
        practice = self._practice(dice)
        day = self._world.today - timedelta(days=_days_ago(dice))
        visits = self._world.visits_on(practice, day)
        if not visits:
            raise NotCertainError
        records = self._world.records_of_visit(practice, day, dice.below(visits))
        if not records or records[0].person.index < 0:
            raise NotCertainError
        return Subject(practice=practice, person=records[0].person, record=records[0])

    def draw_twins(self, dice: Dice) -> tuple[WorldPractice, tuple[Person, Person]]:
        """Two twins of one practice.

        Raises:
            NotCertainError: the practice has none.

        """
        practice = self._practice(dice)
        pairs = twin_pairs(practice.patients)
        if not pairs:
            raise NotCertainError
        index = dice.pick(pairs)
        first, second = (
            person(seed=self._world.seed, practice=practice.number, index=twin)
            for twin in (index, index + 1)
        )
        return practice, (first, second)

    def claim_numbers(
        self, practice: WorldPractice, someone: Person, own: DateWindow
    ) -> tuple[str, ...]:
        """Numbers of the person's claims in a row's own dates, slack included."""
        searched = DateWindow(
            own.first - timedelta(days=SLACK_DAYS),
            min(own.last + timedelta(days=SLACK_DAYS), self._world.today),
        )
        records = self._world.records_of_person(practice, someone, searched)
        return tuple(sorted({record.claim_number for record in records}))

    def check_meant(self, practice: WorldPractice, asked: Person, *meant: Person) -> None:
        """Make sure that the payer takes `asked` for nobody but `meant`.

        Raises:
            NotCertainError: it could mean others too.

        """
        patient = Patient(
            first_name=asked.first_name,
            last_name=asked.last_name,
            date_of_birth=asked.date_of_birth,
        )
        known = {someone.index for someone in self._world.people_like(practice, patient)}
        if known != {someone.index for someone in meant}:
            raise NotCertainError

    def unused_number(self, subject: Subject, dice: Dice) -> str:
        """A claim number of the right form that nobody has."""
        return claim_number_of(
            subject.practice, subject.record.service.first, _UNUSED_VISIT + dice.below(1000)
        )

    def _practice(self, dice: Dice) -> WorldPractice:
        """Of two the busy one mostly; of many each as often, or the quiet one would have most."""
        if len(self._practices) > _FEW_PRACTICES:
            return dice.pick(self._practices)
        quiet = [practice for practice in self._practices if practice.is_quiet]
        busy = [practice for practice in self._practices if not practice.is_quiet]
        return dice.pick(quiet if quiet and dice.happens(_QUIET_PERCENT) else busy)


def named(someone: Person, names: Mapping[str, str]) -> Person:
    """The person under the names of a row."""
    return replace(someone, first_name=names["first_name"], last_name=names["last_name"])


def _days_ago(dice: Dice) -> int:
    """As worklists are: mostly claims that should have been paid by now, some new, some old."""
    share = dice.below(100)
    if share < 60:
        return dice.between(20, 60)
    if share < 88:
        return dice.between(3, 88)
    return dice.between(92, 680)


def around(day: date, dice: Dice, *, today: date) -> DateWindow:
    """Own dates of a row for a visit on `day`: that day, or some days around it."""
    if dice.happens(40):
        return DateWindow(day, day)
    last = min(day + timedelta(days=dice.below(6)), today)
    return DateWindow(day - timedelta(days=dice.below(6)), last)
