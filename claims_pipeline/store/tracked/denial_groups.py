"""Denied claims in groups of one payer, reason (CARC) and remark (RARC), over all uploads."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine, func, select

from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.tracked.records import codes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialGroup:
    """How many claims, and what can still be won on them. A claim of two reasons is in two groups.

    `rarc` is None for claims that carry no remark.
    """

    payer: str
    carc: str
    rarc: str | None
    claims: int
    dollars: Decimal


def denial_groups(
    engine: Engine, organization_id: str, *, payer: str | None = None
) -> list[DenialGroup]:
    """The groups of what nobody has done yet, most dollars first."""
    columns = tables.tracked_claims.c
    # Claims of one set of codes are counted by the database: there are few sets.
    query = (
        select(
            columns.payer,
            columns.denial_codes,
            columns.remark_codes,
            func.count(),
            func.sum(columns.dollars),
        )
        .where(
            columns.organization_id == organization_id,
            columns.needs_person,
            columns.done_at.is_(None),
            columns.denial_codes.is_not(None),
        )
        .group_by(columns.payer, columns.denial_codes, columns.remark_codes)
    )
    if payer is not None:
        query = query.where(columns.payer == payer)
    found: dict[tuple[str, str, str | None], list[Decimal]] = defaultdict(
        lambda: [Decimal(), Decimal()]
    )
    with reading(engine) as connection:
        for of_payer, carcs, rarcs, claims, dollars in connection.execute(query):
            for carc in codes_of(carcs):
                for rarc in codes_of(rarcs) or (None,):
                    tally = found[of_payer, carc, rarc]
                    tally[0] += claims
                    tally[1] += dollars
    groups = [
        DenialGroup(payer=key[0], carc=key[1], rarc=key[2], claims=int(tally[0]), dollars=tally[1])
        for key, tally in found.items()
    ]
    return sorted(
        groups, key=lambda group: (-group.dollars, group.payer, group.carc, group.rarc or "")
    )
