"""An organization's payer table: which payers its files may name, and how each is asked."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.exc import IntegrityError

from claims_pipeline.errors import InputError
from claims_pipeline.model import ListedPayer
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading, writing


def list_payers(engine: Engine, organization_id: str) -> list[ListedPayer]:
    """The organization's payers, by short name; none where its table was never filled."""
    query = (
        select(tables.payers)
        .where(tables.payers.c.organization_id == organization_id)
        .order_by(tables.payers.c.payer)
    )
    with reading(engine) as connection:
        return [
            ListedPayer(
                payer=row.payer,
                payer_id=row.payer_id,
                name=row.name,
                aliases=tuple(row.aliases),
                channel=row.channel,
                channel_payer_id=row.channel_payer_id,
                timezone=row.timezone,
                active=row.active,
            )
            for row in connection.execute(query)
        ]


def list_names(engine: Engine, *, channels: Collection[str]) -> dict[str, list[str]]:
    """For each organization with a list: the short names of those payers that are asked.

    They are active, and asked through one of the `channels`.
    """
    columns = tables.payers.c
    query = select(
        columns.organization_id, columns.payer, columns.channel, columns.active
    ).order_by(columns.payer)
    names: dict[str, list[str]] = {}
    with reading(engine) as connection:
        for organization_id, payer, channel, active in connection.execute(query):
            of_organization = names.setdefault(organization_id, [])
            if active and channel in channels:
                of_organization.append(payer)
    return names


def save_payers(engine: Engine, organization_id: str, payers: Sequence[ListedPayer]) -> None:
    """Add payers, or replace them by their short names; others stay. All or none.

    Raises:
        InputError: `payers_refused` when two payers of the table would have one payer id, or
            there is no such organization; `payer_channels_differ` when one id would be asked
            through two channels.

    """
    try:
        with writing(engine) as connection:
            for payer in payers:
                key = {"organization_id": organization_id, "payer": payer.payer}
                values = {
                    "payer_id": payer.payer_id,
                    "name": payer.name,
                    "aliases": list(payer.aliases),
                    "channel": payer.channel,
                    "channel_payer_id": payer.channel_payer_id,
                    "timezone": payer.timezone,
                    "active": payer.active,
                }
                changed = connection.execute(
                    update(tables.payers)
                    .where(
                        tables.payers.c.organization_id == organization_id,
                        tables.payers.c.payer == payer.payer,
                    )
                    .values(**values)
                )
                if not changed.rowcount:
                    connection.execute(tables.payers.insert().values(**key, **values))
            _require_one_channel_for_each_id(connection, organization_id)
    except IntegrityError:
        raise InputError(
            "payers_refused", "Two payers have one payer id, or there is no such organization."
        ) from None


def _require_one_channel_for_each_id(connection: Connection, organization_id: str) -> None:
    """Rows are grouped by the id that is asked: it has to say through which channel."""
    columns = tables.payers.c
    asked_as = func.coalesce(columns.channel_payer_id, columns.payer_id)
    several = (
        select(asked_as)
        .where(columns.organization_id == organization_id)
        .group_by(asked_as)
        .having(func.count(columns.channel.distinct()) > 1)
    )
    if connection.execute(several).first() is not None:
        raise InputError(
            "payer_channels_differ", "Two payers of different channels are asked by one id."
        )
