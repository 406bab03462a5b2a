"""The cells of one batch, read column by column: texts, days, practices, amounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import itemgetter

import pandas as pd

from claims_pipeline.intake.cells import cleaned_column, read_amount
from claims_pipeline.intake.columns import CANONICAL_COLUMNS
from claims_pipeline.intake.dates import ReadDate, read_date
from claims_pipeline.intake.practices import FoundPractice, PracticeDirectory
from claims_pipeline.intake.rules import TEXT_RULES
from claims_pipeline.intake.schema import (
    BIRTH_DAY,
    FAULT,
    SERVICE_END,
    SERVICE_LENGTH,
    SERVICE_START,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedColumns:
    """One list for each canonical column, all as long as the batch.

    Cells of columns that the file does not have are empty.
    """

    texts: dict[str, list[str]]
    births: list[ReadDate]
    firsts: list[ReadDate]
    lasts: list[ReadDate]
    practices: list[FoundPractice]
    amounts: list[Decimal | None]

    @property
    def unread_amounts(self) -> int:
        """How many amounts stand in the file and could not be read."""
        return self.amounts.count(None) - self.texts["total_charged"].count("")


def parsed_columns(
    rows: Sequence[Sequence[str]], columns: dict[str, int], directory: PracticeDirectory
) -> ParsedColumns:
    """Read all cells; what is wrong with one is noted on it, never raised."""
    nothing = [""] * len(rows)
    texts = dict.fromkeys(CANONICAL_COLUMNS, nothing)
    for column, position in columns.items():
        texts[column] = cleaned_column(list(map(itemgetter(position), rows)))
    return ParsedColumns(
        texts=texts,
        births=list(map(read_date, texts["date_of_birth"])),
        firsts=list(map(read_date, texts["first_service_date"])),
        lasts=list(map(read_date, texts["last_service_date"])),
        practices=list(map(directory.find, texts["practice_id"], texts["tin"])),
        amounts=list(map(read_amount, texts["total_charged"])),
    )


def checked_frame(parsed: ParsedColumns, columns: dict[str, int], *, today: date) -> pd.DataFrame:
    """The frame that `RowSchema` checks. A column without anything to check is left out."""
    data: dict[str, Sequence[int] | pd.Series[str]] = {
        column: pd.Series(parsed.texts[column], dtype="str")
        for column in TEXT_RULES
        if column in columns
    }
    neutral = today.toordinal()
    data[BIRTH_DAY] = [read.day.toordinal() if read.day else neutral for read in parsed.births]
    if "first_service_date" in columns or "last_service_date" in columns:
        firsts, lasts = parsed.firsts, parsed.lasts
        days = [
            (first.day or last.day, last.day or first.day)
            for first, last in zip(firsts, lasts, strict=True)
        ]
        data[SERVICE_START] = [start.toordinal() if start else neutral for start, _ in days]
        data[SERVICE_END] = [end.toordinal() if end else neutral for _, end in days]
        data[SERVICE_LENGTH] = [(end - start).days if start and end else 0 for start, end in days]
    for column, faults in _named_faults(parsed):
        if any(faults):
            data[column + FAULT] = pd.Series(faults, dtype="str")
    return pd.DataFrame(data)


def _named_faults(parsed: ParsedColumns) -> list[tuple[str, list[str]]]:
    """For each column the code of what reading its cells found wrong, or nothing."""
    practices = parsed.practices
    return [
        ("date_of_birth", ["required" if read.is_empty else read.fault for read in parsed.births]),
        ("first_service_date", [read.fault for read in parsed.firsts]),
        ("last_service_date", [read.fault for read in parsed.lasts]),
        ("practice_id", [p.fault if p.column == "practice_id" else "" for p in practices]),
        ("tin", [p.fault if p.column == "tin" else "" for p in practices]),
    ]
