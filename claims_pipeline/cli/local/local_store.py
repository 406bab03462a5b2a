"""The database and file store of this machine, opened for a command."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine

from claims_pipeline.cli.local.home import Home, prepare_home
from claims_pipeline.cli.options import DEMO_ORGANIZATION
from claims_pipeline.errors import FileRefusedError, InputError, SettingsError
from claims_pipeline.model import DensityObservation, ListedPayer, Practice
from claims_pipeline.payers.x12.partner import Partner
from claims_pipeline.preflight.check import Observations
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.sandbox.world.practices import WorldPractice, demo_payer_id
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store.database import schema_is_current
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline.store.ledger import densities, payer_calls
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.opening import open_database
from claims_pipeline.store.tenants.column_decisions import list_decisions
from claims_pipeline.store.tenants.payers import list_payers, save_payers
from claims_pipeline.store.tenants.practices import ensure_organization, list_practices
from claims_pipeline.store.x12.partners import save_partners

# Channels that lead to many payers, as the insurers of the demo are called after them.
_DEMO_CHANNELS = {"optum": "Optum", "availity": "Availity", "stedi": "Stedi", "x12": "X12"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalStore:
    """What a command works with."""

    settings: Settings
    home: Home
    engine: Engine
    files: FileStore


def open_store() -> LocalStore:
    """Open the store; the embedded database is made and brought up to date on the way.

    Raises:
        SettingsError: `database_not_migrated` for a database of your own that is not current.

    """
    settings = load_settings()
    home = prepare_home(settings)
    engine = open_database(settings)
    if settings.database_url is None:
        upgrade(engine)
    elif not schema_is_current(engine):
        raise SettingsError(
            "database_not_migrated", "Run `claims-pipeline db upgrade` for this database first."
        )
    return LocalStore(settings=settings, home=home, engine=engine, files=file_store_of(settings))


def practices_of(store: LocalStore, organization_id: str) -> list[Practice]:
    """The organization's practices; the demo organization gets the sandbox's when it has none.

    Raises:
        InputError: `practices_missing`.

    """
    found = list_practices(store.engine, organization_id)
    if not found and may_be_demo(store.settings, organization_id):
        ensure_organization(store.engine, organization_id, "Demo", demo_practices())
        save_payers(store.engine, organization_id, demo_payers(store.settings))
        save_partners(store.engine, organization_id, [demo_partner()])
        found = list_practices(store.engine, organization_id)
    if not found:
        raise _practices_missing()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFacts:
    """What a check may use: the organization's practices, and what was learned about them.

    `decisions` are those about columns, by the digest of a header.
    """

    practices: Sequence[Practice]
    payers: PayerTable
    decisions: Mapping[str, Mapping[str, str]]
    observations: Observations
    seconds_a_call: Callable[[str], float | None]


@contextmanager
def known_facts(settings: Settings, organization_id: str) -> Iterator[KnownFacts]:
    """What the database knows of an organization, without making one that is not there.

    Raises:
        InputError: `practices_missing`.

    """
    engine = _database_that_is_there(settings)
    found: Sequence[Practice] = []
    try:
        if engine is not None:
            found = list_practices(engine, organization_id)
        if not found and may_be_demo(settings, organization_id):
            found = demo_practices()
        if not found:
            raise _practices_missing()
        listed = list_payers(engine, organization_id) if engine is not None else []
        if not listed and may_be_demo(settings, organization_id):
            listed = list(demo_payers(settings))
        yield KnownFacts(
            practices=found,
            payers=PayerTable.of(listed, settings),
            decisions=list_decisions(engine, organization_id) if engine else {},
            seconds_a_call=(
                partial(payer_calls.usual_latency_s, engine, organization_id)
                if engine
                else _never_asked
            ),
            observations=(
                densities.known_observations(engine, organization_id)
                if engine
                else _nothing_learned
            ),
        )
    finally:
        if engine is not None:
            engine.dispose()


@contextmanager
def opened_csv(file: Path) -> Iterator[BinaryIO]:
    """Open the person's file; the error does not repeat its name, which may name a patient.

    Raises:
        FileRefusedError: `file_unreadable`.

    """
    try:
        stream = file.open("rb")
    except OSError:
        raise FileRefusedError(
            "file_unreadable", "The file does not exist or cannot be read."
        ) from None
    with stream:
        yield stream


def may_be_demo(settings: Settings, organization_id: str) -> bool:
    """Whether this is the demo organization, which production does not have."""
    return organization_id == DEMO_ORGANIZATION and settings.environment != "production"


def demo_practices() -> tuple[Practice, ...]:
    """The sandbox's practices 1, the default, and 2."""
    return tuple(
        Practice(
            practice_id=practice.practice_id,
            tin=practice.tin,
            name=practice.name,
            is_default=practice.number == 1,
            npi=practice.npi,
        )
        for practice in (WorldPractice(number=number, claims_per_day=1) for number in (1, 2))
    )


def demo_payers(settings: Settings) -> tuple[ListedPayer, ...]:
    """The built-in payers, and a made-up insurer for each channel that leads to many."""
    made_up = (
        ListedPayer(
            payer=f"{channel}-demo",
            payer_id=demo_payer_id(channel),
            name=f"{name} Demo Insurance",
            channel=channel,
        )
        for channel, name in _DEMO_CHANNELS.items()
    )
    return (*PayerTable.of((), settings).payers, *made_up)


def demo_partner() -> Partner:
    """The mailbox at the sandbox's clearinghouse, below the home folder."""
    return Partner(
        name="demo",
        sender_qualifier="ZZ",
        sender_id="DEMOBILLING",
        receiver_qualifier="ZZ",
        receiver_id="SANDBOX",
        application_sender="DEMOBILLING",
        application_receiver="SANDBOX",
        submitter_id="DEMO01",
        submitter_name="DEMO BILLING",
        usage="T",
        outgoing="demo/outgoing",
        incoming="demo/incoming",
    )


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def _practices_missing() -> InputError:
    return InputError(
        "practices_missing",
        "This organization has no practices here; add them with "
        "`claims-pipeline practices import FILE --organization NAME`.",
    )


def _database_that_is_there(settings: Settings) -> Engine | None:
    if settings.database_url is None and not (settings.resolved_home / "claims.sqlite").is_file():
        return None
    engine = open_database(settings)
    if schema_is_current(engine):
        return engine
    engine.dispose()
    return None


def _never_asked(_channel: str) -> None:
    return None


def _nothing_learned(_tin: str, _payer_id: str) -> Sequence[DensityObservation]:
    return ()
