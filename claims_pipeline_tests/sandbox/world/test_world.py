from collections import Counter
from datetime import date, timedelta

import pytest

from claims_pipeline.model import DateWindow, Patient
from claims_pipeline.sandbox.world.people import Person, birth_dates, birth_dates_close_to, person
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline_tests.sandbox.conftest import TODAY


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, today=TODAY)


def _whole_look_back(world: World) -> DateWindow:
    return DateWindow(world.oldest_day, world.today)


def _people(world: World, practice: WorldPractice) -> list[Person]:
    indices = range(practice.patients)
    return [person(seed=world.seed, practice=practice.number, index=index) for index in indices]


def _all_records(world: World) -> list[Record]:
    return [
        record
        for practice in world.practices
        for record in world.search(practice, _whole_look_back(world))
    ]


@pytest.fixture(scope="module")
def records(world: World) -> list[Record]:
    return _all_records(world)


def test_the_same_seed_and_day_make_the_same_world() -> None:
    first, second = (World(seed=3, today=TODAY, claims_per_day=3) for _ in range(2))
    assert _all_records(first) == _all_records(second)


def test_another_seed_makes_another_world() -> None:
    first, second = (World(seed=seed, today=TODAY, claims_per_day=3) for seed in (3, 4))
    assert _all_records(first) != _all_records(second)


def test_a_window_does_not_depend_on_what_was_asked_before(
    world: World, records: list[Record]
) -> None:
    window = DateWindow(TODAY - timedelta(days=20), TODAY - timedelta(days=10))
    fresh = World(seed=7, today=TODAY)
    swept = fresh.search(fresh.practices[0], window)
    assert swept == world.search(world.practices[0], window)
    assert set(swept) <= set(records)


def test_claims_keep_their_numbers_when_the_day_changes(world: World) -> None:
    window = DateWindow(TODAY - timedelta(days=60), TODAY - timedelta(days=40))
    tomorrow = World(seed=7, today=TODAY + timedelta(days=1))
    now, then = (
        {record.claim_number for record in some.search(some.practices[0], window)}
        for some in (world, tomorrow)
    )
    assert now == then


def test_a_claim_grows_older_until_it_is_decided() -> None:
    window = DateWindow(TODAY - timedelta(days=5), TODAY - timedelta(days=5))

    def words(age: int) -> set[str]:
        later = World(seed=7, today=TODAY + timedelta(days=age))
        return {record.payer_status for record in later.search(later.practices[0], window)}

    assert words(0) <= {"Acknowledged", "In Review"}
    assert {"Finalized", "Denied"} <= words(60)


def test_the_first_practice_is_busy_and_the_second_quiet(world: World) -> None:
    busy, quiet = (
        len(world.search(practice, _whole_look_back(world))) for practice in world.practices
    )
    assert busy / 730 == pytest.approx(20, rel=0.2)
    assert quiet / 730 == pytest.approx(2, rel=0.2)


def test_tins_begin_with_a_prefix_that_nobody_has() -> None:
    tins = [practice.tin for practice in World(seed=7, today=TODAY, practices=40).practices]
    assert tins[:2] == ["070000001", "070000002"]
    assert len(set(tins)) == 40
    assert all(tin.startswith("07") and len(tin) == 9 for tin in tins)


def test_ada_example_was_seen_once_thirty_days_ago(world: World) -> None:
    ada = Patient(first_name="ADA", last_name="EXAMPLE", date_of_birth=date(1975, 5, 10))
    (record,) = world.search(world.practices[0], _whole_look_back(world), ada)
    assert record.claim_number == "FH00000001"
    assert record.service == DateWindow(TODAY - timedelta(30), TODAY - timedelta(30))
    assert world.records_numbered("FH00000001") == (record,)
    assert world.search(world.practices[1], _whole_look_back(world), ada) == []


def test_nobody_else_is_like_ada(records: list[Record]) -> None:
    for record in records:
        if record.claim_number != "FH00000001":
            assert record.person.last_name != "EXAMPLE"
            assert record.person.date_of_birth != date(1975, 5, 10)


def test_every_claim_is_found_by_its_number(world: World, records: list[Record]) -> None:
    by_number: dict[str, set[Record]] = {}
    for record in records:
        by_number.setdefault(record.claim_number, set()).add(record)
    for number, numbered in list(by_number.items())[::50]:
        assert set(world.records_numbered(number)) == numbered


@pytest.mark.parametrize(
    "number", ["", "FH", "ZZ00000001", "FH22449999", "FH99990000", "FHabcdefgh"]
)
def test_an_unknown_number_finds_nothing(world: World, number: str) -> None:
    assert world.records_numbered(number) == ()


def test_a_search_for_a_patient_gives_what_a_sweep_gives_of_them(world: World) -> None:
    practice = world.practices[0]
    window = DateWindow(TODAY - timedelta(days=200), TODAY - timedelta(days=100))
    swept = world.search(practice, window)
    for someone in _people(world, practice)[:300]:
        patient = Patient(
            first_name=someone.first_name,
            last_name=someone.last_name,
            date_of_birth=someone.date_of_birth,
        )
        theirs = [record for record in swept if record.person == someone]
        assert world.search(practice, window, patient) == theirs


def test_amounts_of_every_claim_add_up(records: list[Record]) -> None:
    for record in records[::7]:
        decided = any(line.allowed or line.not_covered or line.write_off for line in record.lines)
        for line in record.lines:
            if decided:
                assert line.billed == line.write_off + line.not_covered + line.allowed
            assert line.allowed == (line.deductible + line.copay + line.coinsurance + line.paid)
        paid = sum(line.paid for line in record.lines)
        assert sum(draft.amount for draft in record.drafts) == paid
        assert all(draft.amount <= draft.check_total for draft in record.drafts)


def test_the_world_holds_every_kind_of_claim(records: list[Record]) -> None:
    categories = {row.category for record in records for row in record.crosswalk}
    assert {"A0", "A1", "A2", "A3", "P1", "P3", "R4", "F1", "F2", "F3", "F4"} <= categories
    assert {record.payer_status for record in records} >= {
        "Finalized", "Denied", "Pending", "Rejected", "Misdirected", "Multiple Status"
    }  # fmt: skip
    versions = Counter((record.claim_number, record.lines[0].suffix) for record in records)
    assert max(versions.values()) == 2
    parts = {(record.claim_number, record.lines[0].suffix) for record in records}
    assert any((number, "02") in parts for number, suffix in parts if suffix == "01")


def test_people_can_be_told_apart_but_for_twins(world: World) -> None:
    people = _people(world, world.practices[0])
    families = Counter(
        (someone.last_name, someone.date_of_birth)
        for someone in people
        if someone.twin_beginning is None
    )
    assert set(families.values()) == {1}
    assert any(someone.twin_beginning for someone in people)


def test_no_two_birth_dates_are_a_slip_of_the_hand_apart() -> None:
    dates = set(birth_dates())
    assert all(set(birth_dates_close_to(day)) & dates == {day} for day in dates)


def test_a_leap_day_has_a_look_back_too() -> None:
    assert World(seed=7, today=date(2028, 2, 29)).oldest_day == date(2026, 2, 28)


@pytest.mark.parametrize("wrong", [{"practices": 0}, {"practices": 501}, {"claims_per_day": 0}])
def test_a_world_has_limits(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="has 1 to"):
        World(seed=7, today=TODAY, **wrong)
