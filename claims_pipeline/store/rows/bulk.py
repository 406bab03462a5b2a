"""Many rows at once: an upload has up to a million, and SQLAlchemy looks at each value by name."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import JSON, Column, Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError

from claims_pipeline.store.database import error_text_without_values, json_text, may_copy_into

_COPY = "COPY"


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Collection[Any]]
) -> None:
    """Insert many rows, given as one sequence of values for each column, all of one length.

    Every column with a default on our side must be given; JSON columns have no NULL. Values are
    converted column by column and handed to the driver; PostgreSQL gets them by COPY, unless
    row-level security forbids it.
    """
    if may_copy_into(connection, table):
        _copy(connection, table, columns)
    elif connection.dialect.name == "postgresql":
        entries = zip(*columns.values(), strict=True)
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in entries])
    else:
        compiled = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
        names = compiled.positiontup or ()
        rows = _rows(connection.dialect, table, {name: columns[name] for name in names})
        connection.exec_driver_sql(str(compiled), list(rows))


def _copy(connection: Connection, table: Table, columns: Mapping[str, Collection[Any]]) -> None:
    """COPY the rows within the connection's transaction.

    Raises:
        DBAPIError: as SQLAlchemy would; the driver's own error quotes the row.

    """
    # Where SQLite is used every process would pay for the driver.
    import psycopg  # noqa: PLC0415
    from psycopg import sql  # noqa: PLC0415

    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("COPY needs a connection of psycopg")
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in _rows(connection.dialect, table, columns):
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            _COPY, None, type(error)(error_text_without_values(str(error))), psycopg.Error
        ) from None


def _rows(
    dialect: Dialect, table: Table, columns: Mapping[str, Collection[Any]]
) -> Iterator[tuple[Any, ...]]:
    converted = [_converted(dialect, table.c[name], values) for name, values in columns.items()]
    return zip(*converted, strict=True)


def _converted(dialect: Dialect, column: Column[Any], values: Collection[Any]) -> Iterable[Any]:
    if isinstance(column.type, JSON):
        # SQLAlchemy would wrap each value for psycopg, a fifth of intake's processor time.
        return map(json_text, values)
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return values
    # Days, amounts and flags are the same in many rows.
    converted = {value: convert(value) for value in set(values)}
    return map(converted.__getitem__, values)
