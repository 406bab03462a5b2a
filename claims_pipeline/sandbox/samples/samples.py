"""Sample files that a sandbox of the same seed answers, with the right answer to every row.

Nothing here calls intake, planning or matching: which answer is right follows from how a row was
made. Rows are made so that it is certain, whichever searches are chosen.
"""

import csv
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TextIO

from claims_pipeline.model import DEFAULT_PAYER, DateWindow, Outcome
from claims_pipeline.sandbox.samples import spellings
from claims_pipeline.sandbox.samples.bad_rows import Cells, damages
from claims_pipeline.sandbox.samples.subjects import (
    NotCertainError,
    Subject,
    Subjects,
    around,
    named,
)
from claims_pipeline.sandbox.world.dates import us_date
from claims_pipeline.sandbox.world.dice import Dice
from claims_pipeline.sandbox.world.people import Person, ada_example
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.world import ADA_CLAIM_NUMBER, ADA_DAYS_AGO, World

ANSWER_COLUMNS = ("row_number", "outcome", "claim_numbers", "error_code", "kind")

# Nobody in any world has these names.
_STRANGERS_FIRST = ("QUENTIN", "ROWENA", "THADDEUS")
_STRANGERS_LAST = ("VANDERBILT", "NOTTINGHAM", "ROSENQUIST", "PETTIGREW", "HAVERSHAM")
_TRIES = 60
_REMEMBERED_ROWS = 500


class Shape(StrEnum):
    """Which columns a sample has."""

    CLAIMS = "claims"
    PATIENTS = "patients"
    PRACTICES = "practices"
    MEMBERS = "members"


_PERSON = ("first_name", "last_name", "date_of_birth")
_DATES = ("first_service_date", "last_service_date")
COLUMNS = {
    Shape.CLAIMS: ("claim_number", *_PERSON),
    Shape.PATIENTS: (*_PERSON, *_DATES),
    Shape.PRACTICES: ("practice_id", *_PERSON, *_DATES),
    Shape.MEMBERS: ("payer", *_PERSON, "subscriber_id", *_DATES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One record and what is right for it.

    `claim_numbers` are distinct and sorted. `kind` says how the row was made: a name of one of
    the methods of `Sampler`.
    """

    cells: tuple[str, ...]
    outcome: Outcome
    kind: str
    claim_numbers: tuple[str, ...] = ()
    error_code: str = ""


class Sampler:
    """Makes the rows of a sample; the same world and shape give the same rows.

    Rows of the shape `members` name the `payers` in turn.
    """

    def __init__(
        self, world: World, shape: Shape, payers: Sequence[str] = (DEFAULT_PAYER,)
    ) -> None:
        self._world = world
        self._payers = itertools.cycle(payers)
        self._shape = shape
        self._columns = COLUMNS[shape]
        self._damages = damages(self._columns)
        self._subjects = Subjects(world, all_practices=shape is Shape.PRACTICES)
        self._recent: deque[SampleRow] = deque(maxlen=_REMEMBERED_ROWS)
        kinds = _KINDS[shape]
        self._kind_of_percent = [kind for kind, share in kinds for _ in range(share)]

    def rows(self, count: int) -> Iterator[SampleRow]:
        """The first `count` rows; ADA EXAMPLE comes first."""
        for number in range(1, count + 1):
            row = self._row(number) if number > 1 else self._ada()
            self._recent.append(row)
            yield row

    def _row(self, number: int) -> SampleRow:
        key = (self._world.seed, "sample", self._shape, number)
        kind = Dice(*key).pick(self._kind_of_percent)
        for attempt in itertools.count():
            # A small world may hold no twins, say: it always holds no stranger.
            make = kind if attempt < _TRIES else Sampler.stranger
            try:
                row = make(self, Dice(*key, attempt))
            except NotCertainError:
                continue
            return replace(row, kind=make.__name__)
        raise AssertionError("counting never ends")

    def _ada(self) -> SampleRow:
        seen = self._world.today - timedelta(days=ADA_DAYS_AGO)
        cells = {
            "practice_id": self._world.practices[0].practice_id,
            "payer": next(self._payers),
            "subscriber_id": ada_example().subscriber_id,
            "claim_number": ADA_CLAIM_NUMBER,
            "first_service_date": us_date(seen),
            "last_service_date": us_date(seen),
            **spellings.plain(ada_example()),
        }
        return self._finished(cells, Outcome.FOUND, (ADA_CLAIM_NUMBER,), kind="ada")

    def plain(self, dice: Dice) -> SampleRow:
        """Somebody as the payer spells them."""
        subject = self._subjects.draw(dice)
        return self._found(subject, spellings.plain(subject.person), dice)

    def respelled(self, dice: Dice) -> SampleRow:
        """Somebody written in another way that means the same."""
        subject = self._subjects.draw(dice)
        return self._found(subject, spellings.differently(subject.person, dice), dice)

    def birth_date_mistyped(self, dice: Dice) -> SampleRow:
        """Claim number and name make up for a wrong birth date; the name alone leaves a doubt."""
        subject = self._subjects.draw(dice)
        if subject.is_twin:
            raise NotCertainError
        born = spellings.mistyped_birth_date(subject.person, dice)
        asked = replace(subject.person, date_of_birth=born)
        self._subjects.check_meant(subject.practice, asked, subject.person)
        row = self._found(subject, spellings.plain(asked), dice)
        if self._shape is Shape.CLAIMS:
            return row
        return replace(row, outcome=Outcome.AMBIGUOUS)

    def number_alone(self, dice: Dice) -> SampleRow:
        """The number is right; of the name there is an initial, and the birth date is wrong."""
        row = self.birth_date_mistyped(dice)
        cells = dict(zip(self._columns, row.cells, strict=True))
        cells["first_name"] = cells["first_name"][0]
        return self._finished(cells, Outcome.AMBIGUOUS, row.claim_numbers)

    def twins(self, dice: Dice) -> SampleRow:
        """Both twins were seen, and the row has only what their first names have in common."""
        practice, pair = self._subjects.draw_twins(dice)
        asked = replace(pair[0], first_name=pair[0].twin_beginning or "")
        self._subjects.check_meant(practice, asked, *pair)
        first = self._world.today - timedelta(days=dice.between(62, 500))
        own = DateWindow(first, first + timedelta(days=60))
        numbers = [self._subjects.claim_numbers(practice, twin, own) for twin in pair]
        if not all(numbers):
            raise NotCertainError
        cells = self._cells(practice, own, dice) | spellings.plain(asked)
        return self._finished(cells, Outcome.AMBIGUOUS, (*numbers[0], *numbers[1]))

    def stranger(self, dice: Dice) -> SampleRow:
        """Nobody has that name or that claim number."""
        subject = self._subjects.draw(dice)
        stranger = replace(
            subject.person,
            first_name=dice.pick(_STRANGERS_FIRST),
            last_name=dice.pick(_STRANGERS_LAST),
        )
        return self._not_found(subject, stranger, self._own_dates(subject, dice), dice)

    def number_unknown(self, dice: Dice) -> SampleRow:
        """The patient is known, nobody has the number, and no dates say which claim is meant."""
        subject = self._subjects.draw(dice)
        return self._not_found(subject, subject.person, self._own_dates(subject, dice), dice)

    def other_dates(self, dice: Dice) -> SampleRow:
        """The patient is known, and was not seen in those days."""
        subject = self._subjects.draw(dice)
        last = self._world.today - timedelta(days=dice.between(1, 600))
        own = DateWindow(last - timedelta(days=dice.below(11)), last)
        self._subjects.check_meant(subject.practice, subject.person, subject.person)
        if subject.is_twin or self._subjects.claim_numbers(subject.practice, subject.person, own):
            raise NotCertainError
        return self._not_found(subject, subject.person, own, dice)

    def repeated(self, dice: Dice) -> SampleRow:
        """An earlier row once more, cell by cell."""
        good = [row for row in self._recent if row.outcome is not Outcome.REJECTED]
        if not good:
            raise NotCertainError
        return dice.pick(good)

    def bad(self, dice: Dice) -> SampleRow:
        """A row that cannot be asked, for one reason."""
        row = self.plain(dice)
        if dice.happens(8):
            row = replace(row, cells=(*row.cells, "one cell too many"))
            code = "wrong_number_of_columns"
        else:
            damage = dice.pick(self._damages)
            cells = dict(zip(self._columns, row.cells, strict=True))
            row = self._finished(damage.spoil(cells, self._world.today), Outcome.REJECTED)
            code = damage.error_code
        return replace(row, outcome=Outcome.REJECTED, claim_numbers=(), error_code=code)

    def _found(self, subject: Subject, names: Cells, dice: Dice) -> SampleRow:
        own = self._own_dates(subject, dice)
        cells = self._cells(subject.practice, own, dice) | names
        cells["subscriber_id"] = subject.person.subscriber_id
        cells["claim_number"] = subject.record.claim_number
        if self._shape is Shape.CLAIMS:
            if dice.happens(10):
                cells["claim_number"] = f" {subject.record.claim_number.lower()}"
            return self._finished(cells, Outcome.FOUND, (subject.record.claim_number,))
        if cells["date_of_birth"] == us_date(subject.person.date_of_birth):
            asked = named(subject.person, names)
            self._subjects.check_meant(subject.practice, asked, subject.person)
        numbers = self._subjects.claim_numbers(subject.practice, subject.person, own)
        return self._finished(cells, Outcome.FOUND, numbers)

    def _not_found(self, subject: Subject, asked: Person, own: DateWindow, dice: Dice) -> SampleRow:
        cells = self._cells(subject.practice, own, dice) | spellings.plain(asked)
        cells["subscriber_id"] = asked.subscriber_id
        cells["claim_number"] = self._subjects.unused_number(subject, dice)
        return self._finished(cells, Outcome.NOT_FOUND)

    def _own_dates(self, subject: Subject, dice: Dice) -> DateWindow:
        return around(subject.record.service.first, dice, today=self._world.today)

    def _cells(self, practice: WorldPractice, own: DateWindow, dice: Dice) -> Cells:
        """Practice and dates; a day needs one date only, the default practice need not be named."""
        is_default = practice.number == 1
        one_date = own.days == 1 and dice.happens(50)
        return {
            "payer": next(self._payers),
            "practice_id": "" if is_default and dice.happens(5) else practice.practice_id,
            "first_service_date": spellings.date_cell(own.first, dice),
            "last_service_date": "" if one_date else spellings.date_cell(own.last, dice),
        }

    def _finished(
        self,
        cells: Cells,
        outcome: Outcome,
        claim_numbers: Iterable[str] = (),
        *,
        kind: str = "",
    ) -> SampleRow:
        return SampleRow(
            cells=tuple(cells[column] for column in self._columns),
            outcome=outcome,
            kind=kind,
            claim_numbers=tuple(sorted(set(claim_numbers))),
        )


_Maker = Callable[[Sampler, Dice], SampleRow]

# Of a hundred rows, how many are made how.
_CLAIM_KINDS: tuple[tuple[_Maker, int], ...] = (
    (Sampler.plain, 56),
    (Sampler.respelled, 20),
    (Sampler.birth_date_mistyped, 4),
    (Sampler.number_alone, 3),
    (Sampler.number_unknown, 3),
    (Sampler.stranger, 4),
    (Sampler.repeated, 3),
    (Sampler.bad, 7),
)
_PATIENT_KINDS: tuple[tuple[_Maker, int], ...] = (
    (Sampler.plain, 51),
    (Sampler.respelled, 20),
    (Sampler.birth_date_mistyped, 6),
    (Sampler.twins, 3),
    (Sampler.other_dates, 5),
    (Sampler.stranger, 5),
    (Sampler.repeated, 3),
    (Sampler.bad, 7),
)
# A member id says which twin is meant.
_MEMBER_KINDS = tuple(
    (kind, share + 3 if kind is Sampler.plain else share)
    for kind, share in _PATIENT_KINDS
    if kind is not Sampler.twins
)
_KINDS = {
    Shape.CLAIMS: _CLAIM_KINDS,
    Shape.PATIENTS: _PATIENT_KINDS,
    Shape.PRACTICES: _PATIENT_KINDS,
    Shape.MEMBERS: _MEMBER_KINDS,
}


def write_sample(
    rows: Iterable[SampleRow], *, shape: Shape, sample: TextIO, answers: TextIO | None
) -> None:
    """Write rows as CSV, and beside them what is right for each."""
    sample_writer = csv.writer(sample, lineterminator="\n")
    sample_writer.writerow(COLUMNS[shape])
    answers_writer = csv.writer(answers, lineterminator="\n") if answers else None
    if answers_writer:
        answers_writer.writerow(ANSWER_COLUMNS)
    for number, row in enumerate(rows, start=1):
        sample_writer.writerow(row.cells)
        if answers_writer:
            numbers = " | ".join(row.claim_numbers)
            answers_writer.writerow((number, row.outcome, numbers, row.error_code, row.kind))
