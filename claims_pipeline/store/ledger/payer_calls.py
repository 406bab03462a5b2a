"""What came of an attempt's calls to its payer."""

from sqlalchemy import Engine, select

from claims_pipeline.payers.base import CallKind
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading


def error_codes(engine: Engine, attempt_id: str, kind: CallKind) -> frozenset[str | None]:
    """The error codes that the attempt's calls of this kind met; None stands for an answer."""
    columns = tables.payer_calls.c
    query = (
        select(columns.error_code)
        .where(columns.attempt_id == attempt_id, columns.kind == kind)
        .distinct()
    )
    with reading(engine) as connection:
        return frozenset(connection.execute(query).scalars())
