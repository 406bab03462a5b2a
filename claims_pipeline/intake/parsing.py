"""The cells of one batch, read column by column: texts, days, practices, amounts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import compress
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_pipeline.intake.cells.dates import NO_DATE, ReadDate, read_date
from claims_pipeline.intake.cells.practices import FoundPractice, PracticeDirectory
from claims_pipeline.intake.cells.text import cleaned_column, read_amount
from claims_pipeline.intake.columns import CANONICAL_COLUMNS
from claims_pipeline.intake.rules import TEXT_RULES
from claims_pipeline.intake.schema import (
    BIRTH_DAY,
    FAULT,
    SERVICE_END,
    SERVICE_LENGTH,
    SERVICE_START,
)

Ordinals = npt.NDArray[np.int64]


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

    def only(self, kept: Sequence[bool]) -> "ParsedColumns":
        """The rows at the positions that are `kept`."""
        return ParsedColumns(
            texts={column: list(compress(cells, kept)) for column, cells in self.texts.items()},
            births=list(compress(self.births, kept)),
            firsts=list(compress(self.firsts, kept)),
            lasts=list(compress(self.lasts, kept)),
            practices=list(compress(self.practices, kept)),
            amounts=list(compress(self.amounts, kept)),
        )

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
    neutral = today.toordinal()
    births, firsts, lasts = map(_ordinals, (parsed.births, parsed.firsts, parsed.lasts))
    starts, ends = np.where(firsts, firsts, lasts), np.where(lasts, lasts, firsts)
    # A fault of reading leaves the other date, which is then compared with itself.
    return pd.DataFrame(
        {
            **{
                column: pd.Series(parsed.texts[column], dtype="str")
                for column in TEXT_RULES
                if column in columns
            },
            BIRTH_DAY: np.where(births, births, neutral),
            SERVICE_START: np.where(starts, starts, neutral),
            SERVICE_END: np.where(ends, ends, neutral),
            SERVICE_LENGTH: ends - starts,
            **{
                column + FAULT: pd.Series(faults, dtype="str")
                for column, faults in _reading_faults(parsed)
            },
        }
    )


def _ordinals(dates: Sequence[ReadDate]) -> Ordinals:
    return np.fromiter((read.ordinal for read in dates), dtype=np.int64, count=len(dates))


def _reading_faults(parsed: ParsedColumns) -> Iterator[tuple[str, list[str]]]:
    """For each column in which reading found faults, their codes, empty where there is none."""
    births = parsed.births
    if any(read.day is None for read in set(births)):
        yield "date_of_birth", ["required" if read is NO_DATE else read.fault for read in births]
    for column, dates in (
        ("first_service_date", parsed.firsts),
        ("last_service_date", parsed.lasts),
    ):
        if any(read.fault for read in set(dates)):
            yield column, [read.fault for read in dates]
    practices = parsed.practices
    for column in {found.column for found in set(practices) if found.fault}:
        yield column, [found.fault if found.column == column else "" for found in practices]
