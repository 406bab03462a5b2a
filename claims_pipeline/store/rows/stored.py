"""An upload's rows as intake hands them in: requests and rejected rows."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    RowMapping,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from claims_pipeline.errors import InvariantError, RowsLostError
from claims_pipeline.model import DateWindow, OutcomeCounts, RejectedRow, Request
from claims_pipeline.model.gc_pause import collection_paused
from claims_pipeline.model.request_columns import (
    MEMBERSHIP_FIELDS,
    REQUEST_FIELDS,
    RequestColumns,
    request_of,
)
from claims_pipeline.names import patient_keys
from claims_pipeline.store import tables
from claims_pipeline.store.attempts.holding import verify_hold
from claims_pipeline.store.attempts.records import Hold
from claims_pipeline.store.database import chunks_of, reading, writing
from claims_pipeline.store.rows.bulk import insert_columns
from claims_pipeline.store.rows.counts import counted_outcomes

_REJECTED_ROWS_AT_ONCE = 2000
# A file of a million blank lines is no reason to keep a million of them.
_LEFT_OUT_KEPT = 1000
# A request's fields stand in columns of the same names, but for its window, which is two.
_STORED_AS_THEY_ARE = tuple(name for name in REQUEST_FIELDS if name != "service")
# Without the cells: asking and matching need none.
_READ_BACK = (
    *(name for name in _STORED_AS_THEY_ARE if name != "cells"),
    "service_from",
    "service_to",
)
REQUEST_COLUMNS = tuple(tables.requests.c[name] for name in _READ_BACK)


def begin_rows(engine: Engine, hold: Hold, header: Sequence[str]) -> None:
    """Begin to store an upload's rows; what an interrupted intake left is removed.

    Raises:
        HoldLostError, CancelRequestedError: as `verify_hold`.
        InvariantError: `rows_already_stored`; an upload's rows are stored once.

    """
    with writing(engine) as connection:
        _verify_incomplete(connection, hold)
        for table in (tables.requests, tables.rejected_rows):
            connection.execute(delete(table).where(table.c.upload_id == hold.upload_id))
        connection.execute(
            update(tables.uploads)
            .where(tables.uploads.c.id == hold.upload_id)
            .values(header=list(header))
        )


def add_rows(
    engine: Engine, hold: Hold, requests: RequestColumns, rejected: Sequence[RejectedRow]
) -> None:
    """Store one chunk of rows in one transaction. Row numbers must be new to the upload.

    Raises:
        HoldLostError, CancelRequestedError, InvariantError: as `begin_rows`.

    """
    with collection_paused(), writing(engine) as connection:
        _verify_incomplete(connection, hold)
        if requests:
            insert_columns(connection, tables.requests, _request_columns(hold, requests))
        if rejected:
            connection.execute(
                insert(tables.rejected_rows), [_rejected_values(hold, row) for row in rejected]
            )


def complete_rows(
    engine: Engine,
    hold: Hold,
    *,
    record_count: int,
    left_out_count: int = 0,
    left_out: Sequence[tuple[int, str]] = (),
) -> OutcomeCounts:
    """All rows are stored; returns the counts that people see from now on.

    Args:
        engine: the database.
        hold: of the run that has read the file.
        record_count: records in the file as the reader counted them, those left out included.
        left_out_count: how many of the records are neither asked nor rejected.
        left_out: line number and reason of the first of these.

    Raises:
        HoldLostError, CancelRequestedError: as `verify_hold`.
        RowsLostError: there are more or fewer rows here than records in the file (I1). Nothing is
            complete then.

    """
    with writing(engine) as connection:
        verify_hold(connection, hold)
        counts = counted_outcomes(connection, hold.upload_id)
        if counts.total + left_out_count != record_count:
            raise RowsLostError(records=record_count, stored=counts.total, left_out=left_out_count)
        connection.execute(
            update(tables.uploads)
            .where(tables.uploads.c.id == hold.upload_id)
            .values(
                total_rows=counts.total,
                rejected_count=counts.rejected,
                record_count=record_count,
                left_out_count=left_out_count,
                left_out=[list(line) for line in left_out[:_LEFT_OUT_KEPT]],
            )
        )
        connection.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == hold.attempt_id)
            .values(rows_stored=True)
        )
    return counts


def load_requests(
    connection: Connection,
    upload_id: str,
    row_numbers: Sequence[int],
    *,
    where: ColumnElement[bool] | None = None,
) -> list[Request]:
    """The requests of these rows, by row number; numbers that are no request are left out.

    `where` leaves out others, too. They come without their cells.
    """
    loaded: list[Request] = []
    for chunk in chunks_of(sorted(set(row_numbers))):
        query = (
            select(*REQUEST_COLUMNS)
            .where(
                tables.requests.c.upload_id == upload_id,
                tables.requests.c.row_number.in_(chunk),
                true() if where is None else where,
            )
            .order_by(tables.requests.c.row_number)
        )
        loaded.extend(stored_request(row) for row in connection.execute(query))
    return loaded


def stored_request(row: Row[Any]) -> Request:
    """A row that was read with `REQUEST_COLUMNS` before any others."""
    values: dict[str, Any] = dict(zip(_READ_BACK, row, strict=False))
    first, last = values.pop("service_from"), values.pop("service_to")
    values["service"] = DateWindow(first, last) if first else None
    return request_of(values)


def payers_of_rows(engine: Engine, upload_id: str) -> list[tuple[str, str]]:
    """Which payers the upload's rows are asked at: short name and payer id, each pair once."""
    columns = tables.requests.c
    query = select(columns.payer, columns.payer_id).where(columns.upload_id == upload_id)
    with reading(engine) as connection:
        return [(payer, payer_id) for payer, payer_id in connection.execute(query.distinct())]


def count_rows_of_payers(engine: Engine, upload_id: str) -> dict[str, int]:
    """How many of the upload's rows are asked at each payer, by short name."""
    columns = tables.requests.c
    query = (
        select(columns.payer, func.count())
        .where(columns.upload_id == upload_id)
        .group_by(columns.payer)
    )
    with reading(engine) as connection:
        return dict(connection.execute(query).tuples().all())


def iterate_rejected_rows(engine: Engine, upload_id: str) -> Iterator[RejectedRow]:
    """The upload's rejected rows in row order, read chunk by chunk."""
    last = 0
    while True:
        query = (
            select(tables.rejected_rows)
            .where(
                tables.rejected_rows.c.upload_id == upload_id,
                tables.rejected_rows.c.row_number > last,
            )
            .order_by(tables.rejected_rows.c.row_number)
            .limit(_REJECTED_ROWS_AT_ONCE)
        )
        with reading(engine) as connection:
            chunk = connection.execute(query).mappings().all()
        if not chunk:
            return
        yield from map(rejected_row_of, chunk)
        last = chunk[-1]["row_number"]


def rejected_row_of(row: RowMapping) -> RejectedRow:
    """A row of `rejected_rows` as a value."""
    return RejectedRow(
        row_number=row["row_number"],
        line_number=row["line_number"],
        column=row["column"],
        code=row["code"],
        message=row["message"],
        cells=tuple(row["cells"]),
    )


def _verify_incomplete(connection: Connection, hold: Hold) -> None:
    if verify_hold(connection, hold).rows_stored:
        raise InvariantError("rows_already_stored", "The rows of this upload are stored already.")


def _request_columns(hold: Hold, requests: RequestColumns) -> dict[str, Collection[Any]]:
    count = len(requests)
    return {
        **{name: getattr(requests, name) for name in _STORED_AS_THEY_ARE},
        "service_from": [service and service.first for service in requests.service],
        "service_to": [service and service.last for service in requests.service],
        "patient_key": patient_keys(
            first_names=requests.first_name,
            last_names=requests.last_name,
            dates_of_birth=requests.date_of_birth,
            memberships=[getattr(requests, name) for name in MEMBERSHIP_FIELDS],
        ),
        "upload_id": [hold.upload_id] * count,
        "organization_id": [hold.organization_id] * count,
        "is_open": [True] * count,
        "single_only": [False] * count,
    }


def _rejected_values(hold: Hold, row: RejectedRow) -> dict[str, Any]:
    return {
        "upload_id": hold.upload_id,
        "row_number": row.row_number,
        "organization_id": hold.organization_id,
        "line_number": row.line_number,
        "column": row.column,
        "code": row.code,
        "message": row.message,
        "cells": row.cells,
    }
