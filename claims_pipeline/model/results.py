"""The answer to a row, and the row beside it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from claims_pipeline.model.claims import Claim
from claims_pipeline.model.follow_up import Check
from claims_pipeline.model.outcomes import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.model.queries import QueryKind
from claims_pipeline.model.windows import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One of the payer's reasons for not paying; `amount` in dollars, where lines tell it."""

    code: str
    group: str | None = None
    description: str | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedClaim:
    """A claim that answers a row, with our reading of it.

    `open_amount` is what can still be won, in dollars; None where the payer gives no amount to tell
    it from. `denials` are the reasons for not paying, largest amount first; what the contract
    writes off and what the patient shares is none. `note` says what is odd about this claim for
    this row. `same_claim_as_row` is the first row that shows the same claim, found rows first; None
    on that row itself, so that lines without it hold each claim once. `check` is what following
    the claim told; None where it is not followed.
    """

    claim: Claim
    status: ClaimStatus
    next_action: str
    primary: bool = False
    open_amount: Decimal | None = None
    denial_category: DenialCategory | None = None
    denials: tuple[Denial, ...] = ()
    note: str | None = None
    same_claim_as_row: int | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer to one row: an outcome, and zero or more claims, best first.

    `check` is what following the row told where no claim of its own carries one.
    """

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
    error_column: str | None = None
    payer_environment: str | None = None
    checked_at: datetime | None = None
    check: Check | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRow:
    """One record of the input file as it stood, accepted or rejected, for writing files."""

    row_number: int
    line_number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """An input row with its answer: what the exports write.

    `payer` is the short name of the payer that the upload asks.
    """

    row: InputRow
    result: Result
    practice_id: str | None = None
    tin: str | None = None
    payer: str | None = None
    payer_id: str | None = None
