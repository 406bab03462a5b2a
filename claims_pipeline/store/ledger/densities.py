"""How many claims a practice has in a window, learned from answered searches."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, or_, select

from claims_pipeline.model import DateWindow, DensityObservation
from claims_pipeline.store import tables
from claims_pipeline.store.database import chunks_of, reading

# A practice's volume drifts; what is older than half a year misleads more than it tells.
_KEPT_FOR = timedelta(days=180)
_KEPT_PER_PRACTICE = 2000


def record_observations(
    connection: Connection,
    organization_id: str,
    observations: Sequence[DensityObservation],
    *,
    now: datetime,
) -> None:
    """Keep what searches have shown, and drop what it makes old.

    An observation takes the place of earlier ones of the same window. One that has no instant was
    made now. Of one practice at one payer the newest 2,000 are kept, for half a year: more than an
    upload makes, because its planning must not forget what its own searches have shown.
    """
    latest = {(item.tin, item.payer_id, item.window): item for item in observations}
    groups: dict[tuple[str, str], list[DensityObservation]] = {}
    for (tin, payer_id, _), item in latest.items():
        groups.setdefault((tin, payer_id), []).append(item)
    for (tin, payer_id), items in groups.items():
        _drop_windows(connection, organization_id, tin, payer_id, [item.window for item in items])
        connection.execute(
            insert(tables.claim_densities),
            [
                {
                    "organization_id": organization_id,
                    "tin": tin,
                    "payer_id": payer_id,
                    "window_first": item.window.first,
                    "window_last": item.window.last,
                    "claims": item.claims,
                    "at_least": item.at_least,
                    "observed_at": item.observed_at or now,
                }
                for item in items
            ],
        )
        _drop_old(connection, organization_id, tin, payer_id, now)


def observations(
    connection: Connection, organization_id: str, tin: str, payer_id: str
) -> list[DensityObservation]:
    """What is known of one practice at one payer, newest first, at most 2,000."""
    query = (
        select(tables.claim_densities)
        .where(_group(organization_id, tin, payer_id))
        .order_by(tables.claim_densities.c.observed_at.desc(), tables.claim_densities.c.id.desc())
        .limit(_KEPT_PER_PRACTICE)
    )
    return [
        DensityObservation(
            tin=row.tin,
            payer_id=row.payer_id,
            window=DateWindow(row.window_first, row.window_last),
            claims=row.claims,
            at_least=row.at_least,
            observed_at=row.observed_at,
        )
        for row in connection.execute(query)
    ]


def known_observations(
    engine: Engine, organization_id: str
) -> Callable[[str, str], Sequence[DensityObservation]]:
    """What looks up an organization's observations by TIN and payer id, each time anew."""

    def observed(tin: str, payer_id: str) -> Sequence[DensityObservation]:
        with reading(engine) as connection:
            return observations(connection, organization_id, tin, payer_id)

    return observed


def _group(organization_id: str, tin: str, payer_id: str) -> ColumnElement[bool]:
    return and_(
        tables.claim_densities.c.organization_id == organization_id,
        tables.claim_densities.c.tin == tin,
        tables.claim_densities.c.payer_id == payer_id,
    )


def _drop_windows(
    connection: Connection,
    organization_id: str,
    tin: str,
    payer_id: str,
    windows: Sequence[DateWindow],
) -> None:
    for chunk in chunks_of(windows, size=100):
        same_window = or_(
            *(
                and_(
                    tables.claim_densities.c.window_first == window.first,
                    tables.claim_densities.c.window_last == window.last,
                )
                for window in chunk
            )
        )
        connection.execute(
            delete(tables.claim_densities).where(
                _group(organization_id, tin, payer_id), same_window
            )
        )


def _drop_old(
    connection: Connection, organization_id: str, tin: str, payer_id: str, now: datetime
) -> None:
    group = _group(organization_id, tin, payer_id)
    newest = (
        select(tables.claim_densities.c.id)
        .where(group)
        .order_by(tables.claim_densities.c.observed_at.desc(), tables.claim_densities.c.id.desc())
        .limit(_KEPT_PER_PRACTICE)
    )
    too_old = tables.claim_densities.c.observed_at < now - _KEPT_FOR
    connection.execute(
        delete(tables.claim_densities).where(
            group, or_(too_old, tables.claim_densities.c.id.not_in(newest.scalar_subquery()))
        )
    )
