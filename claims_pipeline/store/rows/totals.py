"""What an upload's answers come to: rows by outcome, claims and dollars by what is to be done.

Added up by the database, however many rows there are. A row counts once. A claim counts once, too,
however many rows show it: with the first of them that is found, else the first that is ambiguous.
What the groups mean to an analyst is the page's business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    select,
    true,
)

from claims_pipeline.model import ClaimStatus, DenialCategory, Outcome
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows.answered import shows_claim
from claims_pipeline.store.types import Money

_ZERO = Decimal("0.00")
_WITH_CLAIMS = (Outcome.FOUND, Outcome.AMBIGUOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Rows that share an outcome and, where no claim was found, next action and error.

    `stated` is what the file says was charged and `oldest` its first day of service, for rows to
    which no claim was found. Rows without an answer yet have no outcome.
    """

    outcome: Outcome | None
    next_action: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    rows: int
    stated: Decimal = _ZERO
    oldest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimGroup:
    """Claims of found or of ambiguous rows that share status, next action and kind of denial.

    Amounts are in dollars, `oldest` is their first day of service.
    """

    outcome: Outcome
    claim_status: ClaimStatus
    next_action: str | None
    denial_category: DenialCategory | None = None
    claims: int
    charged: Decimal = _ZERO
    allowed: Decimal = _ZERO
    paid: Decimal = _ZERO
    still_open: Decimal = _ZERO
    oldest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialReason:
    """One of the payer's codes for denials; a claim with several codes counts in each of them.

    `amount` is what lines with the code lost, of claims without lines what is still open on them.
    """

    code: str
    description: str | None
    claims: int
    amount: Decimal


def row_groups(engine: Engine, upload_id: str) -> tuple[RowGroup, ...]:
    """All rows of the upload, each in exactly one group; groups without rows are left out."""
    with reading(engine) as connection:
        return (
            *_groups_with_claims(connection, upload_id),
            *_groups_without_claims(connection, upload_id),
            *_unanswered(connection, upload_id),
        )


def claim_groups(engine: Engine, upload_id: str) -> tuple[ClaimGroup, ...]:
    """All claims of the upload, each in exactly one group."""
    claims = _each_claim_once(upload_id).subquery()
    kinds = (
        claims.c.outcome,
        claims.c.claim_status,
        claims.c.next_action,
        claims.c.denial_category,
    )
    query = select(
        *kinds,
        func.count().label("claims"),
        func.sum(claims.c.total_charged).label("charged"),
        func.sum(claims.c.total_allowed).label("allowed"),
        func.sum(claims.c.total_paid).label("paid"),
        func.sum(claims.c.open_amount).label("still_open"),
        func.min(claims.c.service_from).label("oldest"),
    ).where(claims.c.place == 1)
    with reading(engine) as connection:
        return tuple(
            ClaimGroup(
                outcome=Outcome(row.outcome),
                claim_status=ClaimStatus(row.claim_status),
                next_action=_action(Outcome(row.outcome), row.next_action),
                denial_category=row.denial_category and DenialCategory(row.denial_category),
                claims=row.claims,
                charged=row.charged or _ZERO,
                allowed=row.allowed or _ZERO,
                paid=row.paid or _ZERO,
                still_open=row.still_open or _ZERO,
                oldest=row.oldest,
            )
            for row in connection.execute(query.group_by(*kinds))
        )


def denial_reasons(engine: Engine, upload_id: str, *, limit: int) -> tuple[DenialReason, ...]:
    """The codes with which most was denied, largest first, of claims of found rows."""
    claims = _each_claim_once(upload_id).subquery()
    with reading(engine) as connection:
        each, part = _each_denial(connection, claims)
        cents = func.coalesce(
            cast(part("cents"), BigInteger), cast(claims.c.open_amount, BigInteger)
        )
        amount = func.coalesce(func.sum(cents), 0, type_=Money)
        code = part("code")
        query = (
            select(
                code.label("code"),
                func.max(part("description")).label("description"),
                func.count().label("claims"),
                amount.label("amount"),
            )
            .select_from(claims)
            .join(each, true())
            .where(
                claims.c.place == 1,
                claims.c.outcome == Outcome.FOUND,
                claims.c.denial_category.is_not(None),
            )
            .group_by(code)
            .order_by(amount.desc(), code)
            .limit(limit)
        )
        return tuple(DenialReason(**row) for row in connection.execute(query).mappings())


def outcomes_of_attempts(engine: Engine, upload_id: str) -> dict[int, dict[Outcome, int]]:
    """What each attempt, by its number, answered, whether or not it still stands."""
    query = (
        select(tables.results.c.attempt, tables.results.c.outcome, func.count())
        .where(tables.results.c.upload_id == upload_id)
        .group_by(tables.results.c.attempt, tables.results.c.outcome)
    )
    found: dict[int, dict[Outcome, int]] = {}
    with reading(engine) as connection:
        for attempt, outcome, rows in connection.execute(query):
            found.setdefault(attempt, {})[Outcome(outcome)] = rows
    return found


def payer_environment_of(engine: Engine, upload_id: str) -> str | None:
    """Where the answers come from, `sandbox` or `production`; None before the first one."""
    query = (
        select(tables.results.c.payer_environment)
        .where(_is_current(upload_id), tables.results.c.payer_environment.is_not(None))
        .limit(1)
    )
    with reading(engine) as connection:
        found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _each_claim_once(upload_id: str) -> Select[Any]:
    """Every line of the results that shows a claim; `place` is 1 on one line of each claim."""
    is_found = tables.results.c.outcome == Outcome.FOUND
    place = func.row_number().over(
        partition_by=tables.claims.c.claim_key,
        order_by=(case((is_found, 0), else_=1), tables.claims.c.row_number),
    )
    return (
        select(
            tables.results.c.outcome,
            tables.claims.c.claim_status,
            case((is_found, tables.claims.c.next_action), else_=tables.results.c.next_action).label(
                "next_action"
            ),
            tables.claims.c.denial_category,
            tables.claims.c.denials,
            tables.claims.c.total_charged,
            tables.claims.c.total_allowed,
            tables.claims.c.total_paid,
            tables.claims.c.open_amount,
            tables.claims.c.service_from,
            place.label("place"),
        )
        .join_from(tables.claims, tables.results, shows_claim())
        .where(tables.claims.c.upload_id == upload_id)
    )


def _groups_with_claims(connection: Connection, upload_id: str) -> Iterator[RowGroup]:
    query = (
        select(tables.results.c.outcome, func.count())
        .where(_is_current(upload_id), tables.results.c.outcome.in_(_WITH_CLAIMS))
        .group_by(tables.results.c.outcome)
    )
    for outcome, rows in connection.execute(query):
        yield RowGroup(outcome=Outcome(outcome), rows=rows)


def _groups_without_claims(connection: Connection, upload_id: str) -> Iterator[RowGroup]:
    kinds = (tables.results.c.outcome, tables.results.c.next_action, tables.results.c.error_code)
    own_row = and_(
        tables.requests.c.upload_id == tables.results.c.upload_id,
        tables.requests.c.row_number == tables.results.c.row_number,
    )
    query = (
        select(
            *kinds,
            func.max(tables.results.c.error_message).label("error_message"),
            func.count().label("rows"),
            func.sum(tables.requests.c.total_charged).label("stated"),
            func.min(tables.requests.c.service_from).label("oldest"),
        )
        .join_from(tables.results, tables.requests, own_row)
        .where(_is_current(upload_id), tables.results.c.outcome.not_in(_WITH_CLAIMS))
        .group_by(*kinds)
    )
    for row in connection.execute(query):
        outcome = Outcome(row.outcome)
        yield RowGroup(
            outcome=outcome,
            next_action=_action(outcome, row.next_action),
            error_code=row.error_code,
            error_message=row.error_message,
            rows=row.rows,
            stated=row.stated or _ZERO,
            oldest=row.oldest,
        )


def _unanswered(connection: Connection, upload_id: str) -> Iterator[RowGroup]:
    """Rows that are still to be asked, and those that cannot be."""
    still_open = connection.execute(
        select(
            func.count().label("rows"),
            func.sum(tables.requests.c.total_charged).label("stated"),
            func.min(tables.requests.c.service_from).label("oldest"),
        ).where(tables.requests.c.upload_id == upload_id, tables.requests.c.is_open.is_(True))
    ).one()
    if still_open.rows:
        yield RowGroup(
            outcome=None,
            rows=still_open.rows,
            stated=still_open.stated or _ZERO,
            oldest=still_open.oldest,
        )
    rejected = connection.execute(
        select(func.count()).where(tables.rejected_rows.c.upload_id == upload_id)
    ).scalar_one()
    if rejected:
        yield RowGroup(
            outcome=Outcome.REJECTED,
            next_action=next_action_for_error(Outcome.REJECTED),
            rows=rejected,
        )


def _each_denial(
    connection: Connection, claims: FromClause
) -> tuple[FromClause, Callable[[str], ColumnElement[str]]]:
    """A claim's denials as rows of a table, and how to read a part of one."""
    if connection.dialect.name == "postgresql":
        element = func.json_array_elements(claims.c.denials).column_valued("each_denial")
        return element.scalar_alias, element.op("->>", return_type=Text())
    denials = func.json_each(claims.c.denials).table_valued("value", name="each_denial")
    return denials, lambda name: func.json_extract(denials.c.value, f"$.{name}", type_=Text)


def _is_current(upload_id: str) -> ColumnElement[bool]:
    return and_(tables.results.c.upload_id == upload_id, tables.results.c.is_current.is_(True))


def _action(outcome: Outcome, stored: str | None) -> str | None:
    # Rows that the end of an upload answered in bulk carry no action of their own.
    if stored is not None or outcome is Outcome.FOUND:
        return stored
    return next_action_for_error(outcome)
