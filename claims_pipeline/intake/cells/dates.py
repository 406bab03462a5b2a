"""Dates as people and programs write them; what is doubtful is refused, never guessed."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

DATE_FORMS = ("MM/DD/YYYY", "M/D/YYYY", "YYYY-MM-DD", "YYYYMMDD", "MM-DD-YYYY")

_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
_ACCEPTED = tuple(
    re.compile(form + _MIDNIGHT, re.ASCII)
    for form in (
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<month>\d{1,2})-(?P<day>\d{1,2})-(?P<year>\d{4})",
    )
)
_TWO_DIGIT_YEAR = re.compile(r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2}|\d{6})" + _MIDNIGHT, re.ASCII)
_SERIAL_NUMBER = re.compile(r"\d{1,5}(?:[.,]\d+)?", re.ASCII)


# Compared by identity: equal cells give one object, and a batch's faults are found in a set.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadDate:
    """A day, its ordinal and its ISO form, or what is wrong; neither when the cell is empty."""

    day: date | None = None
    ordinal: int = 0
    iso: str = ""
    fault: str = ""


NO_DATE = ReadDate()


# The same few thousand days come up again and again; half of intake's time without it.
@lru_cache(maxsize=100_000)
def read_date(text: str) -> ReadDate:
    """Read one of `DATE_FORMS`, with or without a time of 00:00[:00]."""
    if not text:
        return NO_DATE
    for form in _ACCEPTED:
        match = form.fullmatch(text)
        if match is None:
            continue
        try:
            day = date(int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            return ReadDate(fault="date_impossible")
        return ReadDate(day=day, ordinal=day.toordinal(), iso=day.isoformat())
    if _TWO_DIGIT_YEAR.fullmatch(text):
        return ReadDate(fault="date_two_digit_year")
    if _SERIAL_NUMBER.fullmatch(text):
        return ReadDate(fault="date_is_serial_number")
    return ReadDate(fault="date_unreadable")
