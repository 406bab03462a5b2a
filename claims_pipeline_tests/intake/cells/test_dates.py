"""Every accepted date form, and each refusal with its own code."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_pipeline.intake.cells.dates import read_date


@pytest.mark.parametrize("time", ["", " 00:00", " 00:00:00", "T00:00:00", " 0:00", " 00:00:00.000"])
@pytest.mark.parametrize(
    "text", ["05/10/1975", "5/10/1975", "1975-05-10", "19750510", "05-10-1975"]
)
def test_every_form_is_read_with_and_without_midnight(text, time):
    assert read_date(text + time).day == date(1975, 5, 10)


@given(st.dates())
def test_every_day_is_read_in_every_form(day):
    year = f"{day.year:04d}"
    for text in (
        f"{day.month:02d}/{day.day:02d}/{year}",
        f"{day.month}/{day.day}/{year}",
        f"{year}-{day.month:02d}-{day.day:02d}",
        f"{year}{day.month:02d}{day.day:02d}",
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
        ("date_impossible", "05101975"),
        ("date_impossible", "01/01/0000"),
        ("date_is_serial_number", "27524"),
        ("date_is_serial_number", "45123.0"),
        ("date_is_serial_number", "45123.5"),
        ("date_unreadable", "May 10, 1975"),
        ("date_unreadable", "05/10/1975 13:45"),
        ("date_unreadable", "1975/05/10"),
        ("date_unreadable", "unknown"),
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
    assert read.day is not None or read.fault or not text
