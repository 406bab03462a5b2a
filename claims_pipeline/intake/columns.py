"""Which columns a file has: what each one was read as, and which stay unread."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake.catalogue import refusal_text
from claims_pipeline.intake.headers.meanings import IGNORE, Meaning, meaning_of
from claims_pipeline.intake.headers.our_columns import primary_at, without_our_columns
from claims_pipeline.intake.headers.persons import PATIENT_NAME, SPLIT_AT_COMMA
from claims_pipeline.intake.headers.readings import (
    ColumnReading,
    header_refused,
    shown,
    what_is_missing,
)
from claims_pipeline.results_file.formulas import restored

REQUIRED_COLUMNS = ("first_name", "last_name", "date_of_birth")
MAX_COLUMNS = 16_000

ColumnMap = Mapping[str, str]
NO_COLUMN_MAP: ColumnMap = {}

# A byte order mark, and how it reads when it was taken for Windows-1252.
_BYTE_ORDER_MARKS = ("\ufeff", "ï»¿")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a record's cells are laid out.

    `file_width` cells stand in a record of the file, at least `least_width`: behind it the header
    names nothing. `kept` are the positions that are not ours, in order; `header` names them.
    `columns` gives the position of a canonical column among them, `readings` what each was read as;
    about those in `decided` somebody has decided.
    `primary_at` is where a results file says which of a row's lines is the first.
    """

    header: tuple[str, ...]
    kept: tuple[int, ...]
    columns: dict[str, int]
    readings: tuple[ColumnReading, ...]
    file_width: int
    least_width: int
    names: tuple[str, ...]
    decided: frozenset[int]
    primary_at: int | None

    @property
    def kept_cells(self) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """What takes a record's cells and leaves those of our columns out.

        Cells beyond the header stay.
        """
        return tuple if len(self.kept) == self.file_width else self._without_our_cells

    def _without_our_cells(self, row: Sequence[str]) -> tuple[str, ...]:
        kept = tuple(row[position] for position in self.kept if position < len(row))
        return (*kept, *row[self.file_width :])

    def header_of(self, column: str | None) -> str | None:
        """The file's own name for a canonical column; None when it has no such column."""
        return header_of(self.header, self.columns, column)


def position_of(columns: Mapping[str, int], column: str | None) -> int | None:
    """Where a canonical column's cells stand; those of both names may stand in one."""
    position = columns.get(column or "")
    if position is None:
        for whole, names in SPLIT_AT_COMMA.items():
            if column in names:
                return columns.get(whole)
    return position


def header_of(header: Sequence[str], columns: Mapping[str, int], column: str | None) -> str | None:
    """As `Layout.header_of`, for a header and the positions of its columns."""
    position = position_of(columns, column)
    return None if position is None else header[position].strip()


def cleaned_names(cells: Sequence[str]) -> list[str]:
    """The names of a header without marks of encoding and damage."""
    names = [restored(cell.replace("\0", "")) for cell in cells]
    if names:
        for mark in _BYTE_ORDER_MARKS:
            names[0] = names[0].removeprefix(mark)
    return [name.strip("\ufeff\u200b").strip('"') if name else name for name in names]


def known_columns(names: Sequence[str], column_map: ColumnMap = NO_COLUMN_MAP) -> frozenset[str]:
    """Which canonical columns a header names; `patient_name` stands for both names."""
    found = {
        column
        for name in cleaned_names(names)
        if (column := column_map.get(name.strip()) or meaning_of(name).column) and column != IGNORE
    }
    return frozenset(found | {"first_name", "last_name"} if PATIENT_NAME in found else found)


def canonical_positions(names: Sequence[str]) -> dict[str, int]:
    """Where each canonical column that these names hold stands; which of several is not told."""
    found = _strongest([meaning_of(name) for name in names])
    return {column: positions[0] for column, positions in found.items()}


def layout_of(cells: Sequence[str], column_map: ColumnMap = NO_COLUMN_MAP) -> Layout:
    """Read a header; `column_map` says what columns are (or `ignore`), by their stripped names.

    Raises:
        FileRefusedError: `no_usable_header` or `too_many_columns`.
        HeaderRefusedError: `columns_missing`, `columns_repeated` or `column_map_unmatched`.

    """
    if len(cells) > MAX_COLUMNS:
        raise FileRefusedError("too_many_columns", refusal_text("too_many_columns"))
    names = cleaned_names(cells)
    kept, header = without_our_columns(names)
    meanings = [_decided(name.strip(), column_map) for name in header]
    strongest = _strongest(meanings)
    if not strongest and not any(meaning.is_another_persons for meaning in meanings):
        raise FileRefusedError("no_usable_header", refusal_text("no_usable_header"))
    columns = {column: positions[0] for column, positions in strongest.items()}
    for whole, parts in SPLIT_AT_COMMA.items():
        # What tells first from last without a comma is surer.
        superfluous = (whole,) if columns.keys() >= set(parts) else parts
        if whole in columns:
            for column in superfluous:
                columns.pop(column, None)
    readings = _readings(header, meanings, columns)
    _require_match(column_map, header, readings)
    for column, positions in strongest.items():
        if column in columns and len(positions) > 1:
            which = " and ".join(shown(header, meanings, at) for at in positions)
            raise header_refused("columns_repeated", f"{which} both mean {column}.", readings)
    missing = [column for column in REQUIRED_COLUMNS if column not in _with_names(columns)]
    if missing:
        raise header_refused(
            "columns_missing", what_is_missing(missing, header, meanings), readings
        )
    return Layout(
        header=header,
        kept=kept,
        columns=columns,
        readings=readings,
        file_width=len(names),
        least_width=len("\0".join(name.strip() for name in names).rstrip("\0").split("\0")),
        names=tuple(name.strip().casefold() for name in names),
        decided=frozenset(at for at, name in enumerate(header) if name.strip() in column_map),
        primary_at=primary_at(names, kept),
    )


def undecided(layout: Layout, looks_like: Mapping[int, str]) -> None:
    """Refuse a file of which a column that was not read may be one that it lacks.

    `looks_like` gives, for positions of columns with unknown words, the column that their cells
    look like.

    Raises:
        HeaderRefusedError: `columns_uncertain`.

    """
    lacking = {"claim_number", "first_service_date"} - layout.columns.keys()
    if "last_service_date" in layout.columns:
        lacking.discard("first_service_date")
    doubtful: dict[int, str] = {}
    for at, reading in enumerate(layout.readings):
        column = reading.may_be or looks_like.get(at)
        if reading.read_as is None and column in lacking and at not in layout.decided:
            doubtful[at] = column
    if not doubtful:
        return
    readings = [
        ColumnReading(header=reading.header, read_as=reading.read_as, may_be=doubtful.get(at))
        for at, reading in enumerate(layout.readings)
    ]
    which = ", ".join(
        f"{shown(layout.header, [meaning_of(name) for name in layout.header], at)} ({column}?)"
        for at, column in doubtful.items()
    )
    raise header_refused("columns_uncertain", f"Not read: {which}.", readings)


def _decided(name: str, column_map: ColumnMap) -> Meaning:
    decided = column_map.get(name)
    if decided is None:
        return meaning_of(name)
    # Above all others that mean the same.
    understood = meaning_of(name).is_understood
    column = None if decided == IGNORE else decided
    return Meaning(column=column, weight=100, is_understood=understood)


def _strongest(meanings: Sequence[Meaning]) -> dict[str, list[int]]:
    """For each column the positions that mean it most clearly: several where none stands out."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, meaning in enumerate(meanings):
        if meaning.column:
            found[meaning.column].append(at)
    strongest: dict[str, list[int]] = {}
    for column, places in found.items():
        most = max(meanings[at].weight for at in places)
        strongest[column] = [at for at in places if meanings[at].weight == most]
    return strongest


def _readings(
    header: Sequence[str], meanings: Sequence[Meaning], columns: Mapping[str, int]
) -> tuple[ColumnReading, ...]:
    read_at = {position: column for column, position in columns.items()}
    return tuple(
        ColumnReading(
            header=name.strip(),
            read_as=read_at.get(at),
            may_be=None if at in read_at else meaning.speaks_of,
        )
        for at, (name, meaning) in enumerate(zip(header, meanings, strict=True))
    )


def _require_match(
    column_map: ColumnMap, header: Sequence[str], readings: Sequence[ColumnReading]
) -> None:
    if not column_map.keys() <= {name.strip() for name in header}:
        raise header_refused("column_map_unmatched", "", readings)


def _with_names(columns: Mapping[str, int]) -> frozenset[str]:
    found = frozenset(columns)
    return found | {"first_name", "last_name"} if PATIENT_NAME in found else found
