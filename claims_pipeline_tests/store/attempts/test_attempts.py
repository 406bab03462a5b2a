"""Attempts in the database: taken by one run, kept by heartbeats, ended once, tried again."""

import subprocess
import sys
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, select, update

from claims_pipeline.errors import (
    CancelRequestedError,
    HoldLostError,
    InputError,
    InvariantError,
)
from claims_pipeline.model import ClaimStatus, Outcome, RetryScope, UploadStatus
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts.lifecycle import AttemptState
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.store.builders import (
    HEADER,
    NOW,
    answer,
    make_request,
    make_result,
    make_runs,
    make_upload,
    seconds_later,
    store_rows,
)

_TAKE = """
import sys
from datetime import UTC, datetime
from claims_pipeline.store import attempts
from claims_pipeline.store.database import open_engine
url, upload_id, run_id = sys.argv[1:]
engine = open_engine(url)
sys.stdin.readline()
hold = attempts.acquire(
    engine, upload_id, run_id, ticket=None, has_parent=False, run_has_ended=lambda run: False,
    dead_after_s=30, dead_between_steps_s=600, now=datetime.now(UTC),
)
print("held" if hold else "stale")
"""


def _status(engine: Engine, upload_id: str) -> UploadStatus:
    upload = get_upload(engine, upload_id)
    assert upload is not None
    return upload.status


def _finish(engine: Engine, upload_id: str, status: UploadStatus, *, now: datetime = NOW) -> bool:
    attempt = attempts.latest_attempt(engine, upload_id)
    assert attempt is not None
    return attempts.finish(engine, upload_id, status, attempt_id=attempt.id, now=now)


def test_a_launched_run_takes_its_attempt_and_the_upload_is_processing(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    upload = get_upload(engine, runs.upload_id)
    assert upload is not None
    assert (upload.status, upload.run_id) == (UploadStatus.PROCESSING, "run-1")
    assert upload.processing_started_at == NOW
    assert runs.acquire("run-1") == hold


def test_a_second_run_is_stale_while_the_first_is_alive(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    assert runs.acquire("run-2") is None
    attempts.heartbeat(engine, hold, seconds_later(5))


def test_a_run_takes_over_from_one_that_has_ended(engine: Engine) -> None:
    runs = make_runs(engine)
    first = runs.held("run-1")
    runs.ended.add("run-1")
    second = runs.acquire("run-2", has_parent=True)
    assert second is not None
    assert second.attempt_id == first.attempt_id
    with pytest.raises(HoldLostError):
        attempts.heartbeat(engine, first, NOW)
    with pytest.raises(HoldLostError), writing(engine) as connection:
        attempts.verify_hold(connection, first)
    assert runs.acquire("run-1") is None


def test_a_run_lets_go_of_its_own_attempt_only_and_does_not_count_as_dead(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")

    def let_go(run_id: str) -> bool:
        return attempts.relaunch(
            engine, hold.attempt_id, reason="worker_stopped", now=NOW, holder_run_id=run_id
        )

    assert (let_go("run-2"), let_go("run-1"), let_go("run-1")) == (False, True, False)
    [run] = attempts.attempt_runs_of(engine, hold.attempt_id)
    assert run.let_go_at == NOW
    assert len(attempts.pending_attempts(engine, NOW, 10)) == 1


def test_what_is_to_be_cancelled_is_not_launched_again(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    attempts.request_cancel(engine, runs.upload_id, NOW)

    assert not attempts.relaunch(engine, hold.attempt_id, reason="run_lost", now=NOW)
    assert _finish(engine, runs.upload_id, UploadStatus.CANCELLED)


def test_a_silent_holder_is_replaced_and_its_late_writes_are_refused(engine: Engine) -> None:
    runs = make_runs(engine)
    first = runs.held("run-1")
    store_rows(engine, first)
    attempts.heartbeat(engine, first, NOW)
    assert runs.acquire("run-2", now=seconds_later(29)) is None
    assert runs.acquire("run-3", now=seconds_later(31)) is not None
    with pytest.raises(HoldLostError):
        answer(engine, first, make_result(1))


def test_between_steps_a_holder_may_be_silent_longer(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    attempts.heartbeat(engine, hold, NOW)
    attempts.release_step(engine, hold, NOW)
    assert runs.acquire("run-2", now=seconds_later(60)) is None
    assert runs.acquire("run-3", now=seconds_later(601)) is not None


def test_of_two_processes_that_take_at_once_one_wins(engine: Engine) -> None:
    runs = make_runs(engine)
    url = engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _TAKE, url, runs.upload_id, f"run-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0].strip() for process in processes)
    assert said == ["held", "stale"]


def test_a_ticket_is_issued_once_and_can_be_voided(engine: Engine) -> None:
    runs = make_runs(engine)
    attempt = attempts.pending_attempts(engine, NOW, 10)[0]
    assert attempts.issue_ticket(engine, attempt.id, ticket="one", now=NOW)
    assert not attempts.issue_ticket(engine, attempt.id, ticket="two", now=NOW)
    assert attempts.pending_attempts(engine, NOW, 10) == []
    assert watched(engine) == [attempt.id]
    assert not attempts.void_ticket(engine, attempt.id, ticket="two")
    assert attempts.void_ticket(engine, attempt.id, ticket="one")
    [never_came] = attempts.attempt_runs_of(engine, attempt.id)
    assert never_came.let_go_at is not None, "a launch that came to nothing is no run that died"
    assert attempts.issue_ticket(engine, attempt.id, ticket="three", now=NOW)
    # The launch that was thought lost appears after all, and is first.
    assert runs.acquire("late", ticket="one") is not None
    assert runs.acquire("second", ticket="three") is None
    assert not attempts.void_ticket(engine, attempt.id, ticket="three")


def test_a_run_that_was_handed_anothers_ticket_touches_nothing(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    ticket = attempts.attempt_runs_of(engine, hold.attempt_id)[0].ticket
    store_rows(engine, hold)
    _finish(engine, runs.upload_id, UploadStatus.FAILED)
    assert runs.acquire("run-2", ticket=ticket) is None
    assert _status(engine, runs.upload_id) is UploadStatus.FAILED


def test_a_re_execution_of_an_ended_upload_is_a_new_attempt_of_the_failed_rows(
    engine: Engine,
) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold)
    answer(engine, hold, make_result(1), make_result(2, Outcome.FAILED))
    _finish(engine, runs.upload_id, UploadStatus.COMPLETED)
    again = runs.acquire("run-2", has_parent=True)
    assert again is not None
    assert again.attempt_number == 2
    assert _status(engine, runs.upload_id) is UploadStatus.PROCESSING
    with reading(engine) as connection:
        open_rows = connection.execute(
            select(tables.requests.c.row_number).where(tables.requests.c.is_open.is_(True))
        )
        assert sorted(open_rows.scalars()) == [2, 3]


def test_a_re_execution_with_nothing_to_ask_is_stale(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=1)
    answer(engine, hold, make_result(1))
    _finish(engine, runs.upload_id, UploadStatus.COMPLETED)
    assert runs.acquire("run-2", has_parent=True) is None
    assert _status(engine, runs.upload_id) is UploadStatus.COMPLETED


def test_taking_an_unknown_upload_is_refused(engine: Engine) -> None:
    runs = make_runs(engine)
    runs.upload_id = str(uuid4())
    with pytest.raises(InputError, match="no upload"):
        runs.acquire("run-1")


def test_finish_answers_every_open_row_and_closes_queries(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=3, rejected=1, duplicates=[2])
    answer(engine, hold, make_result(1))
    with writing(engine) as connection:
        connection.execute(
            insert(tables.queries),
            {
                "id": str(uuid4()),
                "organization_id": hold.organization_id,
                "upload_id": hold.upload_id,
                "attempt_id": hold.attempt_id,
                "position": 1,
                "kind": "sweep",
                "tin": "070000001",
                "payer_id": "87726",
                "window_first": NOW.date(),
                "window_last": NOW.date(),
                "row_numbers": [2],
                "state": "leased",
            },
        )
    assert attempts.finish(
        engine,
        runs.upload_id,
        UploadStatus.FAILED,
        attempt_id=hold.attempt_id,
        error_code="auth",
        error_message="The payer refused the credentials.",
        now=NOW,
        hold=hold,
    )
    counts = results.count_outcomes(engine, runs.upload_id)
    assert (counts.total, counts.found, counts.failed, counts.rejected) == (5, 1, 3, 1)
    assert results.verify_results(engine, runs.upload_id) == []
    failed = [row.result for row in results.iterate_answered_rows(engine, runs.upload_id)][1]
    assert (failed.outcome, failed.error_code) == (Outcome.FAILED, "auth")
    with reading(engine) as connection:
        assert connection.execute(select(tables.queries.c.state)).scalar_one() == "failed"


def test_finish_happens_once(engine: Engine) -> None:
    runs = make_runs(engine)
    runs.held()
    assert _finish(engine, runs.upload_id, UploadStatus.FAILED)
    assert not _finish(engine, runs.upload_id, UploadStatus.COMPLETED)
    assert _status(engine, runs.upload_id) is UploadStatus.FAILED


def test_a_run_that_lost_its_hold_cannot_end_the_upload(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    runs.ended.add("run-1")
    runs.acquire("run-2")
    with pytest.raises(HoldLostError):
        attempts.finish(
            engine,
            runs.upload_id,
            UploadStatus.COMPLETED,
            attempt_id=hold.attempt_id,
            now=NOW,
            hold=hold,
        )


def test_an_attempt_that_no_run_has_taken_cannot_complete(engine: Engine) -> None:
    runs = make_runs(engine)
    with pytest.raises(InvariantError):
        _finish(engine, runs.upload_id, UploadStatus.COMPLETED)


def test_an_intake_cut_short_leaves_no_rows_when_the_upload_ends(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    stored.begin_rows(engine, hold, HEADER)
    stored.add_rows(engine, hold, RequestColumns.of([make_request(1)]), [])
    _finish(engine, runs.upload_id, UploadStatus.FAILED)
    assert results.count_outcomes(engine, runs.upload_id).total == 0
    retried = attempts.request_retry(engine, runs.upload_id, RetryScope.FAILED, NOW)
    assert (retried.number, retried.rows_stored) == (2, False)


def test_rows_that_were_only_counted_are_accounted_for_when_the_upload_ends(
    engine: Engine,
) -> None:
    cancelled = make_upload(engine, total_rows=7)
    attempts.request_cancel(engine, cancelled.id, NOW)
    after = get_upload(engine, cancelled.id)
    assert after is not None
    assert (after.counts.total, after.counts.unprocessed) == (7, 7)


def test_cancelling_what_no_run_works_on_is_done_at_once(engine: Engine) -> None:
    runs = make_runs(engine)
    attempt = attempts.pending_attempts(engine, NOW, 1)[0]
    attempts.issue_ticket(engine, attempt.id, ticket="one", now=NOW)
    assert attempts.request_cancel(engine, runs.upload_id, NOW) is UploadStatus.CANCELLED
    assert attempts.request_cancel(engine, runs.upload_id, NOW) is UploadStatus.CANCELLED
    # The run that was queued meanwhile finds the attempt ended.
    assert runs.acquire("run-1", ticket="one") is None


def test_cancelling_a_running_upload_stops_its_run_at_the_next_checkpoint(
    engine: Engine,
) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    store_rows(engine, hold)
    answer(engine, hold, make_result(1))
    assert attempts.request_cancel(engine, runs.upload_id, NOW) is UploadStatus.CANCELLING
    assert attempts.request_cancel(engine, runs.upload_id, NOW) is UploadStatus.CANCELLING
    for stopped in (
        lambda: attempts.heartbeat(engine, hold, NOW),
        lambda: answer(engine, hold, make_result(2)),
        lambda: runs.acquire("run-1"),
    ):
        with pytest.raises(CancelRequestedError):
            stopped()
    with pytest.raises(CancelRequestedError):
        attempts.finish(
            engine,
            runs.upload_id,
            UploadStatus.COMPLETED,
            attempt_id=hold.attempt_id,
            now=NOW,
            hold=hold,
        )
    assert attempts.finish(
        engine,
        runs.upload_id,
        UploadStatus.CANCELLED,
        attempt_id=hold.attempt_id,
        now=NOW,
        hold=hold,
    )
    counts = results.count_outcomes(engine, runs.upload_id)
    assert (counts.found, counts.unprocessed) == (1, 2)


def test_a_crash_while_cancelling_still_ends_cancelled(engine: Engine) -> None:
    runs = make_runs(engine)
    runs.held("run-1")
    attempts.request_cancel(engine, runs.upload_id, NOW)
    runs.ended.add("run-1")
    with pytest.raises(CancelRequestedError):
        runs.acquire("run-2", has_parent=True)
    assert _finish(engine, runs.upload_id, UploadStatus.FAILED)
    assert _status(engine, runs.upload_id) is UploadStatus.CANCELLED


def test_waiting_for_a_payer_lets_the_next_run_take_the_attempt(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held("run-1")
    attempts.wait_for_payer(
        engine, hold, reason="payer_unavailable", next_try_at=seconds_later(60), now=NOW
    )
    upload = get_upload(engine, runs.upload_id)
    assert upload is not None
    assert (upload.status, upload.waiting_reason) == (UploadStatus.PROCESSING, "payer_unavailable")
    assert attempts.pending_attempts(engine, seconds_later(59), 10) == []
    assert len(attempts.pending_attempts(engine, seconds_later(60), 10)) == 1
    with pytest.raises(HoldLostError):
        attempts.heartbeat(engine, hold, NOW)
    again = runs.launch("run-2", now=seconds_later(61))
    assert again is not None
    assert again.attempt_id == hold.attempt_id
    latest = attempts.latest_attempt(engine, runs.upload_id)
    assert latest is not None
    assert (latest.waiting_reason, latest.payer_down_since) == (None, NOW)


def test_cancelling_a_waiting_upload_is_done_at_once(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    attempts.wait_for_payer(
        engine, hold, reason="payer_unavailable", next_try_at=seconds_later(60), now=NOW
    )
    assert attempts.request_cancel(engine, runs.upload_id, NOW) is UploadStatus.CANCELLED


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        (RetryScope.FAILED, [4, 5]),
        (RetryScope.NOT_FOUND, [3]),
        (RetryScope.OPEN, [2, 3, 4, 5]),
        (RetryScope.ALL, [1, 2, 3, 4, 5]),
    ],
)
def test_a_retry_opens_the_rows_of_its_scope_and_keeps_their_answers_as_history(
    engine: Engine, scope: RetryScope, opened: list[int]
) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=5, rejected=1)
    answer(
        engine,
        hold,
        make_result(1),
        make_result(2, status=ClaimStatus.PENDING),
        make_result(3, Outcome.NOT_FOUND),
        make_result(4, Outcome.FAILED),
    )
    with writing(engine) as connection:
        connection.execute(
            update(tables.requests).values(covered=[["2026-01-01", "2026-01-02"]], single_only=True)
        )
    attempts.finish(
        engine, runs.upload_id, UploadStatus.CANCELLED, attempt_id=hold.attempt_id, now=NOW
    )
    attempt = attempts.request_retry(engine, runs.upload_id, scope, seconds_later(1))
    assert (attempt.number, attempt.scope, attempt.rows_stored) == (2, scope, True)
    assert attempt.state is AttemptState.PENDING
    with reading(engine) as connection:
        reopened = connection.execute(
            select(tables.requests).where(tables.requests.c.is_open.is_(True))
        ).all()
        history = connection.execute(
            select(tables.results.c.row_number).where(tables.results.c.is_current.is_(False))
        )
        assert sorted(row.row_number for row in reopened) == opened
        assert sorted(history.scalars()) == opened
        assert all(row.covered is None and not row.single_only for row in reopened)
    upload = get_upload(engine, runs.upload_id)
    assert upload is not None
    assert upload.counts == results.count_outcomes(engine, runs.upload_id)
    assert upload.counts.with_outcome == 6 - len(opened)
    assert upload.answered_before == attempt.answered_before == 6 - len(opened)


def test_a_retry_is_refused_while_it_runs_and_when_there_is_nothing_to_ask(
    engine: Engine,
) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold, accepted=1)
    with pytest.raises(InputError) as running:
        attempts.request_retry(engine, runs.upload_id, RetryScope.ALL, NOW)
    answer(engine, hold, make_result(1))
    _finish(engine, runs.upload_id, UploadStatus.COMPLETED)
    with pytest.raises(InputError) as nothing:
        attempts.request_retry(engine, runs.upload_id, RetryScope.FAILED, NOW)
    assert (running.value.code, nothing.value.code) == ("still_running", "nothing_to_retry")
    attempts.request_retry(engine, runs.upload_id, RetryScope.ALL, NOW)
    with pytest.raises(InputError):
        attempts.request_retry(engine, runs.upload_id, RetryScope.ALL, NOW)


def watched(engine: Engine) -> list[str]:
    """Ids of the attempts that the reconciliation looks at."""
    return [one.attempt.id for one in attempts.watched_attempts(engine, 10)]


def test_files_are_wanted_for_the_latest_ended_attempt(engine: Engine) -> None:
    runs = make_runs(engine)
    assert watched(engine) == []
    hold = runs.held()
    store_rows(engine, hold)
    assert watched(engine) == [hold.attempt_id]
    _finish(engine, runs.upload_id, UploadStatus.FAILED)
    (wanted,) = attempts.watched_attempts(engine, 10)
    assert (wanted.attempt.state, wanted.runs_that_died) == ("finished", 1)
    attempts.mark_files_written(engine, wanted.attempt.id, NOW)
    assert watched(engine) == []


def test_an_attempt_that_waits_for_its_payer_without_a_run_is_not_watched(engine: Engine) -> None:
    runs = make_runs(engine)
    hold = runs.held()
    store_rows(engine, hold)
    later = seconds_later(60)
    attempts.wait_for_payer(engine, hold, reason="down", next_try_at=later, now=NOW)
    assert watched(engine) == []
    assert attempts.issue_ticket(engine, hold.attempt_id, ticket="one", now=later)
    (launched,) = attempts.watched_attempts(engine, 10)
    assert (launched.attempt.id, launched.runs_that_died) == (hold.attempt_id, 1)


def test_no_files_are_wanted_of_what_was_never_read_but_for_a_note_in_the_outbox(
    engine: Engine,
) -> None:
    for outbox_name, wanted in ((None, 0), ("worklist.20260304T120000Z-12345678", 1)):
        upload = make_upload(engine, outbox_name=outbox_name)
        attempts.request_cancel(engine, upload.id, NOW)
        assert len(watched(engine)) == wanted
