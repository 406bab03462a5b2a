"""Every input row with its answer, in row order: what exports and result pages show."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    Table,
    and_,
    case,
    func,
    select,
)

from claims_pipeline.follow_up.joining import claim_key
from claims_pipeline.model import (
    AnsweredRow,
    ChangeKind,
    Check,
    ClaimStatus,
    DateWindow,
    Deadline,
    DenialCategory,
    InputRow,
    MatchedClaim,
    Outcome,
    QueryKind,
    Result,
)
from claims_pipeline.payers.status import next_action_for_error
from claims_pipeline.store import tables
from claims_pipeline.store.codec import claim_from_json, denials_from_json
from claims_pipeline.store.database import chunks_of, reading

_ROWS_AT_ONCE = 1000
# What there is to do about a row that is still open, as the code of a next action.
TO_BE_ASKED = "wait_to_be_asked"

# Which row numbers, as a condition on a table's column of them.
_Wanted = Callable[[Column[Any]], ColumnElement[bool]]


def iterate_answered_rows(engine: Engine, upload_id: str) -> Iterator[AnsweredRow]:
    """Accepted and rejected rows with their current results; open rows as `unprocessed`.

    Read chunk by chunk, each a transaction of its own, so that a slow reader holds up nobody.
    """
    first = 1
    with reading(engine) as connection:
        last = max(
            _last_row(connection, upload_id, table)
            for table in (tables.requests, tables.rejected_rows)
        )
    while first <= last:
        with reading(engine) as connection:
            rows = read_answered_rows(
                connection, upload_id, first=first, last=first + _ROWS_AT_ONCE - 1
            )
        yield from rows
        first += _ROWS_AT_ONCE


def read_answered_rows(
    connection: Connection, upload_id: str, *, first: int, last: int
) -> list[AnsweredRow]:
    """The answered rows with row numbers from `first` to `last`, both included."""
    return _answered(connection, upload_id, lambda number: number.between(first, last))


def read_numbered_rows(
    connection: Connection, upload_id: str, numbers: Sequence[int]
) -> list[AnsweredRow]:
    """The answered rows with these row numbers, at most some hundreds, in row order."""
    return _answered(connection, upload_id, lambda number: number.in_(numbers))


def _answered(connection: Connection, upload_id: str, wanted: _Wanted) -> list[AnsweredRow]:
    payer = connection.execute(
        select(tables.uploads.c.payer).where(tables.uploads.c.id == upload_id)
    ).scalar_one_or_none()
    answered = _rejected(connection, upload_id, wanted)
    matches = _matched_claims(connection, upload_id, wanted)
    checks = _checks(connection, upload_id, wanted)
    for row in connection.execute(_accepted(upload_id, wanted)).mappings():
        number = row["row_number"]
        result = _result(row, matches.get(number, ()))
        if number in checks:
            result = _with_checks(result, checks[number], payer=row["payer"])
        answered[number] = AnsweredRow(
            row=_input_row(row),
            result=result,
            practice_id=row["practice_id"],
            tin=row["tin"],
            payer=payer,
            payer_id=row["payer_id"],
        )
    return [answered[number] for number in sorted(answered)]


def _last_row(connection: Connection, upload_id: str, table: Table) -> int:
    query = select(func.max(table.c.row_number)).where(table.c.upload_id == upload_id)
    return connection.execute(query).scalar_one() or 0


def _rejected(connection: Connection, upload_id: str, wanted: _Wanted) -> dict[int, AnsweredRow]:
    query = select(tables.rejected_rows).where(
        tables.rejected_rows.c.upload_id == upload_id, wanted(tables.rejected_rows.c.row_number)
    )
    return {
        row["row_number"]: AnsweredRow(
            row=_input_row(row),
            result=Result(
                row_number=row["row_number"],
                outcome=Outcome.REJECTED,
                next_action=next_action_for_error(Outcome.REJECTED),
                error_code=row["code"],
                error_message=row["message"],
                error_column=row["column"],
            ),
        )
        for row in connection.execute(query).mappings()
    }


def _accepted(upload_id: str, wanted: _Wanted) -> Select[Any]:
    current = and_(
        tables.results.c.upload_id == tables.requests.c.upload_id,
        tables.results.c.row_number == tables.requests.c.row_number,
        tables.results.c.is_current.is_(True),
    )
    return (
        select(
            tables.requests.c.row_number,
            tables.requests.c.line_number,
            tables.requests.c.cells,
            tables.requests.c.practice_id,
            tables.requests.c.tin,
            tables.requests.c.payer,
            tables.requests.c.payer_id,
            tables.results.c.outcome,
            tables.results.c.matched_by,
            tables.results.c.match_note,
            tables.results.c.next_action,
            tables.results.c.searched_from,
            tables.results.c.searched_to,
            tables.results.c.search,
            tables.results.c.error_code,
            tables.results.c.error_message,
            tables.results.c.payer_environment,
            tables.results.c.checked_at,
        )
        .join_from(tables.requests, tables.results, current, isouter=True)
        .where(tables.requests.c.upload_id == upload_id, wanted(tables.requests.c.row_number))
    )


def _matched_claims(
    connection: Connection, upload_id: str, wanted: _Wanted
) -> dict[int, list[MatchedClaim]]:
    query = (
        select(
            tables.claims.c.row_number,
            tables.claims.c.is_primary,
            tables.claims.c.claim_status,
            tables.claims.c.next_action,
            tables.claims.c.claim_key,
            tables.claims.c.open_amount,
            tables.claims.c.denial_category,
            tables.claims.c.denials,
            tables.claims.c.match_note,
            tables.claims.c.body,
        )
        .join_from(tables.claims, tables.results, shows_claim())
        .where(tables.claims.c.upload_id == upload_id, wanted(tables.claims.c.row_number))
        .order_by(tables.claims.c.row_number, tables.claims.c.match_number)
    )
    found = connection.execute(query).all()
    first_rows = _first_rows(connection, upload_id, {row.claim_key for row in found})
    matches: dict[int, list[MatchedClaim]] = {}
    # Unpacked: a million claims are read here, and a row's names cost more than its values.
    for number, primary, status, action, key, still_open, category, denials, note, body in found:
        first_row = first_rows.get(key, number)
        matches.setdefault(number, []).append(
            MatchedClaim(
                claim=claim_from_json(body),
                status=ClaimStatus(status),
                next_action=action,
                primary=primary,
                open_amount=still_open,
                denial_category=DenialCategory(category) if category else None,
                denials=denials_from_json(denials) if denials else (),
                note=note,
                same_claim_as_row=None if first_row == number else first_row,
            )
        )
    return matches


def _checks(
    connection: Connection, upload_id: str, wanted: _Wanted
) -> dict[int, dict[str | None, Check]]:
    """What following told of each row's claims, by the claim's key; None for the row itself."""
    columns, decided = tables.claim_checks.c, tables.claim_decisions.c
    told = and_(
        tables.results.c.upload_id == columns.upload_id,
        tables.results.c.row_number == columns.row_number,
        tables.results.c.attempt == columns.attempt,
        tables.results.c.is_current.is_(True),
    )
    stands = and_(decided.tracked_id == columns.tracked_id, decided.undone_at.is_(None))
    query = (
        select(
            columns.row_number,
            columns.tracked_id,
            columns.claim_key,
            columns.changed,
            columns.previous_status,
            columns.status_since,
            columns.checks,
            columns.act_by,
            columns.deadline_rule,
            decided.claim_key.label("chosen_key"),
            decided.turned_down,
        )
        .join_from(tables.claim_checks, tables.results, told)
        .join(tables.claim_decisions, stands, isouter=True)
        .where(
            columns.upload_id == upload_id,
            wanted(columns.row_number),
            columns.changed.is_not(None),
        )
    )
    checks: dict[int, dict[str | None, Check]] = {}
    for row in connection.execute(query):
        check = Check(
            tracked_id=row.tracked_id,
            changed=ChangeKind(row.changed),
            previous_status=row.previous_status,
            status_since=row.status_since,
            checks=row.checks,
            deadline=Deadline(act_by=row.act_by, rule=row.deadline_rule) if row.act_by else None,
        )
        of_row = checks.setdefault(row.row_number, {})
        of_row[row.claim_key] = check
        for key in row.turned_down or ():
            of_row[key] = replace(check, chosen="N")
        if row.chosen_key is not None:
            of_row[row.chosen_key] = replace(check, chosen="Y")
    return checks


def _with_checks(result: Result, checks: dict[str | None, Check], *, payer: str) -> Result:
    claims = tuple(
        replace(match, check=checks.get(claim_key(payer, match.claim))) for match in result.claims
    )
    return replace(result, claims=claims, check=checks.get(None))


def _first_rows(connection: Connection, upload_id: str, keys: Collection[int]) -> dict[int, int]:
    """For each claim's key the first row that shows it: of found rows, else of ambiguous ones."""
    is_found = tables.results.c.outcome == Outcome.FOUND
    number = tables.claims.c.row_number
    first_row = func.coalesce(func.min(case((is_found, number))), func.min(number))
    first_rows: dict[int, int] = {}
    for chunk in chunks_of(sorted(keys)):
        query = (
            select(tables.claims.c.claim_key, first_row)
            .join_from(tables.claims, tables.results, shows_claim())
            .where(tables.claims.c.upload_id == upload_id, tables.claims.c.claim_key.in_(chunk))
            .group_by(tables.claims.c.claim_key)
        )
        first_rows.update(connection.execute(query).tuples().all())
    return first_rows


def shows_claim() -> ColumnElement[bool]:
    """The join by which a claim belongs to a row's current result."""
    return and_(
        tables.results.c.upload_id == tables.claims.c.upload_id,
        tables.results.c.row_number == tables.claims.c.row_number,
        tables.results.c.attempt == tables.claims.c.attempt,
        tables.results.c.is_current.is_(True),
    )


def _input_row(row: RowMapping) -> InputRow:
    return InputRow(
        row_number=row["row_number"], line_number=row["line_number"], cells=tuple(row["cells"])
    )


def _result(row: RowMapping, matches: Iterable[MatchedClaim]) -> Result:
    if row["outcome"] is None:
        return Result(
            row_number=row["row_number"],
            outcome=Outcome.UNPROCESSED,
            next_action=TO_BE_ASKED,
        )
    outcome = Outcome(row["outcome"])
    # Rows that the end of an upload answered in bulk carry no action of their own.
    next_action = row["next_action"] or (
        None if outcome is Outcome.FOUND else next_action_for_error(outcome)
    )
    was_searched = row["searched_from"] is not None
    return Result(
        row_number=row["row_number"],
        outcome=outcome,
        claims=tuple(matches),
        matched_by=row["matched_by"],
        match_note=row["match_note"],
        next_action=next_action,
        searched=DateWindow(row["searched_from"], row["searched_to"]) if was_searched else None,
        search=QueryKind(row["search"]) if row["search"] else None,
        error_code=row["error_code"],
        error_message=row["error_message"],
        payer_environment=row["payer_environment"],
        checked_at=row["checked_at"],
    )
