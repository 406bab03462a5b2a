"""The answer to a row, and the row beside it."""

from dataclasses import dataclass
from datetime import datetime

from claims_pipeline.model.claims import Claim
from claims_pipeline.model.outcomes import ClaimStatus, Outcome
from claims_pipeline.model.queries import QueryKind
from claims_pipeline.model.windows import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedClaim:
    """A claim that answers a row, with our reading of its status."""

    claim: Claim
    status: ClaimStatus
    next_action: str
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer to one row: an outcome, and zero or more claims, best first."""

    row_number: int
    outcome: Outcome
    claims: tuple[MatchedClaim, ...] = ()
    matched_by: str | None = None
    match_note: str | None = None
    next_action: str | None = None
    searched: DateWindow | None = None
    search: QueryKind | None = None
    error_code: str | None = None
    error_message: str | None = None
    payer_environment: str | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One record of the input file as it stood, accepted or rejected, for writing files."""

    row_number: int
    line_number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """An input row with its answer: what the exports write."""

    row: InputRow
    result: Result
    tin: str | None = None
    payer_id: str | None = None
