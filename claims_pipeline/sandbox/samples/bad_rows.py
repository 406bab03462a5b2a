"""Rows that intake must reject, each for exactly one reason."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from claims_pipeline.sandbox.world.dates import us_date

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Damage:
    """A way to spoil a good row, and the error code that tells it.

    `spoil` takes the cells by column and today; it needs all of `columns` to be in the file.
    """

    error_code: str
    columns: frozenset[str]
    spoil: Callable[[Cells, date], Cells]


def damages(columns: tuple[str, ...]) -> tuple[Damage, ...]:
    """The ways to spoil a row of a file with these columns."""
    return tuple(damage for damage in _DAMAGES if damage.columns <= set(columns))


def _replacing(error_code: str, column: str, value: str) -> Damage:
    return Damage(error_code, frozenset({column}), lambda cells, _: cells | {column: value})


def _with_service(
    error_code: str, first: Callable[[date], date], last: Callable[[date], date]
) -> Damage:
    def spoil(cells: Cells, today: date) -> Cells:
        return cells | {
            "first_service_date": us_date(first(today)),
            "last_service_date": us_date(last(today)),
        }

    return Damage(error_code, frozenset({"first_service_date", "last_service_date"}), spoil)


def _days(offset: int) -> Callable[[date], date]:
    return lambda today: today + timedelta(days=offset)


_DAMAGES = (
    _replacing("required", "date_of_birth", ""),
    _replacing("required", "first_name", ""),
    _replacing("required", "last_name", " "),
    _replacing("name_without_letters", "first_name", "???"),
    _replacing("date_two_digit_year", "date_of_birth", "03/14/15"),
    _replacing("date_impossible", "date_of_birth", "02/30/1980"),
    _replacing("date_is_serial_number", "date_of_birth", "26789"),
    _replacing("date_unreadable", "date_of_birth", "14.03.1971"),
    _replacing("birth_date_before_1900", "date_of_birth", "03/14/1871"),
    Damage(
        "birth_date_in_future",
        frozenset({"date_of_birth"}),
        lambda cells, today: cells | {"date_of_birth": us_date(today + timedelta(days=400))},
    ),
    _replacing("scientific_notation", "claim_number", "1.23457E+11"),
    _with_service("service_dates_reversed", _days(-20), _days(-40)),
    _with_service("service_date_in_future", _days(30), _days(35)),
    _with_service("service_date_too_old", _days(-1500), _days(-1490)),
    _replacing("practice_unknown", "practice_id", "no-such-practice"),
)
