"""Dates as people and programs write them; what is doubtful is refused, never guessed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from claims_pipeline.intake.cells.text import is_date_placeholder

DATE_FORMS = (
    "MM/DD/YYYY", "M/D/YYYY", "YYYY-MM-DD", "YYYY/M/D", "YYYYMMDD", "MMDDYYYY", "MM-DD-YYYY",
    "May 10, 1975", "10-MAY-1975",
)  # fmt: skip

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = (
    r"(?:(?:[ T]|, ?)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?"
    r"(?: ?(?:Z|UTC|GMT|[ECMP][SD]T|[+-]\d{2}:?\d{2}))?)?"
)
_WEEKDAY = r"(?:(?P<weekday>[A-Za-z]{3,9})\.?,? )?"
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_ACCEPTED = tuple(
    re.compile(form + _TIME, re.ASCII)
    for form in (
        r"(?P<month>\d{1,2}) ?/ ?(?P<day>\d{1,2}) ?/ ?(?P<year>\d{4})",
        r"(?P<year>\d{4}) ?(?P<sign>[-/.]) ?(?P<month>\d{1,2}) ?(?P=sign) ?(?P<day>\d{1,2})",
        r"(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>\d{2})",
        r"(?P<month>\d{2})(?P<day>\d{2})(?P<year>\d{4})",
        r"(?P<month>\d{1,2}) ?- ?(?P<day>\d{1,2}) ?- ?(?P<year>\d{4})",
        _WEEKDAY + _MONTH + r"[ -]?(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[ -](?P<year>\d{4})",
        _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -]?" + _MONTH + r",?[ -]?(?P<year>\d{4})",
    )
)
_TWO_DIGIT_YEAR = tuple(
    re.compile(form + _TIME, re.ASCII)
    for form in (
        r"(?P<month>\d{1,2}) ?/ ?(?P<day>\d{1,2}) ?/ ?(?P<year>\d{2})",
        r"(?P<month>\d{1,2}) ?- ?(?P<day>\d{1,2}) ?- ?(?P<year>\d{2})",
        r"(?P<day>\d{1,2})[ -]" + _MONTH + r"[ -](?P<year>\d{2})",
    )
)
_DOUBTFUL_TWO_DIGIT_YEAR = re.compile(r"(?:\d{1,2}\.\d{1,2}\.\d{2}|\d{6})" + _TIME, re.ASCII)
_SERIAL_NUMBER = re.compile(r"\d{1,5}(?:[.,]\d+)?", re.ASCII)
_UP_TO = re.compile(r" ?(?:[-–—~]| to | thru | through | until ) ?", re.IGNORECASE)
_SIGNS = str.maketrans(
    {"‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "⁄": "/", "∕": "/"}
)
_REMEMBERED = 100_000


# Compared by identity: equal cells give one object, and a batch's faults are found in a set.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadDate:
    """A day, its ordinal and its ISO form, or what is wrong; neither when the cell is empty.

    `last` is the end of a range that stands in one cell, with its own fault if it is one.
    """

    day: date | None = None
    ordinal: int = 0
    iso: str = ""
    fault: str = ""
    last: "ReadDate | None" = None


NO_DATE = ReadDate()
# A cell that says that there is no date.
DATE_PLACEHOLDER = ReadDate()


@lru_cache(maxsize=_REMEMBERED)
def read_date(text: str) -> ReadDate:
    """Read one of `DATE_FORMS`, with or without a time of day; the written day counts."""
    if not text:
        return NO_DATE
    text = _plain(text)
    for form in _ACCEPTED:
        match = form.fullmatch(text)
        if match is not None and _is_of_a_month(match):
            found = _day(match, int(match["year"]))
            return DATE_PLACEHOLDER if found.fault and is_date_placeholder(text) else found
    if is_date_placeholder(text):
        return DATE_PLACEHOLDER
    if _two_digit_year(text) or _DOUBTFUL_TWO_DIGIT_YEAR.fullmatch(text):
        return ReadDate(fault="date_two_digit_year")
    if _SERIAL_NUMBER.fullmatch(text):
        return ReadDate(fault="date_is_serial_number")
    return ReadDate(fault="date_unreadable")


class DateReader:
    """Reads the dates of one payer's day, on which it hangs what a two-digit year can mean.

    The same few thousand days come up again and again; half of intake's time without a memory.
    """

    def __init__(self, today: date) -> None:
        self._today = today
        self.birth = lru_cache(maxsize=_REMEMBERED)(self._birth)
        self.service = lru_cache(maxsize=_REMEMBERED)(self._service)

    def _birth(self, text: str) -> ReadDate:
        """A day of birth: of two centuries, the one that does not lie in the future."""
        found = read_date(text)
        if found.fault != "date_two_digit_year" or not (match := _two_digit_year(_plain(text))):
            return found
        later = _day(match, 2000 + int(match["year"]))
        if later.day is None or later.day > self._today:
            return _day(match, 1900 + int(match["year"]))
        return found

    def _service(self, text: str) -> ReadDate:
        """A day of service or a range of them; no payer is asked about the century before."""
        found = self._service_day(text)
        if found.fault in {"date_unreadable", "date_two_digit_year"}:
            for first, last in _halves(_plain(text)):
                ends = self._service_day(first), self._service_day(last)
                if ends[0].day and ends[1].day:
                    return replace(ends[0], last=ends[1])
        return found

    def _service_day(self, text: str) -> ReadDate:
        found = read_date(text)
        if found.fault == "date_two_digit_year" and (match := _two_digit_year(_plain(text))):
            return _day(match, 2000 + int(match["year"]))
        return found


def _plain(text: str) -> str:
    return text.translate(_SIGNS) if not text.isascii() else text


def _two_digit_year(text: str) -> "re.Match[str] | None":
    for form in _TWO_DIGIT_YEAR:
        match = form.fullmatch(text)
        if match is not None and _is_of_a_month(match):
            return match
    return None


def _is_of_a_month(match: "re.Match[str]") -> bool:
    name = match.groupdict().get("name")
    return name is None or name.lower() in _MONTHS


def _day(match: "re.Match[str]", year: int) -> ReadDate:
    parts = match.groupdict()
    name, weekday = parts.get("name"), parts.get("weekday")
    month = _MONTHS[name.lower()] if name else int(match["month"])
    try:
        day = date(year, month, int(match["day"]))
    except ValueError:
        return ReadDate(fault="date_impossible")
    if weekday and weekday[:3].lower() != _WEEKDAYS[day.weekday()]:
        return ReadDate(fault="date_unreadable")
    return ReadDate(day=day, ordinal=day.toordinal(), iso=day.isoformat())


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """What may be two dates, on both sides of each sign that can stand between them."""
    for sign in _UP_TO.finditer(text):
        yield text[: sign.start()].strip(), text[sign.end() :].strip()
