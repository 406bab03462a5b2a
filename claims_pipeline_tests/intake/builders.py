"""Files and contexts for intake's tests: short to write, legal unless a test says otherwise."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from claims_pipeline.intake import IntakeContext, IntakeWarning, read
from claims_pipeline.model import ListedPayer, Practice, RejectedRow, Request

TODAY = date(2025, 6, 16)
OLDEST_DAY = date(2023, 6, 16)
CLAIMS_HEADER = "claim_number,first_name,last_name,date_of_birth"
UHC = ListedPayer(
    payer="uhc",
    payer_id="87726",
    name="UnitedHealthcare",
    aliases=("UHC*", "United Healthcare*", "96385"),
    channel="uhc",
)
PRACTICES = (
    Practice(practice_id="1", tin="071234567", name="North", is_default=True),
    Practice(practice_id="2", tin="072345678", name="South", payer_id="03432"),
)


@dataclass(frozen=True)
class TwoYears:
    """A payer that answers for two years."""

    def oldest_day(self, today: date) -> date:
        return today.replace(year=today.year - 2)


@dataclass(frozen=True)
class WholeFile:
    header: tuple[str, ...]
    requests: list[Request]
    rejected: list[RejectedRow]
    warnings: list[IntakeWarning]
    left_out: list[tuple[int, str]]
    records: int
    read_as: dict[str, str | None]

    @property
    def verdicts(self) -> list[tuple[int, int, str | None, str]]:
        return [(row.row_number, row.line_number, row.column, row.code) for row in self.rejected]

    @property
    def places(self) -> list[tuple[int, int]]:
        return [(request.row_number, request.line_number) for request in self.requests]


def make_context(
    *,
    practices: Sequence[Practice] = PRACTICES,
    provider: str = "uhc",
    payers: Sequence[ListedPayer] = (UHC,),
    max_rows: int = 1_000_000,
    max_bytes: int = 100 << 20,
    column_map: dict[str, str] | None = None,
    remembered: dict[str, dict[str, str]] | None = None,
) -> IntakeContext:
    return IntakeContext(
        practices=practices,
        provider=provider,
        payers=payers,
        channels=frozenset({"uhc"}),
        today=TODAY,
        capabilities=TwoYears(),
        max_rows=max_rows,
        max_bytes=max_bytes,
        column_map=column_map or {},
        remembered=remembered or {},
    )


def read_file(content: bytes, context: IntakeContext | None = None) -> WholeFile:
    reading = read(io.BytesIO(content), context or make_context())
    chunks = list(reading.chunks())
    return WholeFile(
        header=reading.header,
        requests=[request for chunk in chunks for request in chunk.requests],
        rejected=[row for chunk in chunks for row in chunk.rejected],
        warnings=[warning for chunk in chunks for warning in chunk.warnings],
        left_out=[tuple(left) for left in reading.left_out_lines],
        records=reading.records,
        read_as={column.header: column.read_as for column in reading.column_readings},
    )


def read_text(text: str, context: IntakeContext | None = None) -> WholeFile:
    return read_file(text.encode(), context)


def claims_file(*rows: str) -> bytes:
    return "\n".join([CLAIMS_HEADER, *rows, ""]).encode()


def claim_row(number: int = 1) -> str:
    return f"FH{number:08d},ADA,EXAMPLE,05/10/1975"
