"""An upload's rows by outcome, counted and not believed."""

from sqlalchemy import Connection, func, select

from claims_pipeline.model import OutcomeCounts
from claims_pipeline.store import tables


def counted_outcomes(connection: Connection, upload_id: str) -> OutcomeCounts:
    """Stored rows by the outcome of their current result; open rows are in the total only."""
    by_outcome = (
        select(tables.results.c.outcome, func.count())
        .where(tables.results.c.upload_id == upload_id, tables.results.c.is_current.is_(True))
        .group_by(tables.results.c.outcome)
    )
    rows = dict(connection.execute(by_outcome).tuples().all())
    accepted, rejected = (
        connection.execute(
            select(func.count()).select_from(table).where(table.c.upload_id == upload_id)
        ).scalar_one()
        for table in (tables.requests, tables.rejected_rows)
    )
    return OutcomeCounts(total=accepted + rejected, rejected=rejected, **rows)
