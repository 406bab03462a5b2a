"""Every accepted date form, and each refusal with its own code."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.intake.cells.dates import DATE_PLACEHOLDER, DateReader, read_date
from claims_pipeline.intake.cells.text import is_date_placeholder


@pytest.mark.parametrize(
    "time",
    [
        "", " 00:00", " 00:00:00", "T00:00:00", " 0:00", " 00:00:00.000", " 2:30 PM", " 11:59 p.m.",
        "T14:30:00-05:00", "T13:05:11Z", " 14:30 EST", " 23:59:59.999 UTC",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "05/10/1975", "5/10/1975", "1975-05-10", "19750510", "05-10-1975", "05101975", "1975/5/10",
        "1975.05.10", "05 / 10 / 1975", "05/10/ 1975", "1975-5-10", "May 10, 1975", "may 10 1975",
        "10-MAY-1975", "10 May 1975", "10MAY1975", "Sat May 10 1975", "Saturday, May 10, 1975",
        "May 10th, 1975", "05\u201110\u20111975", "05\u201310\u20131975",
    ],
)  # fmt: skip
def test_every_form_is_read_with_and_without_a_time_of_day(text, time):
    assert read_date(text + time).day == date(1975, 5, 10)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)))
def test_every_day_is_read_in_every_form(day):
    year = f"{day.year:04d}"
    for text in (
        f"{day.month:02d}/{day.day:02d}/{year}",
        f"{day.month}/{day.day}/{year}",
        f"{year}-{day.month:02d}-{day.day:02d}",
        f"{year}{day.month:02d}{day.day:02d}",
        f"{day.month:02d}{day.day:02d}{year}",
        f"{day:%B} {day.day}, {year}",
        f"{day.day}-{day:%b}-{year}",
        f"{day.month:02d}-{day.day:02d}-{year}",
    ):
        assert read_date(text).day == day


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("date_two_digit_year", "05/10/75"),
        ("date_two_digit_year", "5-10-75"),
        ("date_two_digit_year", "75-05-10"),
        ("date_two_digit_year", "051075"),
        ("date_impossible", "02/30/1975"),
        ("date_impossible", "13/01/1975"),
        ("date_impossible", "02/29/2023"),
        ("date_impossible", "00/10/1975"),
        ("date_impossible", "1975-00-10"),
        ("date_impossible", "25/12/1975"),
        ("date_impossible", "Feb 30, 1975"),
        ("date_impossible", "01/01/0000"),
        ("date_is_serial_number", "27524"),
        ("date_is_serial_number", "45123.0"),
        ("date_is_serial_number", "45123.5"),
        ("date_two_digit_year", "10-May-75"),
        ("date_unreadable", "10.05.1975"),
        ("date_unreadable", "13.05.1975"),
        ("date_unreadable", "Mon May 10 1975"),
        ("date_unreadable", "Mai 10, 1975"),
        ("date_unreadable", "5101975"),
        ("date_unreadable", "tomorrow"),
        ("date_unreadable", "٠٥/١٠/١٩٧٥"),
        ("date_unreadable", "05/10/1975\n"),
    ],
)
def test_what_is_no_certain_date_is_refused_with_its_code(code, text):
    assert read_date(text).day is None
    assert read_date(text).fault == code


@given(st.text(max_size=30))
def test_any_text_is_a_day_or_a_fault(text):
    read = read_date(text)
    assert (read.day is None) or not read.fault
    assert read.day is not None or read.fault or not text or is_date_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "N/A", "n/a", "#N/A", "NULL", "none", "-", "--", "0", "pending", "00/00/0000", "0/0/00",
        "0000-00-00", "0000-00-00 00:00:00", "00000000", "__/__/____", "/  /", "unknown", "nan",
    ],
)  # fmt: skip
def test_what_stands_for_no_date_is_no_date(text):
    assert read_date(text) is DATE_PLACEHOLDER


@pytest.mark.parametrize(
    ("text", "year"),
    [("5/10/75", 1975), ("05/10/45", 1945), ("05-10-99", 1999), ("10-May-75", 1975)],
)
def test_a_birth_of_two_digits_is_read_where_the_other_century_is_to_come(text, year):
    assert DateReader(date(2026, 11, 30)).birth(text).day == date(year, 5, 10)


@pytest.mark.parametrize("text", ["03/04/26", "03/04/05", "11/30/26"])
def test_a_birth_of_two_possible_centuries_is_not_guessed(text):
    assert DateReader(date(2026, 11, 30)).birth(text).fault == "date_two_digit_year"


def test_a_service_of_two_digits_lies_in_this_century():
    assert DateReader(date(2026, 11, 30)).service("10/05/26").day == date(2026, 10, 5)


@pytest.mark.parametrize(
    "text",
    [
        "10/01/2026 - 10/31/2026", "10/01/2026-10/31/2026", "10/01/2026 to 10/31/2026",
        "10/01/2026 thru 10/31/2026", "10/01/2026 through 10/31/2026", "10-01-2026 - 10-31-2026",
        "2026-10-01 - 2026-10-31", "20261001-20261031", "10/1/26 - 10/31/26",
        "10/01/2026\u201310/31/2026", "Oct 1, 2026 - Oct 31, 2026",
    ],
)  # fmt: skip
def test_a_range_in_one_cell_has_a_first_and_a_last_day(text):
    read = DateReader(date(2026, 11, 30)).service(text)
    assert (read.day, read.last.day) == (date(2026, 10, 1), date(2026, 10, 31))


@pytest.mark.parametrize("text", ["10/01/2026 - soon", "10/01 - 10/31", "1 - 2", "05/10/2026/11"])
def test_half_a_range_is_none(text):
    read = DateReader(date(2026, 11, 30)).service(text)
    assert read.fault
    assert read.last is None
