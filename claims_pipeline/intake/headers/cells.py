"""What the cells of a column with an unknown name look like, when its name says nothing."""

import re
from collections.abc import Sequence

from claims_pipeline.intake.cells.dates import read_date
from claims_pipeline.intake.columns import Layout
from claims_pipeline.intake.headers.meanings import meaning_of

_NUMBER_OF_A_CLAIM = re.compile(r"(?=.*[0-9]{4})[A-Za-z0-9][A-Za-z0-9-]{7,24}", re.ASCII)
_SAMPLED_ROWS = 200
_MOST = 0.8


def looks_like(layout: Layout, rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """For columns whose names hold unknown words: the column that their cells look like."""
    doubtful = [
        at
        for at, reading in enumerate(layout.readings)
        if reading.read_as is None
        and reading.header
        and not meaning_of(reading.header).is_understood
    ]
    found: dict[int, str] = {}
    for at in doubtful:
        position = layout.kept[at]
        cells = [row[position].strip() for row in rows[:_SAMPLED_ROWS] if position < len(row)]
        filled = [cell for cell in cells if cell]
        if not filled:
            continue
        if sum(read_date(cell).day is not None for cell in filled) >= _MOST * len(filled):
            found[at] = "first_service_date"
        elif sum(bool(_NUMBER_OF_A_CLAIM.fullmatch(cell)) for cell in filled) >= _MOST * len(
            filled
        ):
            found[at] = "claim_number"
    return found
