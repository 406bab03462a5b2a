"""Answers are written once, to every row that asks the same, and come back in row order."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event, insert, select, update

from claims_pipeline.model import (
    ClaimStatus,
    MatchedClaim,
    Outcome,
    OutcomeCounts,
    Result,
    RetryScope,
    UploadStatus,
)
from claims_pipeline.model.request_columns import RequestColumns
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.codec import claim_to_json
from claims_pipeline.store.database import open_engine, reading, writing
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.store.builders import (
    HEADER,
    NOW,
    answer,
    make_claim,
    make_rejected,
    make_request,
    make_result,
    make_runs,
    store_rows,
)


def _answers(engine: Engine, upload_id: str) -> dict[int, Result]:
    return {
        answered.row.row_number: answered.result
        for answered in results.iterate_answered_rows(engine, upload_id)
    }


def _ended(engine: Engine, *answers: Result, accepted: int = 3) -> Hold:
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=accepted, rejected=1)
    answer(engine, hold, *answers)
    attempts.finish(
        engine, hold.upload_id, UploadStatus.COMPLETED, attempt_id=hold.attempt_id, now=NOW
    )
    return hold


def test_results_come_back_as_they_were_written(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=4, rejected=1)
    written = [
        make_result(1, claims=3),
        make_result(2, Outcome.AMBIGUOUS, claims=2),
        make_result(3, Outcome.FAILED),
    ]
    assert answer(engine, hold, *written) == 3
    read = _answers(engine, hold.upload_id)
    assert [read[number] for number in (1, 2, 3)] == written
    assert read[4].outcome is Outcome.UNPROCESSED
    assert (read[5].outcome, read[5].error_code) == (Outcome.REJECTED, "value_missing")


def test_answered_rows_are_in_row_order_however_many(engine: Engine) -> None:
    hold = make_runs(engine).held()
    stored.begin_rows(engine, hold, HEADER)
    accepted = [make_request(number) for number in range(1, 2301) if number % 7]
    rejected = [make_rejected(number) for number in range(1, 2301) if not number % 7]
    stored.add_rows(engine, hold, RequestColumns.of(accepted), rejected)
    stored.complete_rows(engine, hold, record_count=2300)
    read = list(results.iterate_answered_rows(engine, hold.upload_id))
    assert [row.row.row_number for row in read] == list(range(1, 2301))
    assert read[0].row.cells == accepted[0].cells
    assert (read[0].tin, read[6].tin) == ("070000001", None)


def test_rows_that_ask_the_same_get_the_same_answer(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=2, duplicates=[1, 1])
    assert answer(engine, hold, make_result(1, claims=2)) == 3
    read = _answers(engine, hold.upload_id)
    again = tuple(replace(match, same_claim_as_row=1) for match in read[1].claims)
    assert read[3] == replace(read[1], row_number=3, claims=again)
    assert read[4] == replace(read[1], row_number=4, claims=again)
    assert results.count_outcomes(engine, hold.upload_id) == OutcomeCounts(total=4, found=3)
    upload = get_upload(engine, hold.upload_id)
    assert upload is not None
    assert upload.counts == OutcomeCounts(total=4, found=3)


def test_a_row_that_has_its_answer_keeps_it(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold)
    assert answer(engine, hold, make_result(1, claims=2)) == 1
    assert answer(engine, hold, make_result(1, Outcome.NOT_FOUND)) == 0
    assert _answers(engine, hold.upload_id)[1].outcome is Outcome.FOUND
    upload = get_upload(engine, hold.upload_id)
    assert upload is not None
    assert upload.counts == OutcomeCounts(total=3, found=1)


def test_a_claim_that_is_there_twice_is_written_once(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold)
    once = make_result(1)
    twice = replace(once, claims=(once.claims[0], replace(once.claims[0], primary=False)))
    answer(engine, hold, twice)
    assert _answers(engine, hold.upload_id)[1].claims == once.claims


def test_versions_of_a_claim_are_kept_apart(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold)
    versions = tuple(
        MatchedClaim(
            claim=make_claim(processed=date(2026, 1, day)),
            status=ClaimStatus.PAID,
            next_action="Nothing to do.",
            primary=day == 9,
        )
        for day in (9, 8)
    )
    answer(engine, hold, replace(make_result(1), claims=versions))
    assert _answers(engine, hold.upload_id)[1].claims == versions


def test_claims_kept_while_a_row_waited_are_replaced_by_its_answer(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold)
    with writing(engine) as connection:
        connection.execute(
            insert(tables.claims),
            [
                {
                    "upload_id": hold.upload_id,
                    "row_number": row,
                    "attempt": hold.attempt_number,
                    "identity": "kept",
                    "organization_id": hold.organization_id,
                    "match_number": 0,
                    "body": claim_to_json(make_claim()),
                }
                for row in (1, 2)
            ],
        )
    answer(engine, hold, make_result(1))
    attempts.finish(
        engine, hold.upload_id, UploadStatus.COMPLETED, attempt_id=hold.attempt_id, now=NOW
    )
    assert results.verify_results(engine, hold.upload_id) == []
    with reading(engine) as connection:
        kept = connection.execute(select(tables.claims.c.match_number)).scalars().all()
    assert kept == [1]


def test_an_answer_of_a_retry_replaces_the_old_one_which_stays_as_history(
    engine: Engine,
) -> None:
    runs = make_runs(engine)
    first = runs.held("run-1")
    store_rows(engine, first, accepted=2)
    answer(engine, first, make_result(1), make_result(2, Outcome.NOT_FOUND))
    attempts.finish(
        engine, first.upload_id, UploadStatus.COMPLETED, attempt_id=first.attempt_id, now=NOW
    )
    attempts.request_retry(engine, first.upload_id, RetryScope.NOT_FOUND, NOW)
    second = runs.held("run-2")
    answer(engine, second, make_result(2, claims=2))
    read = _answers(engine, first.upload_id)
    assert (read[1], read[2]) == (make_result(1), make_result(2, claims=2))
    with reading(engine) as connection:
        history = connection.execute(
            select(tables.results.c.attempt, tables.results.c.outcome).where(
                tables.results.c.is_current.is_(False)
            )
        ).all()
    assert [tuple(row) for row in history] == [(1, "not_found")]
    assert results.count_outcomes(engine, first.upload_id) == OutcomeCounts(total=2, found=2)


def test_many_answers_are_written_at_once(engine: Engine) -> None:
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=2100)
    answers = [make_result(number) for number in range(1, 2101)]
    assert answer(engine, hold, *answers) == 2100
    assert results.count_outcomes(engine, hold.upload_id).found == 2100


def test_sound_results_break_no_promise(engine: Engine) -> None:
    hold = _ended(engine, make_result(1, claims=2), make_result(2, Outcome.NOT_FOUND))
    assert results.verify_results(engine, hold.upload_id) == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (delete(tables.results).where(tables.results.c.row_number == 3), "rows_without_result"),
        (update(tables.requests).values(is_open=True), "rows_without_result"),
        (update(tables.rejected_rows).values(row_number=1), "rows_counted_twice"),
        (update(tables.uploads).values(found_count=7), "counts_differ"),
        (update(tables.uploads).values(total_rows=7), "counts_differ"),
        (delete(tables.results).where(tables.results.c.row_number == 1), "claims_without_result"),
        (update(tables.claims).values(match_number=0), "claims_without_result"),
        (delete(tables.claims), "claims_contradict_outcome"),
        (
            update(tables.results)
            .where(tables.results.c.row_number == 1)
            .values(outcome="not_found"),
            "claims_contradict_outcome",
        ),
        (update(tables.claims).values(is_primary=True), "primary_not_one"),
        (update(tables.claims).values(is_primary=False), "primary_not_one"),
    ],
)
def test_a_broken_promise_is_told_by_its_code(engine: Engine, statement: object, code: str) -> None:
    hold = _ended(engine, make_result(1, claims=2), make_result(2, Outcome.NOT_FOUND))
    with writing(engine) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    assert code in results.verify_results(engine, hold.upload_id)


def test_calls_are_counted_by_kind(engine: Engine) -> None:
    hold = make_runs(engine).held()
    with writing(engine) as connection:
        connection.execute(
            insert(tables.payer_calls),
            [
                {
                    "organization_id": hold.organization_id,
                    "payer": "uhc",
                    "upload_id": hold.upload_id,
                    "attempt_id": hold.attempt_id,
                    "kind": kind,
                    "started_at": NOW,
                    "duration_s": 0.3,
                    "http_status": 200,
                    "try_number": 1,
                }
                for kind in ("search", "search", "detail")
            ],
        )
    assert results.attempt_calls(engine, hold.attempt_id) == {"search": 2, "detail": 1}


def test_sqlite_finds_rows_by_number_and_does_not_read_the_whole_upload(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    hold = make_runs(engine).held()
    store_rows(engine, hold, accepted=3, rejected=1, duplicates=[1])
    plans: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _explain(_connection: object, cursor: Any, sql: str, values: Any, *_rest: object) -> None:
        is_many = isinstance(values, list)
        if sql.startswith(("SELECT", "UPDATE", "DELETE")) and not is_many:
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            plans.extend(detail for *_, detail in plan)

    answer(engine, hold, make_result(1), make_result(2))
    assert len(list(results.iterate_answered_rows(engine, hold.upload_id))) == 5
    searches = [
        plan
        for plan in plans
        if plan.startswith(("SEARCH", "SCAN"))
        and plan.split()[1] in {"requests", "results", "claims"}
        and "COVERING" not in plan  # The greatest row number is read off an index's end.
    ]
    assert len(searches) > 5
    assert [
        plan for plan in searches if "row_number" not in plan and "duplicate_of=" not in plan
    ] == []
    engine.dispose()
