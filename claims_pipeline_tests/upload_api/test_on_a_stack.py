"""What clients do, on a real stack: upload, poll, fetch, cancel, try again."""

import csv
import io
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from claims_pipeline.intake.reading.lines import MAX_LINE_CHARACTERS
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.store.files.listing import keys_of
from claims_pipeline_tests.upload_api.api import ORGANIZATION
from claims_pipeline_tests.upload_api.on_stack import CALM_THREADS, JOBS, JOBS_ALIAS, StackApi
from claims_pipeline_tests.upload_api.receiving.forms import post_csv

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]

ROWS = 10
THREADS = CALM_THREADS
POLL_S = 0.5


@pytest.fixture(scope="module")
def stack(calm_stack: StackApi) -> StackApi:
    calm_stack.answer_after(0.2)
    return calm_stack


def test_each_shape_is_answered_and_fetched_under_both_names(stack: StackApi) -> None:
    today = datetime.now(UTC).date()
    dates = {"start_date": f"{today - timedelta(60):%m/%d/%Y}", "end_date": today.isoformat()}
    ids = {
        shape: stack.upload(
            make_sample(stack.sandbox, shape, ROWS)[0],
            provider="UHC",
            use_batch_query="true",
            **(dates if shape is Shape.CLAIMS else {}),
        )
        for shape in Shape
    }
    for upload_id in ids.values():
        poll_until_completed(stack, upload_id)
    assert set(stack.wait_for_end(*ids.values())) == {UploadStatus.COMPLETED}
    for upload_id in ids.values():
        for family in (JOBS, JOBS_ALIAS):
            page = stack.get(upload_id, "results/?page_size=100", family=family)
            assert {row["row_number"] for row in page["results"]} == set(range(1, ROWS + 1))
            download = stack.api.get(f"{family}/{upload_id}/download_results/", token=stack.token)
            assert download.status_code == 200
            lines = csv.DictReader(io.StringIO(download.content.decode("utf-8-sig")))
            assert sum(line["primary"] == "Y" for line in lines) == ROWS
        assert len(stack.runs(upload_id)) == 1
    assert stack.broken_promises(*ids.values()) == []


def poll_until_completed(stack: StackApi, upload_id: str) -> None:
    """As existing clients do, if more often: both addresses, counts as numbers."""
    pause = threading.Event()
    for _ in range(1200):
        upload = stack.get(upload_id)
        progress = stack.get(upload_id, "progress/", family=JOBS_ALIAS)
        assert progress["job_id"] == upload_id
        for answer in (upload, progress):
            for count in ("total_rows", "processed_rows", "success_count", "failure_count"):
                assert isinstance(answer[count], int)
        assert upload["status"] != "FAILED"
        if upload["status"] == "COMPLETED":
            assert upload["progress_percentage"] == 100
            assert upload["run_url"].startswith(stack.stack.dagster.url)
            return
        pause.wait(POLL_S)
    pytest.fail("the upload was not completed")


def test_a_hundred_times_the_same_key_at_once_is_one_upload_and_one_run(stack: StackApi) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 5)
    key, token = str(uuid4()), stack.token
    together = threading.Barrier(20)

    def post(_number: int) -> tuple[int, str | None]:
        together.wait()
        answer = post_csv(stack.api, content, token=token, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json().get("id")

    with ThreadPoolExecutor(20) as clients:
        answers = Counter(clients.map(post, range(100)))
    assert {status for status, _ in answers} <= {201, 409}
    [upload_id] = {upload_id for _, upload_id in answers if upload_id}
    again = post_csv(stack.api, content, token=token, headers={"Idempotency-Key": key})
    assert (again.status_code, again.json()["id"]) == (201, upload_id)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stack.wait_for_end(upload_id) == [UploadStatus.COMPLETED]
    assert len(stack.runs(upload_id)) == 1


def test_the_request_id_leads_to_the_attempt_and_its_run(stack: StackApi) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 2)
    asked = str(uuid4())
    answer = post_csv(stack.api, content, headers={"X-Request-ID": asked})
    upload_id = answer.json()["id"]
    stack.wait_for_end(upload_id)
    [run] = stack.runs(upload_id)
    attempt = attempts.latest_attempt(stack.api.engine, upload_id)
    assert attempt is not None
    assert (attempt.correlation_id, attempt.holder_run_id) == (asked, run.run_id)


def test_a_running_upload_is_cancelled_and_tried_again(stack: StackApi) -> None:
    content, _ = make_sample(stack.sandbox, Shape.PATIENTS, 100)
    upload_id = stack.upload(content, use_batch_query="false")
    stack.wait_until(lambda: stack.get(upload_id)["processed_rows"] > 8, what="some answers")
    assert stack.post(upload_id, "retry")[1]["code"] == "still_running"
    assert stack.api.delete(f"{JOBS}/{upload_id}/", token=stack.token).status_code == 409

    status, body = stack.post(upload_id, "cancel")

    asked = calls_of(stack.sandbox)["summary"]
    assert (status, body["status"]) == (202, "CANCELLING")
    assert stack.post(upload_id, "cancel")[0] == 202
    assert stack.wait_for_end(upload_id) == [UploadStatus.CANCELLED]
    assert calls_of(stack.sandbox)["summary"] - asked <= THREADS
    assert stack.outcomes(upload_id)["unprocessed"] > 0
    stack.wait_until(
        lambda: stack.runs(upload_id)[0].status == "CANCELED", what="the run's end in Dagster"
    )
    assert stack.broken_promises(upload_id) == []
    assert stack.post(upload_id, "cancel")[0] == 202  # As it is already.

    answers = in_parallel(lambda: stack.post(upload_id, "retry"), times=2)

    assert sorted(status for status, _ in answers) == [202, 409]
    assert stack.wait_for_end(upload_id) == [UploadStatus.COMPLETED]
    assert stack.stored(upload_id).attempt == 2
    assert stack.outcomes(upload_id)["unprocessed"] == 0
    assert len(stack.runs(upload_id)) == 2
    assert stack.post(upload_id, "cancel")[1]["code"] == "already_ended"
    assert stack.post(upload_id, "retry", json={"scope": "failed"})[1]["code"] == "nothing_to_retry"
    assert stack.post(upload_id, "retry", json={"scope": "all"})[0] == 202
    assert stack.wait_for_end(upload_id) == [UploadStatus.COMPLETED]
    assert stack.broken_promises(upload_id) == []


def in_parallel(work: object, *, times: int) -> list[tuple[int, object]]:
    assert callable(work)
    with ThreadPoolExecutor(times) as people:
        return [task.result() for task in [people.submit(work) for _ in range(times)]]


def test_a_cancellation_that_was_accepted_never_flips_whenever_it_came(stack: StackApi) -> None:
    """Queued, at the dequeue, running, while files are written, done: one pause for each."""
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 4)
    answered: dict[str, int] = {}
    pause = threading.Event()
    for pause_s in (0, 3, 8):
        upload_id = stack.upload(content)
        pause.wait(pause_s)
        answered[upload_id] = stack.post(upload_id, "cancel")[0]
    ended = dict(zip(answered, stack.wait_for_end(*answered), strict=True))
    right = {202: UploadStatus.CANCELLED, 409: UploadStatus.COMPLETED}
    assert ended == {upload_id: right[status] for upload_id, status in answered.items()}
    assert stack.broken_promises(*answered) == []


def test_a_file_that_fails_later_says_why_in_words(stack: StackApi) -> None:
    row = "Zoë,Müller,05/10/1975\n".encode()
    too_long = b"x" * (MAX_LINE_CHARACTERS + 1)
    content = b"first_name,last_name,date_of_birth\n" + row * 12_000 + too_long
    upload_id = stack.upload(content)
    stack.wait_until(lambda: stack.get(upload_id)["status"] == "FAILED", what="the refusal")
    body = stack.get(upload_id)
    assert body["error_code"] == "line_too_long"
    assert "line_too_long" in body["error_log"]
    assert (body["total_rows"], body["processed_rows"]) == (0, 0)


def test_what_is_deleted_is_gone_and_its_key_says_so(stack: StackApi) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 2)
    headers = {"Idempotency-Key": str(uuid4())}
    upload_id = post_csv(stack.api, content, headers=headers).json()["id"]
    stack.wait_for_end(upload_id)
    path = f"{JOBS}/{upload_id}/"
    answer = stack.api.delete(path, token=stack.token)
    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (stack.api.get(path, token=stack.token), stack.api.delete(path, token=stack.token)):
        assert (gone.status_code, gone.json()["code"]) == (404, "upload_unknown")
    assert keys_of(stack.api.files, f"{ORGANIZATION}/{upload_id}") == []
    again = post_csv(stack.api, content, headers=headers)
    assert (again.status_code, again.json()["code"]) == (410, "upload_deleted")
