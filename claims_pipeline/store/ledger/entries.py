"""What the ledger hands out and takes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claims_pipeline.errors import PayerError
from claims_pipeline.model import (
    BillingProvider,
    Claim,
    DateWindow,
    DensityObservation,
    Member,
    Query,
    QueryKind,
    Request,
    Result,
)
from claims_pipeline.payers.base import Answer, Submitted
from claims_pipeline.store import codec
from claims_pipeline.store.rows.stored import stored_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The unit of planning: the rows of one practice at one payer id."""

    tin: str
    payer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRow:
    """A row without an answer, and the windows that complete answers have covered for it.

    `swept` are those covered by sweeps, which show a claim under whatever name.
    """

    request: Request
    patient_key: int
    covered: tuple[DateWindow, ...]
    swept: tuple[DateWindow, ...]
    single_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group's rows that need an answer of their own (duplicates share their first's).

    `observations` is what answered searches have taught about the group's claims per day.
    """

    rows: tuple[OpenRow, ...]
    observations: tuple[DensityObservation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedQuery:
    """A query that this lane asks, with the open rows that it can answer.

    One that was `submitted_at` an earlier moment is not asked again: its answer is looked for by
    its `reference`.
    """

    query_id: str
    query: Query
    requests: tuple[Request, ...]
    reference: str | None = None
    submitted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedQuery:
    """A leased query whose answer comes later."""

    leased: LeasedQuery
    submitted: Submitted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredQuery:
    """What became of a leased query: an answer or an error, and the claims for each row.

    `candidates` holds, by row number, the claims that could answer the row.
    """

    leased: LeasedQuery
    answer: Answer | None = None
    error: PayerError | None = None
    candidates: Mapping[int, Sequence[Claim]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProgress:
    """A row at a checkpoint: the windows covered and the claims seen for it so far.

    `covered`, and `swept` of it, are merged, oldest first. `single_only`: a sweep did not answer
    the row for certain. `decided_by` is the query that has told most: the last complete one, else
    the last. `failed_by` is a query of the row that met an error.
    """

    request: Request
    covered: tuple[DateWindow, ...]
    swept: tuple[DateWindow, ...] = ()
    single_only: bool = False
    claims: tuple[Claim, ...]
    decided_by: AnsweredQuery
    failed_by: AnsweredQuery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """A row's result, and what a row-by-row client would have spent on it."""

    result: Result
    one_per_row_calls: int


Conclude = Callable[[RowProgress], Conclusion | None]


def member_of(request: Request) -> Member:
    """Whose insurance a row's patient has."""
    return Member(
        subscriber_id=request.subscriber_id,
        subscriber_first_name=request.subscriber_first_name,
        subscriber_last_name=request.subscriber_last_name,
    )


def open_row_of(row: Any) -> OpenRow:
    """Map a row of `requests`, read with its progress."""
    return OpenRow(
        request=stored_request(row),
        patient_key=row.patient_key,
        covered=codec.windows_from_text(row.covered),
        swept=codec.windows_from_text(row.swept),
        single_only=row.single_only,
    )


def leased_query_of(
    row: Any, requests: tuple[Request, ...], provider: BillingProvider
) -> LeasedQuery:
    """Map a row of `queries`; a single asks for the patient of its first open row."""
    kind = QueryKind(row.kind)
    first = requests[0]
    is_single = kind is QueryKind.SINGLE
    return LeasedQuery(
        query_id=row.id,
        query=Query(
            kind=kind,
            tin=row.tin,
            payer_id=row.payer_id,
            window=DateWindow(row.window_first, row.window_last),
            row_numbers=tuple(request.row_number for request in requests),
            patient=first.patient if is_single else None,
            member=member_of(first) if is_single else None,
            provider=provider,
            page_limit=row.page_limit,
            reason=row.reason,
        ),
        requests=requests,
        reference=row.reference,
        submitted_at=row.submitted_at,
    )
