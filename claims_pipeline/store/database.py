"""Opening the database, its transactions, and whether its schema is up to date.

SQLite (WAL) is the embedded default, PostgreSQL the server. Write transactions begin as such, so
that two writers wait for each other instead of failing half-way; reads see one state throughout.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    Table,
    column,
    create_engine,
    event,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from claims_pipeline.errors import SettingsError

_Value = TypeVar("_Value")

_BUSY_TIMEOUT_S = 30
_CONNECT_TIMEOUT_S = 10
_IS_WRITING = "claims_is_writing"
_ORGANIZATION = "claims_organization"
_EVERY_ORGANIZATION = "*"
_MIGRATIONS = Path(__file__).with_name("migrations") / "versions"
# As Alembic keeps it.
_VERSIONS = table("alembic_version", column("version_num"))


def open_engine(url: str) -> Engine:
    """Open the database at `url`, `sqlite:///<path>` or `postgresql://…`.

    Nothing is connected yet, but SQLite's folder and file are made, closed to other users. What
    writes to the audit log opens it by `opening.open_database`.

    Raises:
        SettingsError: `database_url_invalid`; the address, which may hold a password, is not shown.

    """
    parsed = _checked_url(url)
    if parsed.get_backend_name() == "sqlite":
        _make_private_file(Path(str(parsed.database)))
        engine = create_engine(
            parsed,
            hide_parameters=True,
            json_serializer=json_text,
            connect_args={"timeout": _BUSY_TIMEOUT_S},
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        parsed,
        hide_parameters=True,
        json_serializer=json_text,
        pool_pre_ping=True,
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
    )
    event.listen(engine, "handle_error", _drop_values_from_error)
    event.listen(engine, "begin", _name_organization)
    return engine


def organization_scope(engine: Engine, organization_id: str) -> Engine:
    """The same database, seen and written as one organization.

    On PostgreSQL each transaction names the organization, and row-level security shows a role that
    is not the tables' owner that organization's rows only. The owner, and SQLite, see everything
    as before: queries name the organization themselves, this is the second wall.
    """
    if organization_id == _EVERY_ORGANIZATION:
        raise ValueError("no organization has this id")
    return engine.execution_options(**{_ORGANIZATION: organization_id})


def every_organization_scope(engine: Engine) -> Engine:
    """The same database, to read all organizations' rows; only sessions can be written.

    For what stands above organizations: signing in, metrics, readiness.
    """
    return engine.execution_options(**{_ORGANIZATION: _EVERY_ORGANIZATION})


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One writing transaction: committed at the end, rolled back by any exception."""
    with engine.connect() as connection:
        connection.execution_options(**{_IS_WRITING: True})
        with connection.begin():
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One reading transaction: every statement in it sees the same state of the database."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def schema_is_current(engine: Engine) -> bool:
    """Whether the schema stands at the newest migration.

    Looked up without Alembic, whose import every process of ours would pay for.
    """
    newest = max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*.py"))
    with reading(engine) as connection:
        if not inspect(connection).has_table(_VERSIONS.name):
            return False
        return connection.execute(select(_VERSIONS.c.version_num)).scalars().all() == [newest]


def insert_or_ignore(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that leaves a row of the same key as it is."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def may_copy_into(connection: Connection, table: Table) -> bool:
    """Whether this role may COPY rows into the table.

    PostgreSQL refuses a COPY wherever row-level security holds for the role, an owner included.
    """
    if connection.dialect.name != "postgresql":
        return False
    is_secured: bool = connection.execute(select(func.row_security_active(table.name))).scalar_one()
    return not is_secured


def json_text(value: object) -> str:
    """The text that a JSON column holds for a value."""
    try:
        # A tenth of the time that json takes, and every row has its cells as JSON.
        return to_json(value).decode()
    except PydanticSerializationError:
        return json.dumps(value)  # half a surrogate pair, which is no Unicode


def chunks_of(values: Sequence[_Value], size: int = 1000) -> Iterator[Sequence[_Value]]:
    """The values in pieces that fit into one statement's parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _checked_url(url: str) -> URL:
    try:
        parsed = make_url("postgresql" + url[8:] if url.startswith("postgres:") else url)
    except ArgumentError:
        parsed = None
    if parsed is not None and parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    is_sqlite = parsed is not None and parsed.drivername in {"sqlite", "sqlite+pysqlite"}
    if parsed is not None and is_sqlite and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise SettingsError(
        "database_url_invalid",
        "CLAIMS_DATABASE_URL must be sqlite:///<path of a file> or postgresql://<address>.",
    )


def _make_private_file(path: Path) -> None:
    path.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
    path.touch(mode=0o640)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions on its own, late and never for reads; `_begin_sqlite`
    # does it instead.
    connection.isolation_level = None
    # FULL, so that what was acknowledged outlives a loss of power: measured at 0.43 ms a commit
    # against 0.36 ms for NORMAL, and there are ten commits a second.
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT_S * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get(_IS_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _name_organization(connection: Connection) -> None:
    organization_id = connection.get_execution_options().get(_ORGANIZATION)
    if organization_id is not None:
        connection.exec_driver_sql(
            "SELECT set_config('claims.organization_id', %s, true)", (organization_id,)
        )


def error_text_without_values(text: str) -> str:
    """The first line of PostgreSQL's error; the detail and context below it quote whole rows."""
    return text.split("\nDETAIL:", maxsplit=1)[0].split("\nCONTEXT:", maxsplit=1)[0]


def _drop_values_from_error(context: ExceptionContext) -> None:
    """Take the values out of an error before anybody sees it."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (error_text_without_values(error.args[0]),)
