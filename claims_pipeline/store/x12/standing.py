"""How an inquiry stands: what its query is to be told when somebody looks."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from claims_pipeline.errors import ErrorClass
from claims_pipeline.payers.x12.fates import (
    CLAIM,
    NO_ANSWER,
    NOT_FOUND,
    WAITING,
    Fate,
    FateKind,
    fate_of_inquiry,
)
from claims_pipeline.payers.x12.postbox import Standing
from claims_pipeline.store import codec, tables
from claims_pipeline.store.database import reading


def standing(engine: Engine, reference: str, *, now: datetime) -> Standing | None:
    """How the inquiry stands; None when there is none of that reference."""
    with reading(engine) as connection:
        row = connection.execute(
            select(tables.x12_inquiries).where(tables.x12_inquiries.c.reference == reference)
        ).first()
        if row is None:
            return None
        if row.state == "answered":
            # An answer counts before an acknowledgment that said there would be none.
            found = _answered(connection, reference, row.due_at)
            if found.fate != WAITING or row.error_class is None:
                return found
            return Standing(fate=_failed(row.error_class, row.error_code), due_at=row.due_at)
    if row.due_at is not None and row.due_at <= now:
        return Standing(fate=NO_ANSWER, due_at=row.due_at)
    return Standing(fate=WAITING, due_at=row.due_at)


def _answered(connection: Connection, reference: str, due_at: datetime | None) -> Standing:
    columns = tables.x12_answers.c
    rows = connection.execute(
        select(columns.fate, columns.error_class, columns.error_code, columns.claim)
        .where(columns.reference == reference)
        .order_by(columns.received_at, columns.interchange, columns.claim_key)
    ).all()
    fates: Sequence[Fate] = [_fate(row.fate, row.error_class, row.error_code) for row in rows]
    claims = (codec.claim_from_json(row.claim) for row in rows if row.claim is not None)
    return Standing(
        fate=fate_of_inquiry(fates),
        claims=tuple(dict.fromkeys(claims)),
        is_complete=all(fate.kind is not FateKind.FAILED for fate in fates),
        due_at=due_at,
    )


def _fate(kind: str, error_class: str | None, code: str | None) -> Fate:
    by_kind = {FateKind.CLAIM: CLAIM, FateKind.NOT_FOUND: NOT_FOUND, FateKind.WAITING: WAITING}
    return by_kind.get(FateKind(kind)) or _failed(error_class, code)


def _failed(error_class: str | None, code: str | None) -> Fate:
    return Fate(
        kind=FateKind.FAILED,
        error_class=ErrorClass(error_class) if error_class else None,
        code=code,
    )
