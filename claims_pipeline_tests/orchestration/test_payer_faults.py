"""A payer that goes wrong, over real HTTP, through the whole job: lines 1 to 5 and 7."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from claims_pipeline.model import Outcome, UploadOptions, UploadStatus
from claims_pipeline.names import wire_name
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import COLUMNS, SampleRow, Shape
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline_tests.orchestration.broken_stores import FaultyUpload, make_faulty_upload
from claims_pipeline_tests.pipeline import HASTY, Pipeline, hasty_definitions, running_pipeline

THREADS = 4
SUMMARY = {"kind": "summary"}


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        settings={"CLAIMS_QUERY_THREADS": str(THREADS)},
        definitions=hasty_definitions(),
    ) as pipeline:
        yield pipeline


def search_calls(upload: FaultyUpload) -> list[tuple[datetime, datetime, int | None, int]]:
    """Begin, end, HTTP status and number of try, in the order of their ends."""
    columns = tables.payer_calls.c
    query = select(
        columns.started_at, columns.duration_s, columns.http_status, columns.try_number
    ).where(columns.upload_id == upload.id, columns.kind == "search")
    with reading(upload.pipeline.engine) as connection:
        calls = [
            (began, began + timedelta(seconds=duration_s), status, number)
            for began, duration_s, status, number in connection.execute(query)
        ]
    return sorted(calls, key=lambda call: call[1])


@pytest.mark.parametrize(
    ("what", "least_s"),
    [
        ({"headers": {"Retry-After": "1"}}, 1.0),
        # A date has no fractions: two seconds ahead are one and a bit.
        ({"retry_after_date_s": 2}, 1.0),
        ({"retry_after_date_s": -60}, 0.0),
        ({"headers": {"Retry-After": "3600"}}, HASTY.longest_pause_s),
        ({"headers": {"Retry-After": "as soon as you like"}}, HASTY.backoff_s[0]),
        ({}, HASTY.backoff_s[0]),
    ],
    ids=["seconds", "date", "past", "an-hour", "garbage", "none"],
)
def test_a_payer_that_throttles_is_left_alone_by_every_worker_and_all_rows_are_answered(
    pipeline: Pipeline, what: dict[str, object], least_s: float
) -> None:
    throttled = {"match": SUMMARY, "when": {"nth": 5}, "what": {"status": 429, **what}}
    upload = make_faulty_upload(pipeline, [throttled])

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []
    calls = search_calls(upload)
    [ended] = [end for _, end, status, _ in calls if status == 429]
    pause_ends = ended + timedelta(seconds=least_s)
    # Who had begun, or was about to, when the payer answered goes on; nobody else does.
    assert sum(ended < began < pause_ends for began, *_ in calls) <= THREADS
    assert all(began >= pause_ends for began, _, _, number in calls if number > 1)


SPOILED = {
    "error-500": {"status": 500},
    "unavailable": {"status": 503},
    "nothing-there": {"status": 404, "empty": True},
    "reset": {"reset": True},
    "truncated": {"truncated": True},
    "html": {"html": True},
    "empty": {"empty": True},
    "too-large": {"big_body_bytes": 17 * 1024 * 1024},
}


@pytest.mark.parametrize("what", SPOILED.values(), ids=SPOILED.keys())
def test_an_answer_that_is_spoiled_now_and_then_is_asked_for_again(
    pipeline: Pipeline, what: dict[str, object]
) -> None:
    upload = make_faulty_upload(
        pipeline, [{"match": SUMMARY, "when": {"every": 7, "times": 6}, "what": what}]
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []
    assert pipeline.get(upload.id).status is UploadStatus.COMPLETED


def last_name(row: SampleRow) -> str:
    """As it goes over the wire."""
    return wire_name(row.cells[COLUMNS[Shape.PATIENTS].index("last_name")])


@pytest.mark.parametrize(
    "what", [what for name, what in SPOILED.items() if name != "too-large"], ids=str
)
def test_a_patient_for_whom_the_payer_never_answers_fails_alone_and_is_never_not_found(
    pipeline: Pipeline, what: dict[str, object]
) -> None:
    upload = make_faulty_upload(pipeline, [])
    patient = next(last_name(row) for row in upload.sample if row.outcome is Outcome.FOUND)
    pipeline.sandbox.set_faults(
        [{"match": {**SUMMARY, "patient_last_name": patient}, "what": what}]
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert pipeline.get(upload.id).status is UploadStatus.COMPLETED
    assert {code for _, code in upload.failed()} == {"payer_unavailable"}
    assert {last_name(row) for row, _ in upload.failed()} == {patient}


def test_a_query_that_the_payer_never_answers_costs_its_tries_and_one_look_whether_it_lives(
    pipeline: Pipeline,
) -> None:
    healthy = make_faulty_upload(pipeline, [])
    assert pipeline.run(healthy.id).success
    needed = healthy.attempt().search_calls
    pipeline.sandbox.reset()
    upload = make_faulty_upload(pipeline, [])
    patient = next(last_name(row) for row in upload.sample if row.outcome is Outcome.FOUND)
    pipeline.sandbox.set_faults(
        [{"match": {**SUMMARY, "patient_last_name": patient}, "what": {"status": 503}}]
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    queries_failed = len({row.cells for row, _ in upload.failed()})
    assert queries_failed > 0
    more = (HASTY.max_tries - 1) + 1
    # The first of them is asked a second time, and that is the last time.
    once = HASTY.max_tries + 1
    assert upload.attempt().search_calls <= needed + more * queries_failed + once


def test_a_silence_that_meets_all_tries_of_a_query_fails_no_row(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [])
    patient = next(last_name(row) for row in upload.sample if row.outcome is Outcome.FOUND)
    pipeline.sandbox.set_faults(
        [
            {
                "match": {**SUMMARY, "patient_last_name": patient},
                "when": {"times": HASTY.max_tries},
                "what": {"status": 503},
            }
        ]
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []


def test_a_sweep_that_is_never_answered_is_replaced_by_singles(pipeline: Pipeline) -> None:
    """One page of it is always cut short; the payer answers everything else."""
    upload = make_faulty_upload(
        pipeline,
        [{"match": {**SUMMARY, "further_page": True}, "what": {"truncated": True}}],
        options=UploadOptions(),
        rows=60,
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []


@pytest.mark.parametrize("sweeps", [True, False], ids=["given-up", "not-allowed"])
def test_a_name_that_no_search_can_carry_fails_where_no_sweep_answers_for_it(
    pipeline: Pipeline, sandbox: Sandbox, *, sweeps: bool
) -> None:
    day = today_in("America/Chicago")() - timedelta(days=40)
    content = (
        "first_name,last_name,date_of_birth,date_of_service\n"
        f"李,明,05/10/1975,{day:%m/%d/%Y}\n"
        f"NOBODY,ASKEDFOR,05/10/1975,{day:%m/%d/%Y}\n"
    )
    sandbox.set_faults([{"match": {**SUMMARY, "further_page": True}, "what": {"truncated": True}}])
    upload_id = pipeline.upload(content.encode(), options=UploadOptions(use_sweeps=sweeps))

    assert pipeline.run(upload_id).success

    by_name, other = (answer.result for answer in pipeline.answers(upload_id))
    assert (by_name.outcome, by_name.error_code) == (Outcome.FAILED, "name_not_askable")
    assert ("Allow sweeps" in (by_name.error_message or "")) is not sweeps
    assert other.outcome is Outcome.NOT_FOUND
    assert (sandbox.calls()["summary"] > 1) is sweeps


def test_a_slow_drip_is_ended_by_the_deadline(pipeline: Pipeline) -> None:
    drip = {"match": SUMMARY, "when": {"nth": 2}, "what": {"drip_bytes_per_s": 10}}
    upload = make_faulty_upload(pipeline, [drip], rows=10)

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []


def test_a_token_that_expires_in_mid_run_is_fetched_once_for_all_threads(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    expired = {"match": SUMMARY, "when": {"nth": 10}, "what": {"expire_tokens": True}}
    upload = make_faulty_upload(pipeline, [expired])

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []
    assert sandbox.calls()["token"] == 2


def test_wrong_credentials_end_the_upload_after_two_calls_at_most(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_UHC_CLIENT_SECRET", "not the secret")
    upload = make_faulty_upload(pipeline, [])

    assert not pipeline.run(upload.id, raise_on_error=False).success
    pipeline.run(upload.id, job="results_files_job")

    upload.assert_promises()
    ended = pipeline.get(upload.id)
    assert (ended.status, ended.error_code) == (UploadStatus.FAILED, "auth")
    assert sum(sandbox.calls().values()) <= 2
    # What the payer would not have been asked about is rejected, as ever.
    assert {code for _, code in upload.failed()} == {"auth"}
    assert ended.counts.answered == 0


@pytest.mark.parametrize("change", ["reordered", "duplicated", "foreign"])
@pytest.mark.parametrize("sweeps", [True, False], ids=["sweeps", "singles"])
def test_claims_are_matched_by_identity_in_whatever_order_and_company_they_come(
    pipeline: Pipeline, change: str, *, sweeps: bool
) -> None:
    upload = make_faulty_upload(
        pipeline,
        [{"match": SUMMARY, "what": {"claims": change}}],
        options=UploadOptions(use_sweeps=sweeps),
    )

    assert pipeline.run(upload.id).success

    upload.assert_promises()
    assert upload.failed() == []
    assert (upload.attempt().unrelated_claims > 0) is (change == "foreign")


def test_claims_that_are_missing_are_never_made_up(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [{"match": SUMMARY, "what": {"claims": "missing"}}])

    assert pipeline.run(upload.id).success

    upload.assert_calls()
    for row, answer in upload.rows():
        given = {match.claim.claim_number for match in answer.result.claims}
        assert given <= set(row.claim_numbers)


def test_claims_that_cannot_be_read_prove_nothing(pipeline: Pipeline) -> None:
    upload = make_faulty_upload(pipeline, [{"match": SUMMARY, "what": {"claims": "unreadable"}}])

    pipeline.run(upload.id, raise_on_error=False)

    for row, answer in upload.rows():
        if row.outcome is Outcome.FOUND:
            assert answer.result.outcome is not Outcome.NOT_FOUND
