"""Makes the day's follow-up uploads: what is due, most money first, within the calls of the day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from claims_pipeline.follow_up.asking import FILE_NAME, file_of
from claims_pipeline.follow_up.budget import within_budget
from claims_pipeline.follow_up.mornings import PayerDay, local_day, mornings
from claims_pipeline.model import ListedPayer, UploadOptions
from claims_pipeline.model.request_columns import membership_of
from claims_pipeline.names import patient_key
from claims_pipeline.payers import registry
from claims_pipeline.preflight.forecast import PlannedRow, forecast
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.preflight.ways import Way, ways_of
from claims_pipeline.settings import Settings
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.ledger import densities
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.tracked.feeding import FOLLOW_UP
from claims_pipeline.store.tracked.gathering import (
    SCHEDULED,
    Slot,
    calls_made,
    due_claims,
    next_number,
    slot_is_taken,
    take_slot,
)
from claims_pipeline.store.tracked.records import TrackedClaim
from claims_pipeline.store.tracked.rules import organizations_that_follow
from claims_pipeline.store.uploads import NewUpload

# Of claims that are asked again, those about which the payer has something new to explain.
_DETAILS_A_CLAIM = 0.4
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A follow-up upload that was made; without an id nothing was due, or no call was left."""

    organization_id: str
    payer: str
    day: date
    upload_id: str | None
    claims: int
    left_for_later: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What gathering works with."""

    settings: Settings
    engine: Engine
    files: FileStore

    def gather_mornings(self, now: datetime) -> list[Gathered]:
        """The uploads of all payers whose day has begun; each is made once, whoever else is at it.

        Safe to be called at any time, by several at once, and again after it died.
        """
        gathered = []
        for morning in self.mornings_to_gather(now):
            made = self.gather(_slot(morning), now=now)
            if made is not None:
                gathered.append(made)
        return gathered

    def mornings_to_gather(self, now: datetime) -> list[PayerDay]:
        """Payers whose day has begun and whose upload is not made yet."""
        payers = [
            (organization_id, payer.payer, self.timezone_of(payer))
            for organization_id in organizations_that_follow(self.engine)
            for payer in self._table(organization_id).connected
        ]
        return [
            morning
            for morning in mornings(payers, now=now)
            if not slot_is_taken(self.engine, _slot(morning))
        ]

    def gather_now(self, organization_id: str, *, now: datetime) -> list[Gathered]:
        """Further uploads of what is due today, whatever the hour; none for payers without any."""
        gathered = []
        for payer in self._table(organization_id).connected:
            day = local_day(self.timezone_of(payer), now)
            if not due_claims(self.engine, organization_id, payer.payer, day):
                continue
            slot = Slot(organization_id=organization_id, payer=payer.payer, day=day)
            number = next_number(self.engine, slot)
            made = self.gather(
                Slot(organization_id=organization_id, payer=payer.payer, day=day, number=number),
                now=now,
            )
            if made is not None:
                gathered.append(made)
        return gathered

    def gather(self, slot: Slot, *, now: datetime) -> Gathered | None:
        """Make the upload of one slot; None when it is made already, or by somebody else.

        The file is stored first: one that no upload names is swept up.
        """
        for _ in range(_TRIES):
            if slot_is_taken(self.engine, slot):
                return None
            due = due_claims(self.engine, slot.organization_id, slot.payer, slot.day)
            chosen = self._affordable(slot, due)
            new = self._stored(slot, chosen) if chosen else None
            is_made = take_slot(
                self.engine,
                slot,
                chosen,
                new,
                left_for_later=len(due) - len(chosen),
                now=now,
            )
            if is_made:
                return Gathered(
                    organization_id=slot.organization_id,
                    payer=slot.payer,
                    day=slot.day,
                    upload_id=new.id if new else None,
                    claims=len(chosen),
                    left_for_later=len(due) - len(chosen),
                )
            if new is not None:
                self.files.delete(f"{slot.organization_id}/{new.id}")
        return None

    def timezone_of(self, payer: ListedPayer) -> str:
        """Where the payer's days begin."""
        of_channel = registry.settings_of(payer.channel, self.settings)
        return payer.timezone or of_channel.timezone or self.settings.payer_timezone

    def _table(self, organization_id: str) -> PayerTable:
        return PayerTable.of(list_payers(self.engine, organization_id), self.settings)

    def _payer(self, slot: Slot) -> ListedPayer:
        table = self._table(slot.organization_id)
        return next(payer for payer in table.connected if payer.payer == slot.payer)

    def _affordable(self, slot: Slot, due: Sequence[TrackedClaim]) -> Sequence[TrackedClaim]:
        payer = self._payer(slot)
        zone = ZoneInfo(self.timezone_of(payer))
        begun = datetime.combine(slot.day, time(), tzinfo=zone).astimezone(UTC)
        used = calls_made(self.engine, slot.organization_id, since=begun)
        way = ways_of(self.settings, UploadOptions())(payer.channel)
        # A morning that was missed is planned as of its own day.
        way = replace(way, terms=replace(way.terms, today=slot.day))
        return within_budget(
            due,
            calls=self.settings.follow_up_calls_per_day - used,
            cost=lambda claims: self._cost(slot.organization_id, claims, way),
        )

    def _cost(self, organization_id: str, claims: Sequence[TrackedClaim], way: Way) -> int:
        """Calls that asking the claims takes, planned as their upload will be."""
        groups: dict[tuple[str, str], list[PlannedRow]] = defaultdict(list)
        for number, claim in enumerate(claims, start=1):
            request = claim.request(number)
            patient = request.patient
            row = PlannedRow(
                number,
                patient_key(
                    first_name=patient.first_name,
                    last_name=patient.last_name,
                    date_of_birth=patient.date_of_birth,
                    membership=membership_of(request),
                ),
                way.terms.span(request),
                way.can_ask(patient),
            )
            groups[claim.tin, claim.payer_id].append(row)
        known = densities.known_observations(self.engine, organization_id)
        searches = 0
        for (tin, payer_id), rows in groups.items():
            expected = forecast(
                rows, way.terms, tin=tin, payer_id=payer_id, known=known(tin, payer_id)
            )
            # The payer has shown most of them before: few will have to be looked for again.
            searches += expected.calls - expected.confirming
        return searches + round(_DETAILS_A_CLAIM * len(claims))

    def _stored(self, slot: Slot, claims: Sequence[TrackedClaim]) -> NewUpload:
        upload_id = str(uuid4())
        key = f"{slot.organization_id}/{upload_id}/upload.csv"
        requests = [claim.request(number) for number, claim in enumerate(claims, start=1)]
        stored = self.files.write(
            key,
            file_of(requests, names_payer_id=self._payer(slot).channel_payer_id is None),
            max_bytes=self.settings.max_file_bytes,
        )
        return NewUpload(
            id=upload_id,
            organization_id=slot.organization_id,
            payer=slot.payer,
            source=FOLLOW_UP,
            file_name=FILE_NAME,
            file_key=key,
            file_size=stored.size,
            file_sha256=stored.sha256,
            outbox_name=f"follow-up.{slot.day:%Y%m%d}-{upload_id[:8]}",
            total_rows=len(claims),
        )


def _slot(morning: PayerDay) -> Slot:
    return Slot(
        organization_id=morning.organization_id,
        payer=morning.payer,
        day=morning.day,
        number=SCHEDULED,
    )
