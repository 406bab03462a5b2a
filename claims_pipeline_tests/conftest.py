"""Fixtures that every room's tests may use."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine, text

from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline.store.database import open_engine, writing
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tables import metadata
from claims_pipeline_tests.browser import running_browser, watched_context
from claims_pipeline_tests.chaos.rounds import LATENCY_MS, SETTINGS
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.keycloak import Keycloak, shared_keycloak
from claims_pipeline_tests.scheduling import SHARED, ByStack, choose_disk, in_order, unit_of
from claims_pipeline_tests.services import (
    ObjectStorage,
    PostgresqlServer,
    object_storage_server,
    postgresql_server,
)
from claims_pipeline_tests.thoroughness import examples
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer, running_issuer
from claims_pipeline_tests.upload_api.on_stack import CALM_THREADS, StackApi, running_stack_api


def pytest_configure() -> None:
    """Before anything is imported or written."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a script: children would inherit it, and Dagster's could not be
        # asked to end.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    choose_disk()
    settings.register_profile("ours", max_examples=examples(100), deadline=None)
    settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack:
    """Keep in one process what shares a stack."""
    return ByStack(config, log)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a shared stack with the last test that has it: idle, it still costs a third of a core."""
    unit = unit_of(item.nodeid)
    if nextitem is None or unit_of(nextitem.nodeid) != unit:
        SHARED[unit].close()


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the newest schema and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server of this session."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def object_storage() -> Iterator[ObjectStorage]:
    """An S3 server of this session."""
    with object_storage_server() as storage:
        yield storage


@pytest.fixture(scope="session")
def keycloak(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Keycloak]:
    """A Keycloak server of this session, with the development realm."""
    base = tmp_path_factory.getbasetemp()
    # Each of several processes has a folder of its own there.
    with shared_keycloak(base.parent if hasattr(request.config, "workerinput") else base) as server:
        yield server


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An issuer that every API of this session trusts; who rotates keys makes one of their own."""
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="session")
def calm_stack(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[StackApi]:
    """A whole stack with its API for tests that kill nothing; `scheduling` names their files."""
    home = tmp_path_factory.mktemp("calm") / "home"
    settings = {"CLAIMS_QUERY_THREADS": str(CALM_THREADS)}
    with SHARED["calm"] as shared:
        sandbox = shared.enter_context(running_sandbox(seed=12))
        yield shared.enter_context(running_stack_api(home, sandbox, issuer, settings=settings))


@pytest.fixture(scope="session")
def mortal_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropStack]:
    """A stack whose processes may be killed; `scheduling` names the files of those who do it."""
    home = tmp_path_factory.mktemp("mortal") / "home"
    with SHARED["mortal"] as shared:
        sandbox = shared.enter_context(running_sandbox(seed=11, latency_ms=LATENCY_MS))
        yield shared.enter_context(running_drop_stack(home, sandbox, settings=SETTINGS))


@pytest.fixture
def mortal_drops(mortal_stack: DropStack) -> DropStack:
    """That stack at rest: whole, and with no run of the test before."""
    mortal_stack.stack.start_what_is_missing()
    mortal_stack.wait_for_rest()
    return mortal_stack


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module: it keeps an event loop running, which tests of others start."""
    with running_browser() as running:
        yield running


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser, with nothing in it yet."""
    with watched_context(browser) as context:
        yield context


@pytest.fixture
def browser_page(browser_context: BrowserContext) -> Page:
    """One tab of that browser."""
    return browser_context.new_page()


@pytest.fixture(scope="session")
def migrated_postgresql_url(postgresql: PostgresqlServer) -> str:
    """A PostgreSQL database with the newest schema, shared by the session's tests."""
    url = postgresql.create_database("test")
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def sqlite_url(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """Address of a migrated SQLite database with nothing in it."""
    path = tmp_path / "claims.sqlite"
    shutil.copyfile(migrated_sqlite_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(migrated_postgresql_url: str) -> str:
    """Address of a migrated PostgreSQL database with nothing in it."""
    # Emptying takes milliseconds; a new database for each test would take a second.
    engine = open_engine(migrated_postgresql_url)
    with writing(engine) as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return migrated_postgresql_url


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """Address of a SQLite database without a schema."""
    return f"sqlite:///{tmp_path / 'new' / 'claims.sqlite'}"


@pytest.fixture
def empty_postgresql_url(postgresql: PostgresqlServer) -> str:
    """Address of a PostgreSQL database without a schema."""
    return postgresql.create_database("test")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database without a schema, once of each kind."""
    opened = open_engine(request.getfixturevalue(f"empty_{request.param}_url"))
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Address of a fresh, migrated database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A fresh, migrated database, once of each kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
