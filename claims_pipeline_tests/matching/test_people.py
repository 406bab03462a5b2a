from datetime import date, timedelta

import pytest

from claims_pipeline.matching.people import (
    BirthDates,
    FirstNames,
    birth_dates_are_near,
    compare_birth_dates,
    compare_first_names,
    first_name_core,
    last_name_keys,
    subscriber_digits,
)

SAME_LAST_NAME = [
    ("O'Brien", "OBRIEN"),
    ("O’BRIEN", "O BRIEN"),
    ("García", "GARCIA"),
    ("Müller", "MULLER"),
    ("Strauß", "STRAUSS"),
    ("Smith Jr.", "SMITH"),
    ("Smith, Jr", "SMITH"),
    ("SMITH III", "SMITH"),
    ("SMITH MD", "SMITH SR"),
    ("Smith-Jones", "JONES"),
    ("SMITH JONES", "SMITH"),
    ("Garcia Lopez", "LOPEZ-GARCIA"),
    ("De la Cruz", "DELACRUZ"),
    ("de la Cruz", "CRUZ"),
    ("Van Dyke", "VANDYKE"),
    ("LE-NGUYEN", "LE"),
    ("NG", "NG-SMITH"),
    ("Мельник", "МЕЛЬНИК"),
    ("SMITH/JONES", "JONES"),
]
OTHER_LAST_NAME = [
    ("SMITH", "SMYTH"),
    ("SMITH", "SMITHSON"),
    ("De la Cruz", "DE LA FUENTE"),
    ("VAN DYKE", "VAN BUREN"),
    ("SMITH JR", "JONES JR"),
    ("ST JOHN", "ST CLAIR"),
    ("MC DONALD", "MC ARTHUR"),
    ("", ""),
    ("123", "123"),
    ("Мельник", "Мельников"),
]


@pytest.mark.parametrize(("one", "other"), SAME_LAST_NAME)
def test_spellings_of_one_last_name_agree(one: str, other: str) -> None:
    assert last_name_keys(one) & last_name_keys(other)


@pytest.mark.parametrize(("one", "other"), OTHER_LAST_NAME)
def test_different_last_names_do_not_agree(one: str, other: str) -> None:
    assert not last_name_keys(one) & last_name_keys(other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("José", "JOSE", FirstNames.EQUAL),
        ("Ada M.", "ADA", FirstNames.EQUAL),
        ("Ada Jr", "ADA", FirstNames.EQUAL),
        ("Mary-Ann", "MARY ANN", FirstNames.EQUAL),
        ("MARY ANN", "MARY", FirstNames.CLOSE),
        ("Chris", "CHRISTOPHER", FirstNames.CLOSE),
        ("Sam", "SAMUEL", FirstNames.CLOSE),
        ("Bob", "ROBERT", FirstNames.CLOSE),
        ("Bob", "ROB", FirstNames.CLOSE),
        ("Bill", "WILLIAM", FirstNames.CLOSE),
        ("Peggy", "MARGARET", FirstNames.CLOSE),
        ("Katherine", "CATHY", FirstNames.CLOSE),
        ("Ed", "EDWARD", FirstNames.CLOSE),
        ("Steven", "STEPHEN", FirstNames.CLOSE),
        ("Jo", "JOAN", FirstNames.UNSURE),
        ("A", "ADA", FirstNames.UNSURE),
        ("ADA", "", FirstNames.UNSURE),
        ("Bill", "ROBERT", FirstNames.DIFFERENT),
        ("Mary", "MARILYN", FirstNames.DIFFERENT),
        ("MARY ANN", "MARY BETH", FirstNames.UNSURE),
        ("Ann", "NANCY", FirstNames.DIFFERENT),
        ("John", "JOAN", FirstNames.NEAR),
        ("John", "NATHAN", FirstNames.DIFFERENT),
    ],
)
def test_first_names_are_compared(one: str, other: str, expected: FirstNames) -> None:
    assert compare_first_names(first_name_core(one), first_name_core(other)) is expected
    assert compare_first_names(first_name_core(other), first_name_core(one)) is expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (date(1975, 5, 10), BirthDates.EQUAL),
        (date(1975, 10, 5), BirthDates.NEAR),
        (date(1975, 5, 11), BirthDates.NEAR),
        (date(1976, 5, 10), BirthDates.NEAR),
        (date(1985, 5, 10), BirthDates.NEAR),
        (date(1875, 5, 10), BirthDates.NEAR),
        (date(1974, 5, 10), BirthDates.NEAR),
        (date(1975, 5, 9), BirthDates.NEAR),
        (date(1975, 5, 1), BirthDates.NEAR),
        (date(1975, 6, 11), BirthDates.DIFFERENT),
        (date(1957, 5, 10), BirthDates.NEAR),
        (date(1976, 10, 5), BirthDates.DIFFERENT),
        (None, BirthDates.MISSING),
    ],
)
def test_dates_of_birth_are_compared(other: date | None, expected: BirthDates) -> None:
    assert compare_birth_dates(date(1975, 5, 10), other) is expected


def test_being_near_holds_both_ways_and_not_for_equal_dates() -> None:
    leap_day = date(2000, 2, 29)
    days = [leap_day + timedelta(days=offset) for offset in range(-4_000, 4_000)]
    near = [day for day in days if birth_dates_are_near(leap_day, day)]
    assert near == [day for day in days if birth_dates_are_near(day, leap_day)]
    assert date(2000, 2, 28) in near
    assert date(2004, 2, 29) in near
    assert leap_day not in near


@pytest.mark.parametrize(
    ("one", "other"),
    [("W123456789-01", "123456789"), ("000123", "123"), (" 12 34-02", "1234"), (None, "")],
)
def test_subscriber_ids_compare_by_their_digits(one: str | None, other: str) -> None:
    assert subscriber_digits(one) == subscriber_digits(other)
