"""Some of an upload's answered rows: by outcome, status or what to do next, or by a search."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)

from claims_pipeline.model import AnsweredRow, ClaimStatus, Outcome, RejectedRow
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows.answered import read_numbered_rows
from claims_pipeline.store.rows.stored import rejected_row_of

_ROWS_AT_ONCE = 500


class RowOrder(StrEnum):
    """In which order rows are shown: the file's, by the primary claim's amount, or its age.

    Rows without a claim go by what the file says of them, and come last where it says nothing.
    """

    FILE = "file"
    LARGEST = "largest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFilter:
    """Which rows; what is None leaves all. `claim_status` is that of a row's primary claim.

    `next_action` is a code. Every word of `search` must be part of a name or number of the row, or
    of the number of a claim that the payer returned for it.
    """

    outcome: Outcome | None = None
    claim_status: ClaimStatus | None = None
    next_action: str | None = None
    search: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """One page of answered rows, and how many there are on all pages."""

    rows: tuple[AnsweredRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRowPage:
    """One page of rejected rows, and how many there are on all pages."""

    rows: tuple[RejectedRow, ...]
    total: int


def page_of_results(
    engine: Engine,
    upload_id: str,
    wanted: ResultFilter,
    *,
    page: int,
    page_size: int,
    order: RowOrder = RowOrder.FILE,
) -> ResultPage:
    """One page (from 1) of the wanted rows; empty beyond the last."""
    numbers = _numbers(upload_id, wanted)
    with reading(engine) as connection:
        counted = select(func.count()).select_from(numbers.order_by(None).subquery())
        total = connection.execute(counted).scalar_one()
        in_order = numbers if order is RowOrder.FILE else _ordered(numbers, upload_id, order)
        here = in_order.limit(page_size).offset((page - 1) * page_size)
        found = connection.execute(here).scalars().all()
        rows = {row.row.row_number: row for row in read_numbered_rows(connection, upload_id, found)}
    return ResultPage(rows=tuple(rows[number] for number in found), total=total)


def iterate_results(engine: Engine, upload_id: str, wanted: ResultFilter) -> Iterator[AnsweredRow]:
    """All wanted rows in row order, read chunk by chunk, each a transaction of its own."""
    last = 0
    while True:
        numbers = _numbers(upload_id, wanted, after=last).limit(_ROWS_AT_ONCE)
        with reading(engine) as connection:
            found = connection.execute(numbers).scalars().all()
            rows = read_numbered_rows(connection, upload_id, found)
        if not found:
            return
        yield from rows
        last = found[-1]


def page_of_rejected_rows(
    engine: Engine, upload_id: str, *, page: int, page_size: int
) -> RejectedRowPage:
    """One page (from 1) of the rejected rows in row order; empty beyond the last."""
    of_upload = tables.rejected_rows.c.upload_id == upload_id
    query = (
        select(tables.rejected_rows)
        .where(of_upload)
        .order_by(tables.rejected_rows.c.row_number)
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    with reading(engine) as connection:
        counted = select(func.count()).select_from(tables.rejected_rows).where(of_upload)
        total = connection.execute(counted).scalar_one()
        found = connection.execute(query).mappings().all()
    return RejectedRowPage(rows=tuple(map(rejected_row_of, found)), total=total)


def _numbers(upload_id: str, wanted: ResultFilter, *, after: int = 0) -> Select[Any]:
    """Numbers of the wanted rows after that one, in order."""
    rejected = select(tables.rejected_rows.c.row_number).where(
        tables.rejected_rows.c.upload_id == upload_id,
        tables.rejected_rows.c.row_number > after,
        _has_default_answer(wanted, Outcome.REJECTED),
        _rejected_row_is_searched(wanted.search),
    )
    accepted = select(tables.requests.c.row_number).where(
        tables.requests.c.upload_id == upload_id,
        tables.requests.c.row_number > after,
        _request_is_searched(upload_id, wanted.search),
    )
    is_any = (wanted.outcome, wanted.claim_status, wanted.next_action) == (None, None, None)
    numbers = union_all(
        *((accepted,) if is_any else _accepted_by_answer(accepted, wanted)), rejected
    ).subquery()
    return select(numbers.c.row_number).order_by(numbers.c.row_number)


def _ordered(numbers: Select[Any], upload_id: str, order: RowOrder) -> Select[Any]:
    """The same numbers, by amount or age of the row's primary claim."""
    wanted = numbers.order_by(None).subquery()
    number = wanted.c.row_number
    own = and_(tables.requests.c.upload_id == upload_id, tables.requests.c.row_number == number)
    current = and_(
        tables.results.c.upload_id == upload_id,
        tables.results.c.row_number == number,
        tables.results.c.is_current.is_(True),
    )
    primary = and_(
        tables.claims.c.upload_id == upload_id,
        tables.claims.c.row_number == number,
        tables.claims.c.attempt == tables.results.c.attempt,
        tables.claims.c.is_primary.is_(True),
    )
    by = (
        func.coalesce(tables.claims.c.total_charged, tables.requests.c.total_charged).desc()
        if order is RowOrder.LARGEST
        else func.coalesce(tables.claims.c.service_from, tables.requests.c.service_from).asc()
    )
    return (
        select(number)
        .select_from(wanted)
        .join(tables.requests, own, isouter=True)
        .join(tables.results, current, isouter=True)
        .join(tables.claims, primary, isouter=True)
        .order_by(by.nulls_last(), number)
    )


def _accepted_by_answer(accepted: Select[Any], wanted: ResultFilter) -> tuple[Select[Any], ...]:
    """Rows with a result that is wanted, and the open ones, which count as unprocessed."""
    current = and_(
        tables.results.c.upload_id == tables.requests.c.upload_id,
        tables.results.c.row_number == tables.requests.c.row_number,
        tables.results.c.is_current.is_(True),
    )
    answered = accepted.join(tables.results, current)
    if wanted.outcome is not None:
        answered = answered.where(tables.results.c.outcome == wanted.outcome)
    if wanted.claim_status is not None:
        answered = answered.where(tables.results.c.claim_status == wanted.claim_status)
    if wanted.next_action is not None:
        answered = answered.where(_next_action_is(wanted.next_action))
    still_open = accepted.where(
        tables.requests.c.is_open.is_(True), _has_default_answer(wanted, Outcome.UNPROCESSED)
    )
    return answered, still_open


def _next_action_is(code: str) -> ColumnElement[bool]:
    # Rows that the end of an upload answered in bulk carry no action of their own.
    usual = [
        outcome
        for outcome in Outcome
        if outcome is not Outcome.FOUND and next_action_for_error(outcome) == code
    ]
    return or_(
        tables.results.c.next_action == code,
        and_(tables.results.c.next_action.is_(None), tables.results.c.outcome.in_(usual)),
    )


def _has_default_answer(wanted: ResultFilter, outcome: Outcome) -> ColumnElement[bool]:
    """Whether rows that have this outcome and no result of their own are wanted."""
    is_wanted = (
        wanted.outcome in {None, outcome}
        and wanted.claim_status is None
        and wanted.next_action in {None, next_action_for_error(outcome)}
    )
    return true() if is_wanted else false()


def _request_is_searched(upload_id: str, search: str | None) -> ColumnElement[bool]:
    named = (
        tables.requests.c.first_name,
        tables.requests.c.last_name,
        tables.requests.c.claim_number,
        tables.requests.c.patient_account_number,
        tables.requests.c.subscriber_id,
    )
    return _every_word(
        search,
        lambda word: or_(
            *(column.icontains(word, autoescape=True) for column in named),
            _has_claim(upload_id, word),
        ),
    )


def _has_claim(upload_id: str, word: str) -> ColumnElement[bool]:
    """Whether the payer returned, for the row's current result, a claim of such a number.

    The upload is named and not taken from the row: PostgreSQL would look through all claims of all
    uploads first, to have an answer for any row.
    """
    number = tables.claims.c.body["claim_number"].as_string()
    current = tables.results.alias()
    return exists().where(
        tables.claims.c.upload_id == upload_id,
        tables.claims.c.row_number == tables.requests.c.row_number,
        number.icontains(word, autoescape=True),
        current.c.upload_id == upload_id,
        current.c.row_number == tables.claims.c.row_number,
        current.c.attempt == tables.claims.c.attempt,
        current.c.is_current.is_(True),
    )


def _rejected_row_is_searched(search: str | None) -> ColumnElement[bool]:
    # What each cell of a row that could not be understood means is not known.
    cells = cast(tables.rejected_rows.c.cells, Text)
    return _every_word(search, lambda word: cells.icontains(word, autoescape=True))


def _every_word(
    search: str | None, condition: Callable[[str], ColumnElement[bool]]
) -> ColumnElement[bool]:
    return and_(true(), *(condition(word) for word in (search or "").split()))
