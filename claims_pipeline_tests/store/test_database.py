"""The schema, transactions and errors are the same on both databases."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, column, func, insert, select, table, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

import claims_pipeline
from claims_pipeline.errors import SettingsError
from claims_pipeline.store.database import (
    open_engine,
    reading,
    schema_is_current,
    writing,
)
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tables import metadata, organizations
from claims_pipeline_tests.thoroughness import examples

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


MIGRATIONS = Path(claims_pipeline.__file__).parent / "store" / "migrations"
VERSION = table("alembic_version", column("version_num")).c.version_num
_UPGRADE = """
import sys
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.migrating import upgrade
upgrade(open_engine(sys.argv[1]))
"""


def _organization(name: str, created_at: datetime = NOW) -> dict[str, object]:
    return {"id": name, "name": name, "created_at": created_at}


def test_the_migrations_make_exactly_the_schema_of_the_tables(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert schema_is_current(engine)


def test_a_database_without_a_schema_is_not_current(empty_engine: Engine) -> None:
    assert not schema_is_current(empty_engine)


def test_a_database_one_migration_behind_is_not_current(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    heads = ScriptDirectory(str(MIGRATIONS)).get_heads()
    with writing(empty_engine) as connection:
        assert connection.execute(select(VERSION)).scalars().all() == heads
        connection.execute(update(VERSION.table).values(version_num="0006"))
    assert not schema_is_current(empty_engine)


def test_several_processes_may_upgrade_one_database_at_once(empty_engine: Engine) -> None:
    url = empty_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", _UPGRADE, url]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert schema_is_current(empty_engine)


def test_a_transaction_that_raises_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(organizations), [_organization("one"), _organization("one")])
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(organizations)).scalar() == 0


def test_a_read_sees_one_state_while_another_connection_writes(engine: Engine) -> None:
    count = select(func.count()).select_from(organizations)
    with reading(engine) as reader:
        before = reader.execute(count).scalar()
        with writing(engine) as writer:
            writer.execute(insert(organizations), _organization("one"))
        assert reader.execute(count).scalar() == before
    with reading(engine) as reader:
        assert reader.execute(count).scalar() == 1


def test_writers_wait_for_each_other_instead_of_failing(engine: Engine) -> None:
    def add(number: int) -> None:
        for turn in range(10):
            with writing(engine) as connection:
                connection.execute(select(func.count()).select_from(organizations)).scalar()
                connection.execute(insert(organizations), _organization(f"{number}-{turn}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(organizations)).scalar() == 40


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    instant=st.datetimes(
        min_value=datetime(1950, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(timezone(timedelta(hours=-6))),
    )
)
def test_an_instant_comes_back_the_same_and_in_utc(engine: Engine, instant: datetime) -> None:
    with writing(engine) as connection:
        connection.execute(organizations.delete())
        connection.execute(insert(organizations), _organization("one", instant))
        stored = connection.execute(select(organizations.c.created_at)).scalar_one()
    assert stored == instant
    assert stored.utcoffset() == timedelta(0)


def test_a_naive_instant_is_refused(engine: Engine) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StatementError, match="needs a time zone"), writing(engine) as connection:
        connection.execute(insert(organizations), _organization("one", naive))


def test_a_database_error_does_not_show_the_row(engine: Engine) -> None:
    marker = "PATIENTMARKER"
    with pytest.raises(DBAPIError) as caught, writing(engine) as connection:
        connection.execute(
            text("INSERT INTO organizations (id, name, created_at) VALUES (:id, :name, NULL)"),
            {"id": "one", "name": marker},
        )
    error: BaseException | None = caught.value
    while error is not None:
        assert marker not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(
            insert(metadata.tables["practices"]),
            {"organization_id": "nobody", "practice_id": "1", "tin": "070000001", "name": "One"},
        )


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://user:secret@host/x", "sqlite://", "sqlite:///:memory:"]
)
def test_an_address_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_engine(url)
    assert caught.value.code == "database_url_invalid"
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_uses_psycopg_3(scheme: str) -> None:
    assert open_engine(f"{scheme}://user@localhost/claims").driver == "psycopg"


def test_the_sqlite_file_is_closed_to_other_users(tmp_path: Path) -> None:
    path = tmp_path / "home" / "claims.sqlite"
    open_engine(f"sqlite:///{path}").dispose()
    assert path.stat().st_mode & 0o007 == 0
