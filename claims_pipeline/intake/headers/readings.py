"""What the columns of a header were read as, and the refusals that name them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake.catalogue import refusal_text
from claims_pipeline.intake.headers.meanings import Meaning

_LONGEST_NAMED_HEADER = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReading:
    """One column of the file, and the canonical column (or `patient_name`) that it was read as.

    `may_be` names the column that an unread one may hold after all: somebody has to decide.
    """

    header: str = field(repr=False)
    read_as: str | None
    may_be: str | None = None


class HeaderRefusedError(FileRefusedError):
    """The columns cannot be told apart, or lack something; a decision about them may help."""

    def __init__(self, code: str, message: str, readings: Sequence[ColumnReading]) -> None:
        super().__init__(code, message)
        self.readings = tuple(readings)


def header_refused(code: str, detail: str, readings: Sequence[ColumnReading]) -> HeaderRefusedError:
    """The error of `code` with its remedy and `detail`, which holds no value of the file."""
    return HeaderRefusedError(code, refusal_text(code, detail), readings)


def what_is_missing(
    missing: Sequence[str], header: Sequence[str], meanings: Sequence[Meaning]
) -> str:
    """A sentence on columns that every row needs, and on those that name somebody else."""
    detail = f"Missing: {', '.join(missing)}."
    others = [at for at, meaning in enumerate(meanings) if meaning.is_another_persons]
    if others:
        which = ", ".join(shown(header, meanings, at) for at in others)
        detail += f" Not taken for the patient's, for they name another person: {which}."
    return detail


def shown(header: Sequence[str], meanings: Sequence[Meaning], at: int) -> str:
    """A column for a message: by its name only where no word of it can be anybody's value."""
    name = header[at].strip()
    letter = _letters_of(at)
    if meanings[at].is_understood and name and len(name) <= _LONGEST_NAMED_HEADER:
        return f'"{name}" (column {letter})'
    return f"column {letter}"


def _letters_of(at: int) -> str:
    """A, B, … Z, AA: as spreadsheets name their columns."""
    letters = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
