"""What an upload's answers come to: rows and dollars, by what is to be done about them.

Added up by the database, however many rows there are; each row counts once, with its primary
claim. What the groups mean to an analyst is the page's business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    Text,
    and_,
    func,
    or_,
    select,
    true,
)

from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.types import Money

_ZERO = Decimal("0.00")
_WITH_CLAIMS = (Outcome.FOUND, Outcome.AMBIGUOUS)
_DENIAL_KIND = "CARC"
# Denied as a whole, and paid with lines that were denied. Paid claims have such codes, too, for
# what their contract writes off; those are no denials.
_DENIED = or_(
    tables.results.c.claim_status == ClaimStatus.DENIED,
    tables.results.c.next_action == "post_payment_and_review_lines",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Rows that share outcome, status, next action and error, and what they come to in dollars.

    `charged`, `allowed` and `paid` are those of the rows' primary claims; `stated` is what the
    file says was charged, for rows to which no claim was found. `oldest` is the first day of
    service. Rows without an answer yet have no outcome.
    """

    outcome: Outcome | None
    claim_status: ClaimStatus | None = None
    next_action: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    rows: int
    charged: Decimal = _ZERO
    allowed: Decimal = _ZERO
    paid: Decimal = _ZERO
    stated: Decimal = _ZERO
    oldest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialReason:
    """One of the payer's codes for denials; a row with several codes counts in each of them."""

    code: str
    description: str | None
    rows: int
    charged: Decimal


def row_groups(engine: Engine, upload_id: str) -> tuple[RowGroup, ...]:
    """All rows of the upload, each in exactly one group; groups without rows are left out."""
    with reading(engine) as connection:
        return (
            *_groups_with_claims(connection, upload_id),
            *_groups_without_claims(connection, upload_id),
            *_unanswered(connection, upload_id),
        )


def denial_reasons(engine: Engine, upload_id: str, *, limit: int) -> tuple[DenialReason, ...]:
    """The codes with which most was denied, largest first."""
    with reading(engine) as connection:
        by_row = _denied_codes(connection, upload_id).subquery()
        charged = func.coalesce(func.sum(by_row.c.charged), 0, type_=Money)
        query = (
            select(
                by_row.c.code,
                func.max(by_row.c.description).label("description"),
                func.count().label("rows"),
                charged.label("charged"),
            )
            .group_by(by_row.c.code)
            .order_by(charged.desc(), by_row.c.code)
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


def _groups_with_claims(connection: Connection, upload_id: str) -> Iterator[RowGroup]:
    kinds = (tables.results.c.outcome, tables.results.c.claim_status, tables.results.c.next_action)
    query = (
        select(
            *kinds,
            func.count().label("rows"),
            func.sum(tables.claims.c.total_charged).label("charged"),
            func.sum(tables.claims.c.total_allowed).label("allowed"),
            func.sum(tables.claims.c.total_paid).label("paid"),
            func.min(tables.claims.c.service_from).label("oldest"),
        )
        .join_from(tables.results, tables.claims, _is_primary_claim(), isouter=True)
        .where(_is_current(upload_id), tables.results.c.outcome.in_(_WITH_CLAIMS))
        .group_by(*kinds)
    )
    for row in connection.execute(query):
        outcome = Outcome(row.outcome)
        yield RowGroup(
            outcome=outcome,
            claim_status=ClaimStatus(row.claim_status) if row.claim_status else None,
            next_action=_action(outcome, row.next_action),
            rows=row.rows,
            charged=row.charged or _ZERO,
            allowed=row.allowed or _ZERO,
            paid=row.paid or _ZERO,
            oldest=row.oldest,
        )


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


def _denied_codes(connection: Connection, upload_id: str) -> Select[Any]:
    """Each code of each row's denied claim once, from the claims' JSON."""
    each, part = _each_code(connection)
    code = part("code")
    return (
        select(
            code.label("code"),
            func.max(part("description")).label("description"),
            func.max(tables.claims.c.total_charged).label("charged"),
        )
        .select_from(tables.results)
        .join(tables.claims, _is_primary_claim())
        .join(each, true())
        .where(_is_current(upload_id), _DENIED, func.upper(part("kind")) == _DENIAL_KIND)
        .group_by(tables.results.c.row_number, code)
    )


def _each_code(
    connection: Connection,
) -> tuple[FromClause, Callable[[str], ColumnElement[str]]]:
    """A claim's codes as rows of a table, and how to read a part of one."""
    if connection.dialect.name == "postgresql":
        element = func.json_array_elements(tables.claims.c.body["codes"]).column_valued("each_code")
        return element.scalar_alias, element.op("->>", return_type=Text())
    codes = func.json_each(tables.claims.c.body, "$.codes").table_valued("value", name="each_code")
    return codes, lambda name: func.json_extract(codes.c.value, f"$.{name}", type_=Text)


def _is_current(upload_id: str) -> ColumnElement[bool]:
    return and_(tables.results.c.upload_id == upload_id, tables.results.c.is_current.is_(True))


def _is_primary_claim() -> ColumnElement[bool]:
    return and_(
        tables.claims.c.upload_id == tables.results.c.upload_id,
        tables.claims.c.row_number == tables.results.c.row_number,
        tables.claims.c.attempt == tables.results.c.attempt,
        tables.claims.c.is_primary.is_(True),
    )


def _action(outcome: Outcome, stored: str | None) -> str | None:
    # Rows that the end of an upload answered in bulk carry no action of their own.
    if stored is not None or outcome is Outcome.FOUND:
        return stored
    return next_action_for_error(outcome)
