"""The database's side of asking by files: implements `payers.x12.postbox.Postbox`."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Engine

from claims_pipeline.model import ListedPayer, Query
from claims_pipeline.payers.environment import PRODUCTION, SANDBOX
from claims_pipeline.payers.x12.deadlines import deadline
from claims_pipeline.payers.x12.inquiries import Inquiry
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.payers.x12.postbox import Standing
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import writing
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.x12.outgoing import NewInquiry, queue
from claims_pipeline.store.x12.partners import list_partners, partner_for
from claims_pipeline.store.x12.standing import standing

_SHORTEST_PAUSE = timedelta(minutes=1)


class DatabasePostbox:
    """The partners of an attempt's organization. Safe to use from many threads."""

    def __init__(self, engine: Engine, hold: Hold, *, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._hold = hold
        self._now = now

    @cached_property
    def _partners(self) -> list[Partner]:
        return list_partners(self._engine, self._hold.organization_id)

    @cached_property
    def _payers(self) -> dict[str, ListedPayer]:
        """The organization's payers by the id under which they are asked."""
        listed = list_payers(self._engine, self._hold.organization_id)
        return {payer.channel_payer_id or payer.payer_id: payer for payer in listed}

    @property
    def has_partners(self) -> bool:
        """Whether anybody is set up at all."""
        return any(partner.active for partner in self._partners)

    @property
    def environment(self) -> str:
        """`sandbox` where partners take test files, else `production`."""
        found = {partner.environment for partner in self._partners if partner.active}
        return SANDBOX if SANDBOX in found else PRODUCTION

    def partner_for(self, query: Query) -> Partner | None:
        """Through whom the query's payer is asked; None when no partner is set up for it."""
        payer = self._payers.get(query.payer_id)
        return partner_for(self._partners, payer.payer if payer else None)

    def payer_name(self, query: Query) -> str:
        """The payer's name, as it stands on the wire beside its id."""
        payer = self._payers.get(query.payer_id)
        return payer.name if payer else query.payer_id

    def reference_for(self, query: Query) -> str:
        """The key of the query's inquiry: the same each time for one query of the attempt."""
        told = (
            self._hold.attempt_id,
            query.payer_id,
            query.tin,
            query.window.first.isoformat(),
            query.window.last.isoformat(),
            *map(str, query.row_numbers),
        )
        return hashlib.blake2b("|".join(told).encode(), digest_size=14).hexdigest().upper()

    def put(self, reference: str, partner: Partner, inquiry: Inquiry) -> datetime:
        """Queue the inquiry, once; gives when it is worth looking whether it was answered.

        Before that, whoever takes files in lets the attempt look as soon as there is an answer.
        """
        now = self._now()
        new = NewInquiry(
            reference=reference,
            organization_id=self._hold.organization_id,
            upload_id=self._hold.upload_id,
            attempt_id=self._hold.attempt_id,
            partner=partner.name,
            inquiry=inquiry,
        )
        with writing(self._engine) as connection:
            queue(connection, [new], now=now)
        return deadline(now, partner.deadline_days)

    def next_look_at(self, standing: Standing) -> datetime:
        """When it is worth looking again: at the deadline, since answers wake who waits."""
        now = self._now()
        return max(standing.due_at or deadline(now, 1), now + _SHORTEST_PAUSE)

    def standing(self, reference: str) -> Standing | None:
        """How the inquiry stands; None when there is none of that reference."""
        return standing(self._engine, reference, now=self._now())
