"""A partner with inquiries queued, and the clearinghouse beside its folders."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from claims_pipeline.folders.dropped import FileState
from claims_pipeline.folders.mailbox.mailbox import Mailbox
from claims_pipeline.folders.mailbox.sending import send_out
from claims_pipeline.folders.mailbox.taking import Taken, take_in
from claims_pipeline.model import DateWindow
from claims_pipeline.payers.x12.inquiries import AskedPayer, Inquiry, Member, Provider
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.sandbox.world.people import Person
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
from claims_pipeline.sandbox.x12.faults import FaultScript
from claims_pipeline.store import attempts
from claims_pipeline.store.database import writing
from claims_pipeline.store.x12.outgoing import NewInquiry, queue
from claims_pipeline.store.x12.partners import save_partners
from claims_pipeline.store.x12.standing import Standing, standing
from claims_pipeline_tests.payers.x12.builders import make_partner
from claims_pipeline_tests.store.builders import ORGANIZATION, make_upload

TODAY = date(2026, 3, 4)
START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
SEED = 7
DELAY = timedelta(hours=12)


@dataclass
class Exchange:
    """Both sides of one mailbox, on one clock."""

    engine: Engine
    base: Path
    partner: Partner
    upload_id: str
    attempt_id: str
    world: World
    now: datetime = START
    answered: set[str] = field(default_factory=set)
    clearinghouse: Clearinghouse | None = None

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(organization_id=ORGANIZATION, partner=self.partner, base=self.base)

    def clock(self) -> datetime:
        return self.now

    def meet(self, *faults: str | dict[str, object]) -> None:
        """Set up the clearinghouse with these faults."""
        scripts = [
            FaultScript.model_validate({"fault": one} if isinstance(one, str) else one)
            for one in faults
        ]
        self.clearinghouse = Clearinghouse(
            outgoing=self.mailbox.outgoing,
            incoming=self.mailbox.incoming,
            make_world=lambda _day: self.world,
            today=lambda: TODAY,
            delay=DELAY,
            scripts=scripts,
            now=self.clock,
        )

    def queue(self, inquiries: Sequence[Inquiry]) -> list[str]:
        references = []
        with writing(self.engine) as connection:
            for one in inquiries:
                reference = f"{int(one.trace.removeprefix('ROW')):024d}"
                references.append(reference)
                new = NewInquiry(
                    reference=reference,
                    organization_id=ORGANIZATION,
                    upload_id=self.upload_id,
                    attempt_id=self.attempt_id,
                    partner=self.partner.name,
                    inquiry=one,
                )
                queue(connection, [new], now=self.now)
        return references

    def send(self) -> int:
        return send_out(self.engine, self.mailbox, now=self.clock)

    def take(self) -> Taken:
        """Look twice: what has not changed since is whole."""
        return self.look(seen_before=frozenset(self.look().waiting))

    def look(self, *, seen_before: frozenset[FileState] = frozenset()) -> Taken:
        return take_in(
            self.engine,
            self.mailbox,
            seen_before=seen_before,
            on_answered=self._note,
            now=self.clock,
        )

    def pass_time(self, hours: float = 13) -> Taken:
        """Let the clearinghouse work, and take what it has delivered."""
        assert self.clearinghouse is not None
        self.clearinghouse.step()
        self.now += timedelta(hours=hours)
        self.clearinghouse.step()
        return self.take()

    def standing(self, reference: str) -> Standing:
        found = standing(self.engine, reference, now=self.now)
        assert found is not None
        return found

    def _note(self, _connection: Connection, references: Iterable[str]) -> None:
        self.answered.update(references)


@pytest.fixture
def world() -> World:
    return World(seed=SEED, today=TODAY)


@pytest.fixture
def exchange(engine: Engine, tmp_path: Path, world: World) -> Exchange:
    upload = make_upload(engine)
    attempt = attempts.latest_attempt(engine, upload.id)
    assert attempt is not None
    partner = make_partner(claims_per_set=10, deadline_days=2)
    save_partners(engine, ORGANIZATION, [partner])
    made = Exchange(
        engine=engine,
        base=tmp_path,
        partner=partner,
        upload_id=upload.id,
        attempt_id=attempt.id,
        world=world,
    )
    made.meet()
    return made


@pytest.fixture
def inquiries(world: World) -> Callable[[int], list[Inquiry]]:
    """People whom the payer knows, each asked for around a visit; every fifth is a stranger."""

    def make(count: int) -> list[Inquiry]:
        practice = world.practices[0]
        records: list[Record] = []
        day = TODAY
        while len(records) < count:
            day -= timedelta(days=1)
            records += world.search(practice, DateWindow(day, day))
        return [
            _inquiry(number, record, practice.tin, is_stranger=number % 5 == 4)
            for number, record in enumerate(records[:count])
        ]

    return make


def _inquiry(number: int, record: Record, tin: str, *, is_stranger: bool) -> Inquiry:
    person: Person = record.person
    return Inquiry(
        trace=f"ROW{number}",
        payer=AskedPayer(id="X12D1", name="X12 Demo Insurance"),
        provider=Provider(name="Sample Practice", tin=tin),
        subscriber=Member(
            last_name="Vanderbilt" if is_stranger else person.last_name,
            first_name="Quentin" if is_stranger else person.first_name,
            date_of_birth=person.date_of_birth,
            id=person.subscriber_id,
        ),
        window=DateWindow(
            record.service.first - timedelta(days=3), record.service.first + timedelta(days=3)
        ),
    )
