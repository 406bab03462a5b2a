"""The row rules as a pandera schema, checked lazily and for a whole batch at once.

The schema's failure cases hold patients' data: they are read here and go no further.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from claims_pipeline.intake.columns import CANONICAL_COLUMNS
from claims_pipeline.intake.rules import TEXT_RULES

# Columns of the checked frame that no file has: days as ordinals, and what reading a cell said.
BIRTH_DAY = "birth_day"
SERVICE_START = "service_start"
SERVICE_END = "service_end"
SERVICE_LENGTH = "service_length"
FAULT = "_fault"

# The column that a person has to correct.
_MENDED_IN = {
    BIRTH_DAY: "date_of_birth",
    SERVICE_START: "first_service_date",
    SERVICE_END: "last_service_date",
    SERVICE_LENGTH: "last_service_date",
}
_ORDER: dict[str | None, int] = {name: at for at, name in enumerate(CANONICAL_COLUMNS)}
_FIRST_BIRTH_DAY = date(1900, 1, 1)
_BROKEN_RULE = "broken_rule"
_NAMED_FAULT = "named_fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a row; without a column, the row as a whole."""

    column: str | None
    code: str


class RowSchema:
    """The rules for one payer's day; `oldest_day` is the first day of its look-back."""

    def __init__(self, *, today: date, oldest_day: date) -> None:
        tomorrow = today + timedelta(days=1)
        days = {
            BIRTH_DAY: [
                pa.Check.ge(_FIRST_BIRTH_DAY.toordinal(), error="birth_date_before_1900"),
                pa.Check.le(today.toordinal(), error="birth_date_in_future"),
            ],
            SERVICE_START: [pa.Check.le(tomorrow.toordinal(), error="service_date_in_future")],
            SERVICE_END: [pa.Check.ge(oldest_day.toordinal(), error="service_date_too_old")],
            SERVICE_LENGTH: [pa.Check.ge(0, error="service_dates_reversed")],
        }
        self._schema = pa.DataFrameSchema(
            {
                **{column: _text_column(column) for column in TEXT_RULES},
                **{column + FAULT: _fault_column() for column in CANONICAL_COLUMNS},
                **{name: pa.Column(checks=checks, required=False) for name, checks in days.items()},
            }
        )

    def faults(self, frame: pd.DataFrame) -> dict[int, list[Fault]]:
        """What is wrong, by position in `frame`, in the order of the canonical columns."""
        try:
            self._schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
        else:
            return {}
        found: dict[int, list[Fault]] = defaultdict(list)
        for (column, check), group in cases.groupby(["column", "check"], sort=False):
            positions = group["index"].astype(int)
            for position, fault in _named(frame, str(column), str(check), positions):
                found[position].append(fault)
        return {
            position: sorted(faults, key=lambda fault: _ORDER[fault.column])
            for position, faults in found.items()
        }


def _text_column(column: str) -> pa.Column:
    pattern = "|".join(f"(?:{rule.pattern})" for rule in TEXT_RULES[column])
    check = pa.Check(lambda cells: ~cells.str.contains(pattern), error=_BROKEN_RULE)
    return pa.Column(checks=check, required=False)


def _fault_column() -> pa.Column:
    return pa.Column(checks=pa.Check.eq("", error=_NAMED_FAULT), required=False)


def _named(
    frame: pd.DataFrame, column: str, check: str, positions: "pd.Series[int]"
) -> Iterator[tuple[int, Fault]]:
    """The faults of one failed check."""
    if check == _NAMED_FAULT:
        codes = frame[column].iloc[positions]
        named_column = column.removesuffix(FAULT)
        for position, code in zip(positions, codes, strict=True):
            yield position, Fault(column=named_column, code=code)
    elif check == _BROKEN_RULE:
        cells = frame[column].iloc[positions]
        for rule in TEXT_RULES[column]:
            broken = cells.str.contains(rule.pattern)
            for position in cells.index[broken]:
                yield int(position), Fault(column=column, code=rule.code)
            cells = cells[~broken]
    else:
        for position in positions:
            yield position, Fault(column=_MENDED_IN[column], code=check)
