"""The answers to an upload's rows, written in bulk."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from claims_pipeline.model import MatchedClaim, Outcome, OutcomeCounts, Result
from claims_pipeline.payers.base import NOT_CONNECTED
from claims_pipeline.payers.denials import CARC
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.records import Hold
from claims_pipeline.store.codec import (
    claim_digest,
    claim_key,
    claim_to_json,
    denials_to_json,
)
from claims_pipeline.store.database import chunks_of, reading
from claims_pipeline.store.rows.answered import iterate_answered_rows
from claims_pipeline.store.rows.checks import verify_results
from claims_pipeline.store.rows.counts import counted_outcomes

__all__ = [
    "attempt_calls",
    "count_outcomes",
    "iterate_answered_rows",
    "most_frequent_failure",
    "verify_results",
    "write_results",
]


def write_results(connection: Connection, hold: Hold, results: Sequence[Result]) -> int:
    """Write the answers of open rows, and of the rows that ask the same; returns how many.

    Claims kept for these rows while they waited are replaced. A row that has its answer already
    keeps it. The caller has verified the hold in this transaction.
    """
    answers = _with_duplicates(connection, hold.upload_id, results)
    if not answers:
        return 0
    numbers = [answer.row_number for answer in answers]
    for chunk in chunks_of(numbers):
        connection.execute(
            delete(tables.claims).where(
                tables.claims.c.upload_id == hold.upload_id,
                tables.claims.c.attempt == hold.attempt_number,
                tables.claims.c.row_number.in_(chunk),
            )
        )
        connection.execute(
            update(tables.requests)
            .where(
                tables.requests.c.upload_id == hold.upload_id,
                tables.requests.c.row_number.in_(chunk),
            )
            .values(is_open=False)
        )
    connection.execute(insert(tables.results), [_result_values(hold, answer) for answer in answers])
    claim_values = [values for answer in answers for values in _claim_values(hold, answer)]
    if claim_values:
        connection.execute(insert(tables.claims), claim_values)
    _count(connection, hold.upload_id, answers)
    return len(answers)


def count_outcomes(engine: Engine, upload_id: str) -> OutcomeCounts:
    """Rows by outcome, counted from the rows themselves and not taken from the upload."""
    with reading(engine) as connection:
        return counted_outcomes(connection, upload_id)


def most_frequent_failure(engine: Engine, upload_id: str) -> tuple[str, str]:
    """Code and message that most of the upload's failed rows share.

    Raises:
        sqlalchemy.exc.NoResultFound: no row has failed.

    """
    columns = tables.results.c
    query = (
        select(columns.error_code, columns.error_message)
        .where(
            columns.upload_id == upload_id,
            columns.is_current.is_(True),
            columns.outcome == Outcome.FAILED,
        )
        .group_by(columns.error_code, columns.error_message)
        .order_by(func.count().desc(), columns.error_code)
        .limit(1)
    )
    with reading(engine) as connection:
        code, message = connection.execute(query).one()
    return code, message


def attempt_calls(engine: Engine, attempt_id: str) -> dict[str, int]:
    """Calls of the attempt by kind, every try counted: what the payer should have counted."""
    query = (
        select(tables.payer_calls.c.kind, func.count())
        .where(
            tables.payer_calls.c.attempt_id == attempt_id,
            tables.payer_calls.c.error_code.is_distinct_from(NOT_CONNECTED),
        )
        .group_by(tables.payer_calls.c.kind)
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).tuples().all())


def _with_duplicates(
    connection: Connection, upload_id: str, results: Iterable[Result]
) -> list[Result]:
    """The results of open rows, repeated for the open rows that ask the same."""
    by_row = {result.row_number: result for result in results}
    answers: list[Result] = []
    for chunk in chunks_of(sorted(by_row)):
        for found_by in (tables.requests.c.row_number, tables.requests.c.duplicate_of):
            # Open rows are told apart here: SQLite would rather look at all of an upload's open
            # rows than at these few.
            query = select(
                tables.requests.c.row_number, found_by.label("asked"), tables.requests.c.is_open
            )
            query = query.where(tables.requests.c.upload_id == upload_id, found_by.in_(chunk))
            answers.extend(
                replace(by_row[row.asked], row_number=row.row_number)
                for row in connection.execute(query)
                if row.is_open
            )
    return answers


def _result_values(hold: Hold, result: Result) -> dict[str, Any]:
    primary = next((match for match in result.claims if match.primary), None)
    return {
        "upload_id": hold.upload_id,
        "row_number": result.row_number,
        "attempt": hold.attempt_number,
        "organization_id": hold.organization_id,
        "is_current": True,
        "outcome": result.outcome,
        "claim_status": primary and primary.status,
        "next_action": result.next_action or (primary and primary.next_action),
        "matched_by": result.matched_by,
        "match_note": result.match_note,
        "searched_from": result.searched and result.searched.first,
        "searched_to": result.searched and result.searched.last,
        "search": result.search,
        "error_code": result.error_code,
        "error_message": result.error_message,
        "payer_environment": result.payer_environment,
        "checked_at": result.checked_at or datetime.now(UTC),
    }


def _claim_values(hold: Hold, result: Result) -> Iterable[dict[str, Any]]:
    """One row for each version of each claim; a claim that is there twice counts once."""
    by_key: dict[str, MatchedClaim] = {}
    for match in result.claims:
        by_key.setdefault(claim_digest(match.claim), match)
    for position, (key, match) in enumerate(by_key.items(), start=1):
        claim = match.claim
        yield {
            "upload_id": hold.upload_id,
            "row_number": result.row_number,
            "attempt": hold.attempt_number,
            "identity": key,
            "organization_id": hold.organization_id,
            "match_number": position,
            "is_primary": match.primary,
            "claim_status": match.status,
            "next_action": match.next_action,
            "total_charged": claim.total_charged,
            "total_allowed": claim.total_allowed,
            "total_paid": claim.total_paid,
            "service_from": claim.service_from,
            "processed": claim.processed,
            "claim_key": claim_key(claim),
            "open_amount": match.open_amount,
            "denial_category": match.denial_category,
            "denials": denials_to_json(match.denials),
            "codes": _searchable_codes(match),
            "match_note": match.note,
            "body": claim_to_json(claim),
        }


def _searchable_codes(match: MatchedClaim) -> str | None:
    remarks = (code.code for code in match.claim.codes if code.kind != CARC)
    codes = dict.fromkeys((*(denial.code for denial in match.denials), *remarks))
    return f" {' '.join(codes)} " if codes else None


def _count(connection: Connection, upload_id: str, answers: Iterable[Result]) -> None:
    rows: dict[Outcome, int] = {}
    for answer in answers:
        rows[answer.outcome] = rows.get(answer.outcome, 0) + 1
    counters = {outcome: tables.uploads.c[f"{outcome}_count"] for outcome in rows}
    connection.execute(
        update(tables.uploads)
        .where(tables.uploads.c.id == upload_id)
        .values(
            {column: column + rows[outcome] for outcome, column in counters.items()}
            | {tables.uploads.c.updated_at: datetime.now(UTC)}
        )
    )
