"""Brings the answers of an upload to the tracked claims: each is told once, whoever dies when.

An upload's rows are fed portion by portion. A portion is one transaction that holds what was told,
the change in the tracked claims and the note that these rows are done, so that a run that goes on
after another died tells nothing twice and leaves nothing out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, func, insert, select, update

from claims_pipeline.follow_up.joining import Shown, claim_key
from claims_pipeline.follow_up.standings import standing_of_claim, standing_of_parts
from claims_pipeline.model import AnsweredRow, ChangeKind, Request
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.alerts import AlertKind, raise_alert
from claims_pipeline.store.attempts.records import locked_latest_attempt
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.rows.answered import read_numbered_rows
from claims_pipeline.store.rows.stored import load_requests
from claims_pipeline.store.tracked.book import Answer, Book, Told, asked_for
from claims_pipeline.store.tracked.rules import (
    cadence_rules,
    deadline_rules,
    follow_up_is_on,
    lock_organization,
)
from claims_pipeline.store.uploads import Upload

FOLLOW_UP = "follow_up"
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """What came of an upload's answers: rows that were told now, and all changes that it told.

    That a claim is new is no change.
    """

    rows: int
    changes: int


def is_followed(engine: Engine, upload: Upload) -> bool:
    """Whether the upload's claims are followed: as it says, else as its organization has it."""
    if upload.source == FOLLOW_UP:
        return True
    if upload.follow_up is not None:
        return upload.follow_up
    with reading(engine) as connection:
        return follow_up_is_on(connection, upload.organization_id)


def feed(engine: Engine, upload: Upload, *, today: date, now: datetime) -> Fed | None:
    """Tell the tracked claims what the upload's latest attempt has answered.

    Only rows with an answer are told of; the attempt need not have ended, as long as every row has
    one. None when the upload is not followed, or is gone.

    Args:
        engine: The database.
        upload: Of which the answers are complete.
        today: The payer's day.
        now: This instant.

    """
    if not is_followed(engine, upload):
        return None
    with reading(engine) as connection:
        if _is_done(connection, upload):
            return Fed(rows=0, changes=_count_changes(connection, upload.id))
    rows = after = 0
    while True:
        with writing(engine) as connection:
            lock_organization(connection, upload.organization_id, now=now)
            portion = _rows_to_tell(connection, upload.id, after=after)
            if portion:
                _tell(connection, upload, portion, today=today, now=now)
                rows += len(portion)
                after = max(portion)
        if not portion:
            break
    return Fed(rows=rows, changes=_finish(engine, upload, now=now))


def _is_done(connection: Connection, upload: Upload) -> bool:
    query = select(tables.attempts.c.followed_at).where(tables.attempts.c.id == upload.attempt_id)
    return connection.execute(query).scalar_one_or_none() is not None


def _rows_to_tell(connection: Connection, upload_id: str, *, after: int) -> dict[int, int]:
    """Row number and attempt of the next answers that are not told yet."""
    done = (
        select(tables.claim_checks.c.row_number)
        .where(
            tables.claim_checks.c.upload_id == tables.results.c.upload_id,
            tables.claim_checks.c.row_number == tables.results.c.row_number,
            tables.claim_checks.c.attempt == tables.results.c.attempt,
        )
        .exists()
    )
    query = (
        select(tables.results.c.row_number, tables.results.c.attempt)
        .where(
            tables.results.c.upload_id == upload_id,
            tables.results.c.is_current.is_(True),
            tables.results.c.row_number > after,
            ~done,
        )
        .order_by(tables.results.c.row_number)
        .limit(_ROWS_AT_ONCE)
    )
    return dict(connection.execute(query).tuples().all())


def _tell(
    connection: Connection, upload: Upload, portion: dict[int, int], *, today: date, now: datetime
) -> None:
    numbers = list(portion)
    requests = {each.row_number: each for each in load_requests(connection, upload.id, numbers)}
    answers = [
        Answer(
            request=requests[row.row.row_number],
            result=row.result,
            shown=shown_claims(requests[row.row.row_number], row),
            attempt=portion[row.row.row_number],
        )
        for row in read_numbered_rows(connection, upload.id, numbers)
    ]
    book = Book.open(
        connection,
        answers,
        upload_id=upload.id,
        organization_id=upload.organization_id,
        cadence=cadence_rules(connection, upload.organization_id),
        deadlines=deadline_rules(connection, upload.organization_id),
        asked=asked_for(connection, upload.id, numbers),
        today=today,
        now=now,
    )
    told = [each for answer in answers for each in book.tell(answer)]
    _write(connection, book, told)


def shown_claims(request: Request, row: AnsweredRow) -> tuple[Shown, ...]:
    """The claims of an answer, best first; the parts of one that was split are one."""
    parts: dict[str, list[Any]] = {}
    for match in row.result.claims:
        key = claim_key(request.payer, match.claim)
        # A claim's versions differ by the day of the decision: the first shown is the current one.
        parts.setdefault(key, []).append(match)
    return tuple(
        Shown(key=key, standing=standing_of_parts([standing_of_claim(each) for each in matches]))
        for key, matches in parts.items()
    )


def _write(connection: Connection, book: Book, told: Sequence[Told]) -> None:
    table = tables.tracked_claims
    if book.changed:
        names = [column.name for column in table.columns if column.name != "id"]
        statement = (
            update(table)
            .where(table.c.id == bindparam("of_id"))
            .values({name: bindparam(f"to_{name}") for name in names})
        )
        connection.execute(
            statement,
            [
                {"of_id": row["id"], **{f"to_{name}": row[name] for name in names}}
                for row in book.changed
            ],
        )
    if book.added:
        connection.execute(insert(table), book.added)
    if told:
        connection.execute(insert(tables.claim_checks), [book.check_values(each) for each in told])
    if book.changes:
        connection.execute(insert(tables.claim_changes), book.changes)
    for left, taken in book.merged:
        connection.execute(
            update(tables.claim_notes)
            .where(tables.claim_notes.c.tracked_id == left)
            .values(tracked_id=taken)
        )


def _finish(engine: Engine, upload: Upload, *, now: datetime) -> int:
    """The attempt's answers are told: operators hear of changes, and nothing is under check.

    Returns how many changes the upload told.
    """
    columns = tables.tracked_claims.c
    with writing(engine) as connection:
        lock_organization(connection, upload.organization_id, now=now)
        attempt, _ = locked_latest_attempt(connection, upload.id)
        told = connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == attempt.id, tables.attempts.c.followed_at.is_(None))
            .values(followed_at=now)
        )
        changes = _count_changes(connection, upload.id)
        if not told.rowcount:
            return changes
        # Rows that could not be asked, such as those beyond the payer's look-back: it would be the
        # same tomorrow.
        connection.execute(
            update(tables.tracked_claims)
            .where(
                columns.check_upload_id == upload.id,
                columns.id.in_(
                    select(tables.claim_checks.c.tracked_id)
                    .join(
                        tables.rejected_rows,
                        and_(
                            tables.rejected_rows.c.upload_id == tables.claim_checks.c.upload_id,
                            tables.rejected_rows.c.row_number == tables.claim_checks.c.row_number,
                        ),
                    )
                    .where(tables.claim_checks.c.upload_id == upload.id)
                ),
            )
            .values(check_upload_id=None, next_check_on=None, final_at=now)
        )
        # Those of a file that was never read are due as before.
        connection.execute(
            update(tables.tracked_claims)
            .where(columns.check_upload_id == upload.id)
            .values(check_upload_id=None)
        )
        if changes:
            raise_alert(connection, attempt, AlertKind.CHANGED, error_code=None, now=now)
    return changes


def _count_changes(connection: Connection, upload_id: str) -> int:
    query = (
        select(func.count())
        .select_from(tables.claim_changes)
        .where(
            tables.claim_changes.c.upload_id == upload_id,
            tables.claim_changes.c.kind != ChangeKind.NEW,
        )
    )
    count: int = connection.execute(query).scalar_one()
    return count
