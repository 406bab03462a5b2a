"""Inquiries on their way out: queued by lanes, bound to one file at a time, sent.

A file is bound before it is written: its inquiries, control numbers and time stand in the
database, so that whoever finds it half done writes the same bytes again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from claims_pipeline.payers.x12.deadlines import deadline
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.payers.x12.writing import (
    ControlNumbers,
    NumberedSet,
    divided,
    group_control,
    interchange_control,
    numbered,
)
from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of, insert_or_ignore, writing
from claims_pipeline.store.x12.partners import lock_partner, next_numbers

_INQUIRY = TypeAdapter(Inquiry)
# Who writes a file does so in seconds; after this another may.
_LEASE = timedelta(minutes=2)
# What one file is chosen from; more than any file holds.
_CHOSEN_FROM = 20_000
# An inquiry that is sent again and again is answered by nobody.
MOST_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInquiry:
    """An inquiry to be queued, and whose it is. Its `reference` is the query's."""

    reference: str
    organization_id: str
    upload_id: str
    attempt_id: str
    partner: str
    inquiry: Inquiry


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFile:
    """A file that is to be written, with all that its bytes depend on."""

    id: str
    control: ControlNumbers
    at: datetime
    sets: tuple[NumberedSet, ...]


def trace_of(reference: str, tries: int) -> str:
    """The TRN02 of a try; answers of an earlier try are the inquiry's, too."""
    return f"{reference}{tries:02d}"


def reference_of(trace: str) -> str:
    """The reference that a trace of ours has."""
    return trace[:-2]


def try_of(trace: str) -> int:
    """The number of the try that a trace of ours names; 0 for one that names none."""
    return int(trace[-2:]) if trace[-2:].isdecimal() else 0


def queue(connection: Connection, new: Sequence[NewInquiry], *, now: datetime) -> None:
    """Queue inquiries; one whose reference is there already stays as it is."""
    if not new:
        return
    connection.execute(
        insert_or_ignore(connection, tables.x12_inquiries),
        [
            {
                "reference": one.reference,
                "organization_id": one.organization_id,
                "upload_id": one.upload_id,
                "attempt_id": one.attempt_id,
                "partner": one.partner,
                "state": "queued",
                "tries": 1,
                "body": _INQUIRY.dump_python(one.inquiry, mode="json", exclude_defaults=True),
                "provider_id": one.inquiry.provider.id,
                "queued_at": now,
            }
            for one in new
        ],
    )


def bind_file(
    engine: Engine,
    organization_id: str,
    partner: Partner,
    *,
    now: datetime,
    quiet: timedelta = timedelta(0),
) -> BoundFile | None:
    """The next file of a partner: one that was left half done, or one of what is queued.

    None when nothing is queued, or while another process is writing one. A file that is not full
    waits until nothing has been queued for `quiet`, or for ten times that.
    """
    with writing(engine) as connection:
        lock_partner(connection, organization_id, partner.name)
        begun = _begun(connection, organization_id, partner.name)
        if begun is not None:
            return _taken_over(connection, begun, now)
        rows = _queued(connection, organization_id, partner.name, now)
        sets = divided([_inquiry_of(row) for row in rows], partner)
        is_full = sum(map(len, sets)) < len(rows)
        if not sets or not (is_full or _is_quiet(rows, now, quiet)):
            return None
        control, first_set = next_numbers(connection, organization_id, partner.name, sets=len(sets))
        bound = BoundFile(id=str(uuid4()), control=control, at=now, sets=numbered(sets, first_set))
        connection.execute(
            insert(tables.x12_files).values(
                id=bound.id,
                organization_id=organization_id,
                partner=partner.name,
                interchange=interchange_control(control.interchange),
                group_control=group_control(control.group),
                state="writing",
                inquiries=sum(map(len, sets)),
                lease_until=now + _LEASE,
                written_at=now,
            )
        )
        for one in bound.sets:
            _bind(connection, bound.id, one)
        return bound


def mark_sent(
    engine: Engine,
    file_id: str,
    partner: Partner,
    *,
    references: Iterable[tuple[str, str]],
    now: datetime,
) -> None:
    """The file lies in the outgoing folder. `references` are each set's ST02 and BHT03.

    Their inquiries have an answer by the partner's deadline, or none.
    """
    inquiries = tables.x12_inquiries
    with writing(engine) as connection:
        connection.execute(
            update(tables.x12_files)
            .where(tables.x12_files.c.id == file_id, tables.x12_files.c.state == "writing")
            .values(state="sent", sent_at=now, lease_until=None)
        )
        for control, reference in references:
            connection.execute(
                update(inquiries)
                .where(
                    inquiries.c.file_id == file_id,
                    inquiries.c.set_control == control,
                    inquiries.c.state.in_(["queued", "sent"]),
                )
                .values(
                    state="sent",
                    set_reference=reference,
                    due_at=deadline(now, partner.deadline_days),
                )
            )


def send_again(connection: Connection, where: ColumnElement[bool], *, not_before: datetime) -> int:
    """Queue inquiries once more, under a new trace; gives how many had a try left.

    What answers said of the try before is forgotten.
    """
    columns = tables.x12_inquiries.c
    again = (
        connection.execute(
            update(tables.x12_inquiries)
            .where(where, columns.tries < MOST_TRIES)
            .values(
                state="queued",
                tries=columns.tries + 1,
                file_id=None,
                set_control=None,
                set_reference=None,
                error_class=None,
                error_code=None,
                queued_at=not_before,
                due_at=None,
                answered_at=None,
            )
            .returning(columns.reference)
        )
        .scalars()
        .all()
    )
    answers = tables.x12_answers
    for some in chunks_of(again, 500):
        connection.execute(delete(answers).where(answers.c.reference.in_(some)))
    return len(again)


def _begun(connection: Connection, organization_id: str, partner: str) -> Any:
    columns = tables.x12_files.c
    return connection.execute(
        select(tables.x12_files)
        .where(
            columns.organization_id == organization_id,
            columns.partner == partner,
            columns.state == "writing",
        )
        .order_by(columns.written_at)
        .limit(1)
    ).first()


def _taken_over(connection: Connection, begun: Any, now: datetime) -> BoundFile | None:
    if begun.lease_until is not None and begun.lease_until > now:
        return None
    connection.execute(
        update(tables.x12_files)
        .where(tables.x12_files.c.id == begun.id)
        .values(lease_until=now + _LEASE)
    )
    columns = tables.x12_inquiries.c
    sets: dict[int, list[Inquiry]] = {}
    for row in connection.execute(
        select(tables.x12_inquiries)
        .where(columns.file_id == begun.id)
        .order_by(columns.queued_at, columns.reference)
    ):
        sets.setdefault(int(row.set_control), []).append(_inquiry_of(row))
    if not sets:
        # Their uploads have been deleted meanwhile: there is nobody to ask for.
        connection.execute(
            update(tables.x12_files)
            .where(tables.x12_files.c.id == begun.id)
            .values(state="refused", lease_until=None)
        )
        return None
    return BoundFile(
        id=begun.id,
        control=ControlNumbers(interchange=int(begun.interchange), group=int(begun.group_control)),
        at=begun.written_at,
        sets=tuple(
            NumberedSet(number=number, inquiries=tuple(inquiries))
            for number, inquiries in sorted(sets.items())
        ),
    )


def _queued(
    connection: Connection, organization_id: str, partner: str, now: datetime
) -> Sequence[Any]:
    """What is to be sent; of attempts that have ended, or are being cancelled, nothing is."""
    columns = tables.x12_inquiries.c
    attempts = tables.attempts.c
    return connection.execute(
        select(tables.x12_inquiries)
        .join(tables.attempts, attempts.id == columns.attempt_id)
        .where(
            columns.organization_id == organization_id,
            columns.partner == partner,
            columns.state == "queued",
            columns.file_id.is_(None),
            columns.queued_at <= now,
            attempts.state != "finished",
            attempts.cancel_requested_at.is_(None),
        )
        .order_by(columns.queued_at, columns.reference)
        .limit(_CHOSEN_FROM)
    ).all()


def _is_quiet(rows: Sequence[Any], now: datetime, quiet: timedelta) -> bool:
    """Whether no more is likely to be queued in a moment; rows are oldest first."""
    oldest: datetime = rows[0].queued_at
    newest: datetime = rows[-1].queued_at
    return newest <= now - quiet or oldest <= now - 10 * quiet


def _bind(connection: Connection, file_id: str, one: NumberedSet) -> None:
    columns = tables.x12_inquiries.c
    references = [reference_of(inquiry.trace) for inquiry in one.inquiries]
    for some in chunks_of(references, 500):
        connection.execute(
            update(tables.x12_inquiries)
            .where(columns.reference.in_(some))
            .values(file_id=file_id, set_control=one.control)
        )


def _inquiry_of(row: Any) -> Inquiry:
    return _INQUIRY.validate_python({**row.body, "trace": trace_of(row.reference, row.tries)})
