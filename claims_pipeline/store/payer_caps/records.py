"""What processes tell each other about a payer's caps: leased slots, pause and breaker."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, or_, select, update

from claims_pipeline.store import tables
from claims_pipeline.store.database import insert_or_ignore, reading, writing
from claims_pipeline.store.payer_caps.shares import fair_share


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimits:
    """A process's view of a payer's caps, as of its last look.

    `slots` may be used until `leased_until`. `open_until` is set while the breaker is open,
    """

    slots: int = 0
    leased_until: datetime | None = None
    pause_until: datetime | None = None
    open_until: datetime | None = None


class LimitRecords:
    """One process's reading and writing of one payer's `payer_limits` and `payer_slots`."""

    def __init__(
        self,
        engine: Engine,
        *,
        organization_id: str,
        payer: str,
        holder: str,
        max_slots: int,
        lease: timedelta,
    ) -> None:
        self._engine = engine
        self._organization_id = organization_id
        self._payer = payer
        self._holder = holder
        self._max_slots = max_slots
        self._lease = lease

    def look(self, now: datetime) -> SharedLimits:
        """The caps as they stand; the slots are those that a renewal would grant.

        `leased_until` is what this process has leased so far.
        """
        own_lease = select(tables.payer_slots.c.expires_at).where(self._own_slots())
        with reading(self._engine) as connection:
            seen = self._read(connection, now)
            return replace(seen, leased_until=connection.execute(own_lease).scalar_one_or_none())

    def renew(self, now: datetime, *, in_use: int) -> SharedLimits:
        """Lease this process's share, at least as much as is `in_use`, and drop dead leases."""
        with writing(self._engine) as connection:
            self._lock(connection)
            of_payer = self._of_payer(
                tables.payer_slots.c.organization_id, tables.payer_slots.c.payer
            )
            connection.execute(
                delete(tables.payer_slots).where(of_payer, tables.payer_slots.c.expires_at <= now)
            )
            granted = self._read(connection, now)
            values = {"slots": max(granted.slots, in_use), "expires_at": now + self._lease}
            connection.execute(
                insert_or_ignore(connection, tables.payer_slots).values(
                    organization_id=self._organization_id,
                    payer=self._payer,
                    holder=self._holder,
                    **values,
                )
            )
            connection.execute(update(tables.payer_slots).where(self._own_slots()).values(**values))
        return replace(granted, leased_until=now + self._lease)

    def release(self) -> None:
        """Give this process's slots back."""
        with writing(self._engine) as connection:
            connection.execute(delete(tables.payer_slots).where(self._own_slots()))

    def pause(self, until: datetime) -> None:
        """Let nobody call before then; a longer pause stays."""
        is_shorter = or_(
            tables.payer_limits.c.pause_until.is_(None), tables.payer_limits.c.pause_until < until
        )
        with writing(self._engine) as connection:
            self._lock(connection)
            connection.execute(
                update(tables.payer_limits)
                .where(self._own_limits(), is_shorter)
                .values(pause_until=until)
            )

    def open_breaker(self, until: datetime) -> None:
        """Leave the payer alone until then."""
        self._set_breaker(until)

    def close_breaker(self) -> None:
        """The payer answers again."""
        self._set_breaker(None)

    def win_probe(self, now: datetime, *, until: datetime) -> bool:
        """Of all that may try the payer after a while, let one: the others wait until then."""
        is_over = tables.payer_limits.c.breaker_open_until <= now
        with writing(self._engine) as connection:
            won = connection.execute(
                update(tables.payer_limits)
                .where(self._own_limits(), is_over)
                .values(breaker_open_until=until)
            )
        return won.rowcount == 1

    def _set_breaker(self, until: datetime | None) -> None:
        with writing(self._engine) as connection:
            self._lock(connection)
            connection.execute(
                update(tables.payer_limits)
                .where(self._own_limits())
                .values(breaker_open_until=until)
            )

    def _lock(self, connection: Connection) -> None:
        connection.execute(
            insert_or_ignore(connection, tables.payer_limits).values(
                organization_id=self._organization_id, payer=self._payer
            )
        )
        connection.execute(
            select(tables.payer_limits.c.payer).where(self._own_limits()).with_for_update()
        )

    def _read(self, connection: Connection, now: datetime) -> SharedLimits:
        of_payer = self._of_payer(tables.payer_slots.c.organization_id, tables.payer_slots.c.payer)
        leases = select(tables.payer_slots.c.holder, tables.payer_slots.c.slots).where(
            of_payer,
            tables.payer_slots.c.expires_at > now,
            tables.payer_slots.c.holder != self._holder,
        )
        others = dict(connection.execute(leases).tuples().all())
        shared = SharedLimits(slots=fair_share(self._holder, others, self._max_slots))
        limits = connection.execute(select(tables.payer_limits).where(self._own_limits())).first()
        if limits is None:
            return shared
        return replace(
            shared,
            pause_until=limits.pause_until,
            open_until=limits.breaker_open_until,
        )

    def _own_limits(self) -> ColumnElement[bool]:
        return self._of_payer(tables.payer_limits.c.organization_id, tables.payer_limits.c.payer)

    def _own_slots(self) -> ColumnElement[bool]:
        of_payer = self._of_payer(tables.payer_slots.c.organization_id, tables.payer_slots.c.payer)
        return and_(of_payer, tables.payer_slots.c.holder == self._holder)

    def _of_payer(
        self, organization_id: ColumnElement[str], payer: ColumnElement[str]
    ) -> ColumnElement[bool]:
        return and_(organization_id == self._organization_id, payer == self._payer)
