"""Fixtures that every room's tests may use."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from claims_pipeline.store.database import open_engine, upgrade
from claims_pipeline_tests.services import postgresql_server

_TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the newest schema and nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[str]:
    """The socket folder of a PostgreSQL server with a migrated template database."""
    with postgresql_server() as socket:
        _administer(socket, f"CREATE DATABASE {_TEMPLATE}")
        engine = open_engine(_postgresql_url(socket, _TEMPLATE))
        upgrade(engine)
        engine.dispose()
        yield socket


@pytest.fixture
def sqlite_url(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """Address of a fresh, migrated SQLite database."""
    path = tmp_path / "claims.sqlite"
    shutil.copyfile(migrated_sqlite_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_socket: str) -> Iterator[str]:
    """Address of a fresh, migrated PostgreSQL database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    _administer(postgresql_socket, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _postgresql_url(postgresql_socket, name)
    _administer(postgresql_socket, f"DROP DATABASE {name} WITH (FORCE)")


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


def _postgresql_url(socket: str, database: str) -> str:
    return f"postgresql://tester@/{database}?host={socket}"


def _administer(socket: str, statement: str) -> None:
    with psycopg.connect(
        host=socket, user="tester", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(statement)
