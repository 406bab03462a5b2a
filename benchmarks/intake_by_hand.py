"""Intake as one would write it by hand: read_csv, pandera, executemany or COPY.

`python -m benchmarks.intake_by_hand FILE DATABASE`, the path of a new SQLite file or the URL of an
empty PostgreSQL database. It knows one dialect, one date form and no
reasons for a refusal; it stores the same rows with the same keys in as safe a database.
"""

import json
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pandas as pd
import pandera.pandas as pa

Rows = Iterator[tuple[object, ...]]

_CHUNK_ROWS = 20_000
_DATE = r"^\d{2}/\d{2}/\d{4}$"
_SCHEMA = pa.DataFrameSchema(
    {
        "first_name": pa.Column(str, pa.Check.str_length(min_value=1)),
        "last_name": pa.Column(str, pa.Check.str_length(min_value=1)),
        "date_of_birth": pa.Column(str, pa.Check.str_matches(_DATE)),
        "first_service_date": pa.Column(str, pa.Check.str_matches(_DATE)),
        "last_service_date": pa.Column(str, pa.Check.str_matches(_DATE)),
    }
)
_TABLE = (
    "CREATE TABLE requests (upload_id TEXT, row_number INTEGER, tin TEXT, "
    "first_name TEXT, last_name TEXT, date_of_birth TEXT, service_from TEXT, "
    "service_to TEXT, cells TEXT, is_open INTEGER, PRIMARY KEY (upload_id, row_number))"
)
_INDEX = "CREATE INDEX by_group ON requests (upload_id, is_open, tin)"
_DATES = ("date_of_birth", "first_service_date", "last_service_date")


def main(file: str, database: str) -> None:
    """Read, validate and store a patients' file."""
    upload_id, first = str(uuid.uuid4()), 1
    with postgresql(database) if "://" in database else sqlite(database) as store:
        for frame in pd.read_csv(
            file, dtype=str, keep_default_na=False, chunksize=_CHUNK_ROWS, encoding="utf-8"
        ):
            _SCHEMA.validate(frame, lazy=True)
            store(_values(frame, upload_id, first))
            first += len(frame)


@contextmanager
def sqlite(path: str) -> Iterator[Callable[[Rows], None]]:
    """A new database file; what is given stores rows, by executemany."""
    with closing(sqlite3.connect(path)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        for statement in (_TABLE, _INDEX):
            connection.execute(statement)

        def store(rows: Rows) -> None:
            connection.executemany(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            connection.commit()

        yield store


@contextmanager
def postgresql(url: str) -> Iterator[Callable[[Rows], None]]:
    """A database without tables; what is given stores rows, by COPY."""
    # SQLite's side must not pay for it.
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url) as connection:
        for statement in (_TABLE, _INDEX):
            connection.execute(statement)

        def store(rows: Rows) -> None:
            with connection.cursor() as cursor, cursor.copy("COPY requests FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            connection.commit()

        yield store


def _values(frame: pd.DataFrame, upload_id: str, first: int) -> Rows:
    born, begins, ends = (
        pd.to_datetime(frame[name], format="%m/%d/%Y").dt.strftime("%Y-%m-%d").tolist()
        for name in _DATES
    )
    cells = frame.to_numpy().tolist()
    for number, (row, *dates) in enumerate(
        zip(cells, born, begins, ends, strict=True), start=first
    ):
        yield upload_id, number, "070000001", row[0], row[1], *dates, json.dumps(row), 1


if __name__ == "__main__":
    main(*sys.argv[1:])
