"""An organization that follows its claims for some weeks, day by day, beside a payer that decides.

The payer is the sandbox over HTTP on a clock of ours; every morning is gathered, asked and fed by
the same code that a run uses, without Dagster around it.
"""

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, select

from claims_pipeline import intake
from claims_pipeline.model import ChangeKind, Practice, UploadOptions, UploadStatus
from claims_pipeline.operations.following import Following
from claims_pipeline.payers import registry
from claims_pipeline.planning import Terms
from claims_pipeline.preflight.context import intake_context
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.querying import CallLog, drain
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.sandbox.world.records import Record
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store import attempts, tables, uploads
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import open_engine, reading
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.rows import stored
from claims_pipeline.store.tenants.practices import ensure_organization, list_practices
from claims_pipeline.store.tracked.feeding import FOLLOW_UP, feed
from claims_pipeline.store.tracked.rules import switch_follow_up

ORGANIZATION = "demo"
SEED = 7
_LONGEST_CADENCE_DAYS = 14
_COLUMNS = ("practice_id", "first_name", "last_name", "date_of_birth", "first_service_date")


@dataclass(slots=True)
class Calendar:
    """The day that it is for the payer and for us."""

    day: date

    def morning(self) -> datetime:
        """Half past noon UTC, when it is morning in every time zone of the country."""
        return datetime.combine(self.day, time(16, 30), tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A store, a sandbox and a calendar that they share."""

    settings: Settings
    engine: Engine
    files: FileStore
    sandbox: Sandbox
    calendar: Calendar
    claims_per_day: int
    asked_when_final: list[str] = field(default_factory=list)
    checks_one_by_one: list[int] = field(default_factory=list)

    def world(self) -> World:
        """What the payer knows today."""
        return World(
            seed=SEED, today=self.calendar.day, practices=2, claims_per_day=self.claims_per_day
        )

    def young_visits(self, count: int) -> list[Record]:
        """So many visits of the last weeks, the newest first, each of its own claim."""
        world = self.world()
        found: list[Record] = []
        for days_ago in range(5, 90):
            day = self.calendar.day - timedelta(days=days_ago)
            for practice in world.practices:
                for number in range(world.visits_on(practice, day)):
                    records = world.records_of_visit(practice, day, number)
                    if records and records[0].person.index >= 0:
                        found.append(records[0])
            if len(found) >= count:
                return found[:count]
        raise AssertionError("the world is too small for so many claims")

    def hand_in(self, content: bytes, *, options: UploadOptions | None = None) -> str:
        """A file as an analyst hands it in, asked to its end; the upload's id."""
        upload_id = str(uuid4())
        key = f"{ORGANIZATION}/{upload_id}/upload.csv"
        kept = self.files.write(key, [content], max_bytes=self.settings.max_file_bytes)
        new = uploads.NewUpload(
            id=upload_id,
            organization_id=ORGANIZATION,
            payer="uhc",
            source="api",
            file_name="worklist.csv",
            file_key=key,
            file_size=kept.size,
            file_sha256=kept.sha256,
            options=options or UploadOptions(),
        )
        uploads.create_upload(self.engine, new, now=datetime.now(UTC))
        self.ask(upload_id)
        return upload_id

    def ask(self, upload_id: str) -> None:
        """Everything that a run does for an upload, but its files."""
        hold = self.acquire(upload_id)
        self.take_in(hold)
        self.drain(hold)
        self.tell(upload_id)
        attempts.finish(
            self.engine,
            upload_id,
            UploadStatus.COMPLETED,
            attempt_id=hold.attempt_id,
            now=datetime.now(UTC),
            hold=hold,
        )

    def acquire(self, upload_id: str) -> Hold:
        """Hold the upload's attempt."""
        hold = attempts.acquire(
            self.engine,
            upload_id,
            str(uuid4()),
            ticket=None,
            has_parent=False,
            run_has_ended=lambda _run: False,
            dead_after_s=60,
            dead_between_steps_s=60,
            now=datetime.now(UTC),
        )
        assert isinstance(hold, Hold)
        return hold

    def take_in(self, hold: Hold) -> None:
        """Read the file into the store."""
        upload = self.upload(hold.upload_id)
        context = intake_context(
            self.settings,
            provider=upload.payer,
            payers=PayerTable.of((), self.settings),
            practices=list_practices(self.engine, ORGANIZATION),
            today=self.calendar.day,
        )
        with self.files.open(upload.file_key) as stream:
            read = intake.read(stream, context)
            stored.begin_rows(self.engine, hold, read.header)
            for chunk in read.chunks():
                stored.add_rows(self.engine, hold, chunk.requests, chunk.rejected)
        stored.complete_rows(self.engine, hold, record_count=read.records)

    def drain(self, hold: Hold) -> None:
        """Ask the payer about every row."""
        stop = threading.Event()
        calls = CallLog()
        channel = registry.settings_of("uhc", self.settings)
        terms = Terms.of(
            self.settings,
            channel=channel,
            capabilities=registry.capabilities_of("uhc"),
            options=self.upload(hold.upload_id).options,
        )
        with (
            closing(
                DatabaseLimiter(
                    self.engine,
                    organization_id=ORGANIZATION,
                    payer="uhc",
                    max_concurrency=registry.max_concurrency_of("uhc", self.settings),
                    calls_per_second=channel.calls_per_second,
                )
            ) as limiter,
            closing(
                registry.connect(
                    "uhc",
                    settings=self.settings,
                    limiter=limiter,
                    on_call=calls.add,
                    stop=stop,
                )
            ) as payer,
        ):
            drain(
                Ledger(self.engine, hold, lease_s=60, now=lambda: datetime.now(UTC)),
                payer,
                terms=replace(terms, today=self.calendar.day),
                calls=calls,
                stop=stop,
                leave=threading.Event(),
                on_progress=lambda: None,
            )

    def tell(self, upload_id: str) -> None:
        """Tell the tracked claims."""
        feed(
            self.engine,
            self.upload(upload_id),
            today=self.calendar.day,
            now=datetime.now(UTC),
        )

    def upload(self, upload_id: str) -> uploads.Upload:
        """The upload as it stands."""
        upload = uploads.get_upload(self.engine, upload_id)
        assert upload is not None
        return upload

    def following(self) -> Following:
        """What the schedule works with."""
        return Following(settings=self.settings, engine=self.engine, files=self.files)

    def live_through(self, days: int) -> None:
        """So many mornings, one after the other."""
        for _ in range(days):
            self.calendar.day += timedelta(days=1)
            self.live_a_morning()

    def live_a_morning(self) -> None:
        """Gather what is due, ask it; what was asked though it was final is noted."""
        final = self.final_ids()
        for made in self.following().gather_mornings(self.calendar.morning()):
            if made.upload_id is None:
                continue
            asked = self.ids_asked_by(made.upload_id)
            self.asked_when_final.extend(sorted(final & asked))
            self.checks_one_by_one.append(len(asked))
            self.ask(made.upload_id)

    def final_ids(self) -> set[str]:
        """Tracked claims that are final."""
        columns = tables.tracked_claims.c
        with reading(self.engine) as connection:
            query = select(columns.id).where(columns.final_at.is_not(None))
            return set(connection.execute(query).scalars())

    def ids_asked_by(self, upload_id: str) -> set[str]:
        """For which tracked claims a follow-up upload asks."""
        columns = tables.claim_checks.c
        with reading(self.engine) as connection:
            query = select(columns.tracked_id).where(
                columns.upload_id == upload_id, columns.attempt == 0
            )
            return set(connection.execute(query).scalars())

    def tellings(self) -> dict[str, list[tuple[date, str, str]]]:
        """By the payer's number: day, kind and status of everything that was told of a claim."""
        told: dict[str, list[tuple[date, str, str]]] = {}
        changes, claims = tables.claim_changes.c, tables.tracked_claims.c
        query = (
            select(claims.claim_number, changes.day, changes.kind, changes.status)
            .join_from(tables.claim_changes, tables.tracked_claims)
            .order_by(changes.id)
        )
        with reading(self.engine) as connection:
            for number, day, kind, status in connection.execute(query):
                told.setdefault(number, []).append((day, kind, status))
        return told

    def follow_up_uploads(self) -> int:
        """How many uploads the schedule has made."""
        with reading(self.engine) as connection:
            query = select(tables.uploads.c.id).where(tables.uploads.c.source == FOLLOW_UP)
            return len(connection.execute(query).all())


@contextmanager
def quarter(
    home: Path, *, claims_per_day: int = 20, environment: dict[str, str] | None = None
) -> Iterator[Quarter]:
    """An organization that follows its claims; today is the first day."""
    calendar = Calendar(today_in("America/Chicago")())
    with running_sandbox(
        seed=SEED, claims_per_day=claims_per_day, today=lambda: calendar.day
    ) as sandbox:
        settings = load_settings(
            {
                "CLAIMS_HOME": str(home),
                "CLAIMS_UHC_CALLS_PER_SECOND": "5000",
                **sandbox.settings(),
                **(environment or {}),
            }
        )
        engine = open_engine(settings.resolved_database_url)
        upgrade(engine)
        practices = World(seed=SEED, today=calendar.day, practices=2).practices
        ensure_organization(
            engine,
            ORGANIZATION,
            "Demo",
            [
                Practice(
                    practice_id=practice.practice_id,
                    tin=practice.tin,
                    name=practice.name,
                    is_default=practice.number == 1,
                )
                for practice in practices
            ],
        )
        switch_follow_up(engine, ORGANIZATION, is_on=True, now=datetime.now(UTC))
        yield Quarter(
            settings=settings,
            engine=engine,
            files=file_store_of(settings),
            sandbox=sandbox,
            calendar=calendar,
            claims_per_day=claims_per_day,
        )
        engine.dispose()


def worklist(records: Sequence[Record]) -> bytes:
    """The visits as an analyst's list of patients and days."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for record in records:
        someone = record.person
        writer.writerow(
            (
                record.practice_number,
                someone.first_name,
                someone.last_name,
                f"{someone.date_of_birth:%m/%d/%Y}",
                f"{record.service.first:%m/%d/%Y}",
            )
        )
    return text.getvalue().encode()


def decided_on(quarter: Quarter, record: Record) -> date | None:
    """The day on which the payer decided, as it says today; None while it has not."""
    practice = quarter.world().practices[record.practice_number - 1]
    number = int(record.claim_number[6:])
    records = quarter.world().records_of_visit(practice, record.service.first, number)
    return min((each.processed for each in records if each.processed), default=None)


def told_too_late(quarter: Quarter, records: Sequence[Record], *, since: date) -> list[str]:
    """Claims whose decision nobody was told of within their cadence, by the payer's number."""
    told = quarter.tellings()
    late = []
    for record in records:
        decided = decided_on(quarter, record)
        if decided is None or decided > quarter.calendar.day - timedelta(
            days=_LONGEST_CADENCE_DAYS
        ):
            continue
        latest = max(decided, since) + timedelta(days=_LONGEST_CADENCE_DAYS)
        days = [
            day
            for day, _, status in told.get(record.claim_number, ())
            if decided <= day <= latest and status not in {"PENDING", "ACKNOWLEDGED"}
        ]
        if not days:
            late.append(record.claim_number)
    return late


def told_twice(quarter: Quarter) -> list[str]:
    """Claims of which one and the same thing was told twice in a row."""
    twice = []
    for number, tellings in quarter.tellings().items():
        statuses = [status for _, kind, status in tellings if kind != ChangeKind.AMOUNT]
        if any(a == b for a, b in pairwise(statuses)):
            twice.append(number)
    return twice
