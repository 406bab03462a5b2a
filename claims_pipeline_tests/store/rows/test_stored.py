"""Rows are stored once, as they stood in the file."""

import traceback
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from claims_pipeline.errors import CancelRequestedError, HoldLostError, InvariantError
from claims_pipeline.model import OutcomeCounts, UploadStatus
from claims_pipeline.model.request_columns import NO_REQUESTS, RequestColumns, membership_of
from claims_pipeline.names import patient_key
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.rows import stored
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.store.builders import (
    HEADER,
    NOW,
    make_rejected,
    make_request,
    make_runs,
    store_rows,
)


def test_requests_come_back_as_they_were_stored(engine: Engine) -> None:
    hold = make_runs(engine).held()
    bare = replace(
        make_request(2),
        claim_number=None,
        patient_account_number=None,
        subscriber_id=None,
        service=None,
        total_charged=None,
        cells=("=1+1", "\u202ename", "\x00\ud800", ""),
    )
    given = [make_request(1), bare, make_request(3, duplicate_of=1)]
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of(given), [])
    stored.complete_rows(engine, hold, record_count=3)
    with reading(engine) as connection:
        loaded = stored.load_requests(connection, hold.upload_id, [3, 1, 2, 2, 99])
        keys = connection.execute(select(tables.requests.c.patient_key)).scalars().all()
    assert loaded == [replace(request, cells=()) for request in given]
    cells = [answer.row.cells for answer in iterate_answered_rows(engine, hold.upload_id)]
    assert cells == [request.cells for request in given]
    patient = given[0].patient
    assert keys[0] == patient_key(
        first_name=patient.first_name,
        last_name=patient.last_name,
        date_of_birth=patient.date_of_birth,
        membership=membership_of(given[0]),
    )


def test_a_row_that_the_database_refuses_is_not_quoted_in_the_error(engine: Engine) -> None:
    hold = make_runs(engine).held()
    stored.begin_rows(engine, hold, HEADER)
    twice = RequestColumns.of([make_request(1), make_request(2), make_request(1)])
    with pytest.raises(IntegrityError) as refused:
        stored.add_rows(engine, hold, twice, [])
    said = "".join(traceback.format_exception(refused.value))
    assert "Example" not in said
    assert hold.upload_id not in said
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(tables.requests)).scalar() == 0


def test_many_requests_are_loaded_in_pieces(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=2500)
    with reading(engine) as connection:
        loaded = stored.load_requests(connection, hold.upload_id, range(1, 2501))
    assert [request.row_number for request in loaded] == list(range(1, 2501))


def test_rejected_rows_come_back_in_row_order(engine: Engine) -> None:
    hold = make_runs(engine).held()
    rejected = [make_rejected(number) for number in range(1, 2502)]
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, NO_REQUESTS, list(reversed(rejected)))
    counts = stored.complete_rows(engine, hold, record_count=2501)
    assert counts == OutcomeCounts(total=2501, rejected=2501)
    assert list(stored.iterate_rejected_rows(engine, hold.upload_id)) == rejected


def test_an_interrupted_intake_begins_again_from_nothing(engine: Engine) -> None:
    runs = make_runs(engine)
    first = runs.held("run-1")
    stored.begin_rows(engine, first, HEADER)
    stored.add_rows(engine, first, RequestColumns.of([make_request(1)]), [make_rejected(2)])
    runs.ended.add("run-1")
    second = runs.acquire("run-2", has_parent=True)
    assert second is not None
    with pytest.raises(HoldLostError):
        stored.add_rows(engine, first, RequestColumns.of([make_request(3)]), [])
    stored.begin_rows(engine, second, ("other", "header"))
    stored.add_rows(engine, second, RequestColumns.of([make_request(1)]), [])
    assert stored.complete_rows(engine, second, record_count=1) == OutcomeCounts(total=1)
    upload = get_upload(engine, second.upload_id)
    assert upload is not None
    assert upload.header == ("other", "header")
    assert upload.counts == OutcomeCounts(total=1)


def test_rows_are_stored_once_for_all_attempts(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold)
    with pytest.raises(InvariantError):
        stored.begin_rows(engine, hold, HEADER)
    attempts.finish(
        engine, hold.upload_id, UploadStatus.FAILED, attempt_id=hold.attempt_id, now=NOW
    )
    again = runs.acquire("run-2", has_parent=True)
    assert again is not None
    with pytest.raises(InvariantError):
        stored.add_rows(engine, again, RequestColumns.of([make_request(9)]), [])
    latest = attempts.latest_attempt(engine, hold.upload_id)
    assert latest is not None
    assert latest.rows_stored


def test_a_cancelled_intake_stops(engine: Engine) -> None:
    hold = make_runs(engine).held()
    stored.begin_rows(engine, hold, HEADER)
    attempts.request_cancel(engine, hold.upload_id, NOW)
    with pytest.raises(CancelRequestedError):
        stored.add_rows(engine, hold, RequestColumns.of([make_request(1)]), [])
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(tables.requests)).scalar() == 0
