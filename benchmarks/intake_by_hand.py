"""Intake as one would write it by hand: read_csv, pandera, executemany.

`python -m benchmarks.intake_by_hand FILE DATABASE`. It knows one dialect, one date form and no
reasons for a refusal; it stores the same rows with the same keys in as safe a database.
"""

import json
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing

import pandas as pd
import pandera.pandas as pa

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
_DATES = ("date_of_birth", "first_service_date", "last_service_date")


def main(file: str, database: str) -> None:
    """Read, validate and store a patients' file."""
    with closing(sqlite3.connect(database)) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "CREATE TABLE requests (upload_id TEXT, row_number INTEGER, tin TEXT, "
            "first_name TEXT, last_name TEXT, date_of_birth TEXT, service_from TEXT, "
            "service_to TEXT, cells TEXT, is_open INTEGER, PRIMARY KEY (upload_id, row_number))"
        )
        connection.execute("CREATE INDEX by_group ON requests (upload_id, is_open, tin)")
        upload_id, first = str(uuid.uuid4()), 1
        for frame in pd.read_csv(
            file, dtype=str, keep_default_na=False, chunksize=_CHUNK_ROWS, encoding="utf-8"
        ):
            _SCHEMA.validate(frame, lazy=True)
            connection.executemany(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                _values(frame, upload_id, first),
            )
            connection.commit()
            first += len(frame)


def _values(frame: pd.DataFrame, upload_id: str, first: int) -> Iterator[tuple[object, ...]]:
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
