"""Whether the results of an ended attempt keep their promises, asked of the database itself.

Rows are compared as sets (EXCEPT, INTERSECT) and not joined: PostgreSQL knows little of rows that
were written a minute ago, and a join that it plans for a few rows takes minutes for many.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Engine,
    Select,
    and_,
    case,
    except_,
    func,
    intersect,
    select,
    true,
)

from claims_pipeline.model import Outcome
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows.counts import counted_outcomes


def verify_results(engine: Engine, upload_id: str) -> list[str]:
    """Codes of the promises that do not hold; none for a sound upload whose rows are answered.

    - `records_unaccounted`: the reader counted other than rows are stored and lines left out.
    - `rows_without_result`: a stored row has no current result, or is still open.
    - `rows_counted_twice`: a row is accepted and rejected, or has several current results.
    - `counts_differ`: the upload's counts are not those of its rows.
    - `claims_without_result`: a claim belongs to no result of its row and attempt.
    - `claims_contradict_outcome`: a found row without claims, or claims on a row not found.
    - `primary_not_one`: a row with claims has not exactly one primary.
    """
    broken: tuple[tuple[str, Callable[[Connection, str], bool]], ...] = (
        ("records_unaccounted", _records_are_unaccounted),
        ("rows_without_result", _some_row_has_no_result),
        ("rows_counted_twice", _some_row_is_counted_twice),
        ("counts_differ", _counts_differ),
        ("claims_without_result", _some_claim_has_no_result),
        ("claims_contradict_outcome", _claims_contradict_outcome),
        ("primary_not_one", _primary_is_not_one),
    )
    with reading(engine) as connection:
        if not _rows_are_stored(connection, upload_id):
            return []
        return [code for code, is_broken in broken if is_broken(connection, upload_id)]


def _rows_are_stored(connection: Connection, upload_id: str) -> bool:
    latest = and_(
        tables.attempts.c.upload_id == tables.uploads.c.id,
        tables.attempts.c.number == tables.uploads.c.attempt,
    )
    query = (
        select(tables.attempts.c.rows_stored)
        .join_from(tables.attempts, tables.uploads, latest)
        .where(tables.uploads.c.id == upload_id)
    )
    return bool(connection.execute(query).scalar_one_or_none())


def _records_are_unaccounted(connection: Connection, upload_id: str) -> bool:
    columns = (tables.uploads.c.record_count, tables.uploads.c.left_out_count)
    query = select(*columns).where(tables.uploads.c.id == upload_id)
    record_count, left_out_count = connection.execute(query).one()
    stored = counted_outcomes(connection, upload_id).total
    return record_count is not None and record_count != stored + left_out_count


def _some_row_has_no_result(connection: Connection, upload_id: str) -> bool:
    rows = select(tables.requests.c.row_number).where(tables.requests.c.upload_id == upload_id)
    answered = select(tables.results.c.row_number).where(_is_current(upload_id))
    is_open = rows.where(tables.requests.c.is_open.is_(True))
    return _any(connection, except_(rows, answered)) or _any(connection, is_open)


def _some_row_is_counted_twice(connection: Connection, upload_id: str) -> bool:
    accepted = select(tables.requests.c.row_number).where(tables.requests.c.upload_id == upload_id)
    rejected = select(tables.rejected_rows.c.row_number).where(
        tables.rejected_rows.c.upload_id == upload_id
    )
    several_results = (
        select(tables.results.c.row_number)
        .where(_is_current(upload_id))
        .group_by(tables.results.c.row_number)
        .having(func.count() > 1)
    )
    return _any(connection, intersect(accepted, rejected)) or _any(connection, several_results)


def _counts_differ(connection: Connection, upload_id: str) -> bool:
    upload = (
        connection.execute(select(tables.uploads).where(tables.uploads.c.id == upload_id))
        .mappings()
        .one()
    )
    counts = counted_outcomes(connection, upload_id)
    return upload["total_rows"] != counts.total or any(
        upload[f"{outcome}_count"] != getattr(counts, outcome) for outcome in Outcome
    )


def _some_claim_has_no_result(connection: Connection, upload_id: str) -> bool:
    of_claims = _claimed_rows(upload_id)
    of_results = select(tables.results.c.row_number, tables.results.c.attempt).where(
        tables.results.c.upload_id == upload_id
    )
    waiting = of_claims.where(tables.claims.c.match_number == 0)
    return _any(connection, except_(of_claims, of_results)) or _any(connection, waiting)


def _claims_contradict_outcome(connection: Connection, upload_id: str) -> bool:
    current = select(tables.results.c.row_number, tables.results.c.attempt).where(
        _is_current(upload_id)
    )
    with_claims = current.where(tables.results.c.outcome.in_((Outcome.FOUND, Outcome.AMBIGUOUS)))
    without_claims = current.where(tables.results.c.outcome == Outcome.NOT_FOUND)
    of_claims = _claimed_rows(upload_id)
    return _any(connection, except_(with_claims, of_claims)) or _any(
        connection, intersect(without_claims, of_claims)
    )


def _primary_is_not_one(connection: Connection, upload_id: str) -> bool:
    query = (
        select(tables.claims.c.row_number)
        .where(tables.claims.c.upload_id == upload_id, tables.claims.c.match_number > 0)
        .group_by(tables.claims.c.row_number, tables.claims.c.attempt)
        .having(func.sum(case((tables.claims.c.is_primary.is_(true()), 1), else_=0)) != 1)
    )
    return _any(connection, query)


def _is_current(upload_id: str) -> ColumnElement[bool]:
    return and_(tables.results.c.upload_id == upload_id, tables.results.c.is_current.is_(True))


def _claimed_rows(upload_id: str) -> Select[tuple[int, int]]:
    return select(tables.claims.c.row_number, tables.claims.c.attempt).where(
        tables.claims.c.upload_id == upload_id
    )


def _any(connection: Connection, query: Select[Any] | CompoundSelect[Any]) -> bool:
    return connection.execute(query.limit(1)).first() is not None
