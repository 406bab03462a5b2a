"""On PostgreSQL the API's role sees and writes one organization, whatever its queries say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    Engine,
    Float,
    Integer,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, ProgrammingError

from claims_pipeline.store import audit
from claims_pipeline.store.database import (
    every_organization_scope,
    may_copy_into,
    organization_scope,
    reading,
    writing,
)
from claims_pipeline.store.rows.bulk import insert_columns
from claims_pipeline.store.tables import metadata, organizations, requests, sessions
from claims_pipeline.store.types import Money, UtcInstant
from claims_pipeline_tests.services import PostgresqlServer
from claims_pipeline_tests.store.builders import make_upload
from claims_pipeline_tests.store.roles import RolesDatabase

pytestmark = pytest.mark.postgres

_NOW = datetime(2026, 3, 4, tzinfo=UTC)
_ORGANIZATIONS = ("one", "other")
# Written by the command line alone, and never changed once written.
_READ_ONLY, _APPEND_ONLY = {"organizations"}, {"audit_log"}


@pytest.fixture(scope="module")
def database(postgresql: PostgresqlServer) -> Iterator[RolesDatabase]:
    """Two organizations with a row in every table."""
    database = RolesDatabase(postgresql)
    with writing(database.owner) as connection:
        for organization in _ORGANIZATIONS:
            for table in metadata.sorted_tables:
                connection.execute(insert(table).values(_row(table, organization)))
    yield database
    database.dispose()


def _column_of(table: Table) -> Any:
    return table.c.id if table is organizations else table.c.organization_id


def _row(table: Table, organization: str) -> dict[str, Any]:
    """A row that the table takes; what it refers to is the row of the same organization."""
    return {
        column.name: _value(column, organization)
        for column in table.columns
        if column.autoincrement is not True
    }


def _value(column: Any, organization: str) -> Any:
    if column.name == "organization_id" or column is organizations.c.id:
        return organization
    for kind, value in (
        (UtcInstant, _NOW),
        (Date, date(2026, 1, 1)),
        (JSON, []),
        (Money, Decimal(1)),
        (Boolean, False),
        (Float, 1.0),
        (Integer, 1),
    ):
        if isinstance(column.type, kind):
            return value
    return organization[: getattr(column.type, "length", None)]


def _secured_tables() -> list[Table]:
    return [
        table
        for table in metadata.sorted_tables
        if table is organizations or "organization_id" in table.c
    ]


def _seen(engine: Engine, table: Table) -> list[str]:
    with reading(engine) as connection:
        column = _column_of(table)
        return list(connection.execute(select(column).order_by(column)).scalars())


def _changed(engine: Engine, statement: Any) -> int:
    with writing(engine) as connection:
        return connection.execute(statement).rowcount


@pytest.mark.parametrize("table", _secured_tables(), ids=str)
def test_a_table_shows_one_organization_only(database: RolesDatabase, table: Table) -> None:
    assert _seen(database.api, table) == []
    assert _seen(organization_scope(database.api, "one"), table) == ["one"]
    assert _seen(organization_scope(database.api, "nobody"), table) == []
    assert _seen(every_organization_scope(database.api), table) == ["one", "other"]
    assert _seen(database.owner, table) == ["one", "other"]
    assert _seen(database.pipeline, table) == ["one", "other"]


@pytest.mark.parametrize("table", _secured_tables(), ids=str)
def test_a_table_takes_no_row_for_another_organization(
    database: RolesDatabase, table: Table
) -> None:
    one = organization_scope(database.api, "one")
    row = insert(table).values(_row(table, "other"))
    moved = update(table).values({_column_of(table): "other"})
    scopes = [one, database.api]
    if table is not sessions:
        scopes.append(every_organization_scope(database.api))
    for scope in scopes:
        with pytest.raises(ProgrammingError, match="row-level security"):
            _changed(scope, row)
    if table.name in _READ_ONLY | _APPEND_ONLY:
        assert _changed(one, moved) == 0
    else:
        with pytest.raises(ProgrammingError, match="row-level security"):
            _changed(one, moved)


@pytest.mark.parametrize("table", _secured_tables(), ids=str)
def test_a_table_loses_no_row_of_another_organization(
    database: RolesDatabase, table: Table
) -> None:
    scope = organization_scope(database.api, "one")
    others = _column_of(table) == "other"
    assert _changed(scope, delete(table).where(others)) == 0
    assert _changed(scope, update(table).where(others).values({_column_of(table): "one"})) == 0
    assert _seen(database.owner, table) == ["one", "other"]


@pytest.mark.parametrize("table", _secured_tables(), ids=str)
def test_security_is_forced_on_every_table_and_the_api_owns_none(
    database: RolesDatabase, table: Table
) -> None:
    query = text(
        "SELECT relrowsecurity, relforcerowsecurity, relowner::regrole::text"
        " FROM pg_class WHERE oid = CAST(:name AS regclass)"
    )
    with reading(database.owner) as connection:
        found = connection.execute(query, {"name": table.name}).one()
    assert tuple(found) == (True, True, "claims_owner")


def test_what_the_audit_log_holds_cannot_be_changed_by_the_api(database: RolesDatabase) -> None:
    scope = organization_scope(database.api, "one")
    audit_log = metadata.tables["audit_log"]
    assert _changed(scope, delete(audit_log)) == 0
    assert _changed(scope, update(audit_log).values(actor="nobody")) == 0


def test_the_next_transaction_of_a_connection_names_its_own_organization(
    database: RolesDatabase,
) -> None:
    uploads = metadata.tables["uploads"]
    for organization in (*_ORGANIZATIONS, *_ORGANIZATIONS):
        assert _seen(organization_scope(database.api, organization), uploads) == [organization]
        assert _seen(database.api, uploads) == []


def test_the_api_works_within_its_organization(postgresql: PostgresqlServer) -> None:
    database = RolesDatabase(postgresql)
    for organization in _ORGANIZATIONS:
        make_upload(database.pipeline, organization_id=organization)
        scope = organization_scope(database.api, organization)
        with writing(scope) as connection:
            audit.append(
                connection,
                organization_id=organization,
                actor="user-1",
                action="view",
                upload_id=None,
                outcome="ok",
                now=_NOW,
            )
        assert len(audit.list_entries(scope, organization_id=organization)) == 1
    verdict = audit.verify(database.pipeline)
    assert (verdict.entries, verdict.is_whole) == (2, True)
    database.dispose()


def test_bulk_loads_are_for_the_pipeline(database: RolesDatabase) -> None:
    for engine, may in ((database.pipeline, True), (database.owner, False), (database.api, False)):
        with writing(engine) as connection:
            assert may_copy_into(connection, requests) is may


def test_many_rows_are_stored_by_a_role_that_may_copy_and_by_one_that_may_not(
    database: RolesDatabase,
) -> None:
    for row_number, engine in enumerate((database.pipeline, database.owner), start=101):
        row = {**_row(requests, "one"), "row_number": row_number, "cells": ["Ada", ""]}
        with writing(engine) as connection:
            insert_columns(connection, requests, {name: [value] for name, value in row.items()})
    with writing(database.owner) as connection:
        # Taken out again: the other tests count what is in the tables.
        stored = connection.execute(
            delete(requests).where(requests.c.row_number > 100).returning(requests.c.cells)
        )
        assert stored.scalars().all() == [["Ada", ""]] * 2


def test_the_api_makes_no_tables(database: RolesDatabase) -> None:
    for engine in (database.api, database.pipeline):
        with pytest.raises(DBAPIError, match="permission denied"), writing(engine) as connection:
            connection.execute(text("CREATE TABLE mine (id int)"))


def test_no_organization_is_called_like_all_of_them(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no organization"):
        organization_scope(engine, "*")


def test_the_embedded_database_works_in_every_scope(engine: Engine) -> None:
    make_upload(organization_scope(engine, "one"), organization_id="one")
    with reading(every_organization_scope(engine)) as connection:
        assert connection.execute(select(func.count()).select_from(organizations)).scalar() == 1
