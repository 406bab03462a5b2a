"""Answers of samples against a look-up that scans every claim of the world, one by one."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache

import pytest

from claims_pipeline.model import DateWindow, Outcome
from claims_pipeline.names import folded_name
from claims_pipeline.sandbox.samples.samples import COLUMNS, Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.people import NICKNAMES, Person
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.sandbox.conftest import TODAY

_ROWS = 800
_FORMS = ("%m/%d/%Y", "%Y-%m-%d", "%Y%m%d", "%m-%d-%Y", "%m/%d/%Y 00:00:00")


@cache
def _world() -> World:
    return World(seed=7, today=TODAY)


@cache
def _rows(shape: Shape) -> tuple[SampleRow, ...]:
    return tuple(Sampler(_world(), shape).rows(_ROWS))


@cache
def _records(practice_id: str) -> tuple[Record, ...]:
    world = _world()
    practice = world.practices[int(practice_id) - 1]
    return tuple(world.search(practice, DateWindow(world.oldest_day, world.today)))


@cache
def _records_by_day(practice_id: str) -> dict[date, list[Record]]:
    by_day: dict[date, list[Record]] = {}
    for record in _records(practice_id):
        by_day.setdefault(record.service.first, []).append(record)
    return by_day


def _asked(shape: Shape, outcome: Outcome) -> Iterator[tuple[SampleRow, dict[str, str]]]:
    for row in _rows(shape):
        if row.outcome is outcome:
            yield row, dict(zip(COLUMNS[shape], row.cells, strict=True))


def _day(text: str) -> date:
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar date
        except ValueError:
            continue
    raise AssertionError("not a date form that intake reads")


def _words(last_name: str) -> set[str]:
    words = last_name.replace("-", " ").split()
    return {folded_name(last_name), *map(folded_name, words)}


def _is_person(cells: dict[str, str], someone: Person) -> bool:
    asked, known = folded_name(cells["first_name"]), folded_name(someone.first_name)
    nicknamed = NICKNAMES.get(known) == asked
    begins = asked.startswith(known) or (len(asked) >= 3 and known.startswith(asked))
    return (begins or nicknamed) and bool(_words(cells["last_name"]) & _words(someone.last_name))


def _in_window(cells: dict[str, str]) -> Iterator[Record]:
    first = _day(cells["first_service_date"])
    last = _day(cells["last_service_date"] or cells["first_service_date"])
    day = first - timedelta(days=7)
    while day <= last + timedelta(days=7):
        yield from _records_by_day(cells.get("practice_id") or "1").get(day, ())
        day += timedelta(days=1)


@pytest.mark.parametrize("shape", Shape)
def test_the_same_world_gives_the_same_sample(shape: Shape) -> None:
    again = Sampler(World(seed=7, today=TODAY), shape)
    assert tuple(again.rows(100)) == _rows(shape)[:100]


@pytest.mark.parametrize("shape", Shape)
def test_a_sample_begins_with_ada(shape: Shape) -> None:
    ada = _rows(shape)[0]
    assert ada.claim_numbers == ("FH00000001",)
    assert {"ADA", "EXAMPLE", "05/10/1975"} <= set(ada.cells)


@pytest.mark.parametrize("shape", Shape)
def test_every_kind_of_row_has_its_share(shape: Shape) -> None:
    outcomes = Counter(row.outcome for row in _rows(shape))
    assert outcomes[Outcome.FOUND] > 0.65 * _ROWS
    for outcome in (Outcome.NOT_FOUND, Outcome.AMBIGUOUS, Outcome.REJECTED):
        assert outcomes[outcome] > 0.01 * _ROWS
    assert len(_rows(shape)) > len(set(_rows(shape)))


def test_most_claims_asked_for_are_of_the_last_ninety_days() -> None:
    asked = {number for row in _rows(Shape.CLAIMS) for number in row.claim_numbers}
    ages = [(TODAY - r.service.first).days for r in _records("1") if r.claim_number in asked]
    recent = sum(age <= 90 for age in ages) / len(ages)
    assert 0.8 < recent < 0.97


def test_found_numbers_belong_to_that_person() -> None:
    people = {record.claim_number: record.person for record in _records("1")}
    for row, cells in _asked(Shape.CLAIMS, Outcome.FOUND):
        (number,) = row.claim_numbers
        assert number == cells["claim_number"].strip().upper()
        assert _is_person(cells, people[number])


def test_a_number_alone_has_neither_name_nor_birth_date() -> None:
    people = {record.claim_number: record.person for record in _records("1")}
    for row, cells in _asked(Shape.CLAIMS, Outcome.AMBIGUOUS):
        someone = people[cells["claim_number"].strip().upper()]
        assert row.claim_numbers == (cells["claim_number"].strip().upper(),)
        assert not _is_person(cells, someone) or len(cells["first_name"]) == 1
        assert _day(cells["date_of_birth"]) != someone.date_of_birth


def test_numbers_not_found_are_nobodys() -> None:
    known = {record.claim_number for record in _records("1")}
    for _row, cells in _asked(Shape.CLAIMS, Outcome.NOT_FOUND):
        assert cells["claim_number"] not in known


@pytest.mark.parametrize("shape", [Shape.PATIENTS, Shape.PRACTICES])
def test_patients_found_have_exactly_those_claims(shape: Shape) -> None:
    for row, cells in _asked(shape, Outcome.FOUND):
        born = _day(cells["date_of_birth"])
        theirs = {
            record.claim_number
            for record in _in_window(cells)
            if record.person.date_of_birth == born and _is_person(cells, record.person)
        }
        assert row.claim_numbers == tuple(sorted(theirs))
        assert theirs


@pytest.mark.parametrize("shape", [Shape.PATIENTS, Shape.PRACTICES])
def test_patients_not_found_have_no_claim_of_a_similar_person(shape: Shape) -> None:
    for _row, cells in _asked(shape, Outcome.NOT_FOUND):
        born = _day(cells["date_of_birth"])
        for record in _in_window(cells):
            other = record.person.date_of_birth
            if other == born or _is_slip_of_the_hand(born, other):
                assert not _is_person(cells, record.person)


@pytest.mark.parametrize("shape", [Shape.PATIENTS, Shape.PRACTICES])
def test_ambiguous_patients_are_twins_or_have_a_mistyped_birth_date(shape: Shape) -> None:
    for row, cells in _asked(shape, Outcome.AMBIGUOUS):
        born = _day(cells["date_of_birth"])
        records = [record for record in _in_window(cells) if _is_person(cells, record.person)]
        exact = [record for record in records if record.person.date_of_birth == born]
        meant = exact or [
            record for record in records if _is_slip_of_the_hand(born, record.person.date_of_birth)
        ]
        assert row.claim_numbers == tuple(sorted({record.claim_number for record in meant}))
        assert len({record.person for record in exact}) in (0, 2)


def _is_slip_of_the_hand(one: date, other: date) -> bool:
    pairs = zip(one.isoformat(), other.isoformat(), strict=True)
    swapped = one.isoformat()[:5] + f"{one.day:02d}-{one.month:02d}"
    return sum(a != b for a, b in pairs) == 1 or swapped == other.isoformat()


@pytest.mark.parametrize("shape", Shape)
def test_bad_rows_are_of_many_kinds_and_only_they_have_codes(shape: Shape) -> None:
    codes = Counter(row.error_code for row in _rows(shape))
    assert codes[""] == sum(row.outcome is not Outcome.REJECTED for row in _rows(shape))
    assert len(codes) > 8
    assert all(not row.claim_numbers for row in _rows(shape) if row.error_code)


def test_files_of_rows_and_answers_go_line_by_line() -> None:
    sample, answers = io.StringIO(), io.StringIO()
    rows = _rows(Shape.PRACTICES)
    write_sample(rows, shape=Shape.PRACTICES, sample=sample, answers=answers)
    lines = list(csv.reader(io.StringIO(sample.getvalue())))
    told = list(csv.DictReader(io.StringIO(answers.getvalue())))
    assert lines[0] == list(COLUMNS[Shape.PRACTICES])
    assert [tuple(line) for line in lines[1:]] == [row.cells for row in rows]
    assert [int(line["row_number"]) for line in told] == list(range(1, _ROWS + 1))
    assert told[0]["claim_numbers"] == "FH00000001"


def test_a_small_world_gives_samples_too() -> None:
    tiny = World(seed=3, today=TODAY, practices=1, claims_per_day=1)
    for shape in Shape:
        assert len(list(Sampler(tiny, shape).rows(100))) == 100
