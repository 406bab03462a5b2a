"""Some of an upload's answered rows: by outcome, by what is asked of a claim, or by a search."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    func,
    select,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from claims_pipeline.model import (
    AnsweredRow,
    Outcome,
    RejectedRow,
)
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows.answered import read_numbered_rows, shows_claim
from claims_pipeline.store.rows.filters import ResultFilter, claim_is_wanted, numbers_of
from claims_pipeline.store.rows.stored import rejected_row_of

_ROWS_AT_ONCE = 500


class RowOrder(StrEnum):
    """In which order rows are shown: the file's, or by their claims.

    `LARGEST`, `OPEN` and `PAID` go by amount, largest first; `OLDEST` and `NEWEST` by the day of
    service; `PROCESSED` by how long ago the payer decided. A row goes by its primary claim, or by
    the claims that a filter asks for; one without a claim by what the file says of it, and last
    where it says nothing.
    """

    FILE = "file"
    LARGEST = "largest"
    OPEN = "open"
    PAID = "paid"
    OLDEST = "oldest"
    NEWEST = "newest"
    PROCESSED = "processed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPage:
    """One page of answered rows, and how many there are on all pages.

    `claims` is how many different claims the filter finds, None where it asks for none.
    """

    rows: tuple[AnsweredRow, ...]
    total: int
    claims: int | None


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
    numbers = numbers_of(upload_id, wanted)
    with reading(engine) as connection:
        counted = select(func.count()).select_from(numbers.order_by(None).subquery())
        total = connection.execute(counted).scalar_one()
        in_order = (
            numbers if order is RowOrder.FILE else _ordered(numbers, upload_id, wanted, order)
        )
        here = in_order.limit(page_size).offset((page - 1) * page_size)
        found = connection.execute(here).scalars().all()
        rows = {row.row.row_number: row for row in read_numbered_rows(connection, upload_id, found)}
        claims = _count_claims(connection, upload_id, wanted)
    return ResultPage(rows=tuple(rows[number] for number in found), total=total, claims=claims)


def iterate_results(engine: Engine, upload_id: str, wanted: ResultFilter) -> Iterator[AnsweredRow]:
    """All wanted rows in row order, read chunk by chunk, each a transaction of its own."""
    last = 0
    while True:
        numbers = numbers_of(upload_id, wanted, after=last).limit(_ROWS_AT_ONCE)
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


def _count_claims(connection: Connection, upload_id: str, wanted: ResultFilter) -> int | None:
    if not wanted.is_about_claims and wanted.next_action is None:
        return None
    query = (
        select(func.count(tables.claims.c.claim_key.distinct()))
        .join_from(tables.claims, tables.results, shows_claim())
        .where(
            tables.claims.c.upload_id == upload_id,
            tables.results.c.outcome == (wanted.outcome or Outcome.FOUND),
            claim_is_wanted(wanted),
        )
    )
    if wanted.search:
        numbers = numbers_of(upload_id, wanted).order_by(None)
        query = query.where(tables.claims.c.row_number.in_(numbers))
    return connection.execute(query).scalar_one()


def _ordered(
    numbers: Select[Any], upload_id: str, wanted: ResultFilter, order: RowOrder
) -> Select[Any]:
    """The same numbers, by amount or age of the row's primary claim, or of those asked for."""
    rows = numbers.order_by(None).subquery()
    number = rows.c.row_number
    claims = tables.claims.c
    is_shown = (
        claim_is_wanted(wanted)
        if wanted.is_about_claims or wanted.next_action
        else claims.is_primary.is_(True)
    )
    by_row = (
        select(claims.row_number, _by(order, claims).label("by"))
        .join_from(tables.claims, tables.results, shows_claim())
        .where(claims.upload_id == upload_id, is_shown)
        .group_by(claims.row_number)
        .subquery()
    )
    own = and_(tables.requests.c.upload_id == upload_id, tables.requests.c.row_number == number)
    of_file = {
        RowOrder.LARGEST: tables.requests.c.total_charged,
        RowOrder.OLDEST: tables.requests.c.service_from,
        RowOrder.NEWEST: tables.requests.c.service_from,
    }.get(order)
    by = by_row.c.by if of_file is None else func.coalesce(by_row.c.by, of_file)
    is_falling = order in {RowOrder.LARGEST, RowOrder.OPEN, RowOrder.PAID, RowOrder.NEWEST}
    return (
        select(number)
        .select_from(rows)
        .join(tables.requests, own, isouter=True)
        .join(by_row, by_row.c.row_number == number, isouter=True)
        .order_by((by.desc() if is_falling else by.asc()).nulls_last(), number)
    )


def _by(order: RowOrder, claims: ReadOnlyColumnCollection[str, Column[Any]]) -> ColumnElement[Any]:
    return {
        RowOrder.LARGEST: func.max(claims.total_charged),
        RowOrder.OPEN: func.max(claims.open_amount),
        RowOrder.PAID: func.max(claims.total_paid),
        RowOrder.OLDEST: func.min(claims.service_from),
        RowOrder.NEWEST: func.max(claims.service_from),
        RowOrder.PROCESSED: func.min(claims.processed),
    }[order]
