"""Answered and rejected rows as JSON."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from claims_pipeline.model import (
    AnsweredRow,
    ClaimStatus,
    MatchedClaim,
    Outcome,
    QueryKind,
    RejectedRow,
)
from claims_pipeline.payers.status import NEXT_ACTIONS


class ResultJson(BaseModel):
    """One input row with its answer.

    `cells` are the row's own, in the order of `columns`. `claim_status` is the primary claim's.
    `next_action` is a code, `next_action_text` the same in words. Amounts are texts in dollars.
    """

    row_number: int
    line_number: int
    cells: tuple[str, ...]
    outcome: Outcome
    success: bool
    claim_status: ClaimStatus | None
    next_action: str | None
    next_action_text: str | None
    matched_by: str | None
    match_note: str | None
    tin: str | None
    payer_id: str | None
    searched_from: date | None
    searched_to: date | None
    search: QueryKind | None
    error_code: str | None
    error_message: str | None
    payer_environment: str | None
    checked_at: datetime | None
    claims: tuple[MatchedClaim, ...]

    @classmethod
    def of(cls, answered: AnsweredRow) -> Self:
        """The JSON of one row."""
        result = answered.result
        primary = next((match for match in result.claims if match.primary), None)
        next_action = result.next_action or (primary and primary.next_action)
        return cls(
            row_number=answered.row.row_number,
            line_number=answered.row.line_number,
            cells=answered.row.cells,
            outcome=result.outcome,
            success=result.outcome in {Outcome.FOUND, Outcome.AMBIGUOUS},
            claim_status=primary and primary.status,
            next_action=next_action,
            next_action_text=NEXT_ACTIONS.get(next_action) if next_action else None,
            matched_by=result.matched_by,
            match_note=result.match_note,
            tin=answered.tin,
            payer_id=answered.payer_id,
            searched_from=result.searched and result.searched.first,
            searched_to=result.searched and result.searched.last,
            search=result.search,
            error_code=result.error_code,
            error_message=result.error_message,
            payer_environment=result.payer_environment,
            checked_at=result.checked_at,
            claims=result.claims,
        )


class ResultListJson(BaseModel):
    """One page of answered rows; `columns` are the file's own, in order.

    `claims` is how many different claims the filters find; null where they ask for none.
    """

    count: int
    claims: int | None
    next: str | None
    previous: str | None
    columns: tuple[str, ...]
    results: list[ResultJson]


class RejectedRowJson(BaseModel):
    """A row that cannot be asked: where, why, and what to do."""

    row_number: int
    line_number: int
    column: str | None
    code: str
    message: str
    cells: tuple[str, ...]

    @classmethod
    def all_of(cls, rows: Iterable[RejectedRow]) -> list[Self]:
        """The JSON of each row."""
        return [
            cls(
                row_number=row.row_number,
                line_number=row.line_number,
                column=row.column,
                code=row.code,
                message=row.message,
                cells=row.cells,
            )
            for row in rows
        ]


class RejectedRowListJson(BaseModel):
    """One page of rejected rows; `columns` are the file's own, in order."""

    count: int
    next: str | None
    previous: str | None
    columns: tuple[str, ...]
    results: list[RejectedRowJson]
