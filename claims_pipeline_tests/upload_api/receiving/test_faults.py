"""Dagster's webserver or the API itself failing while uploads are handed in, on a real stack."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests

from claims_pipeline.cli.local.processes import free_port, port_answers
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.retention import remove_files_of_no_upload
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.end_to_end.drops import dagster_settings
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.store.files.listing import keys_of
from claims_pipeline_tests.upload_api.api import ORGANIZATION, running_api
from claims_pipeline_tests.upload_api.dagster_proxy import DagsterProxy, Spoil
from claims_pipeline_tests.upload_api.dying_api import Point
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.on_stack import StackApi
from claims_pipeline_tests.upload_api.receiving.forms import UPLOAD, post_csv

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stack(calm_stack: StackApi) -> StackApi:
    calm_stack.answer_after(0.0)
    return calm_stack


def test_every_upload_gets_one_run_whatever_becomes_of_its_launch(
    stack: StackApi, issuer: Issuer
) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    proxy = DagsterProxy(stack.stack.dagster.url)
    settings = {**stack.settings, **dagster_settings(proxy.url)}
    uploads: dict[str, str] = {}
    with running_api(stack.stack.home, issuer, settings=settings) as api:
        uploads["unreachable"] = stack.upload(content, api=api)
        with proxy.listening():
            for spoil in Spoil:
                proxy.spoil = spoil
                uploads[spoil.value] = stack.upload(content, api=api)
    assert proxy.launches == len(Spoil), "nothing is sent twice"

    stack.let_a_minute_pass()
    ended = stack.wait_for_end(*uploads.values())

    assert set(ended) == {UploadStatus.COMPLETED}
    runs = {what: len(stack.runs(upload_id)) for what, upload_id in uploads.items()}
    assert runs == dict.fromkeys(uploads, 1)
    assert stack.broken_promises(*uploads.values()) == []


def test_without_a_webserver_to_ask_the_sensor_launches(stack: StackApi, issuer: Issuer) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    with running_api(stack.stack.home, issuer, settings=stack.settings) as api:
        upload_id = stack.upload(content, api=api)
    assert stack.wait_for_end(upload_id) == [UploadStatus.COMPLETED]
    assert len(stack.runs(upload_id)) == 1


def test_a_cancellation_needs_no_webserver(stack: StackApi, issuer: Issuer) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    proxy = DagsterProxy(stack.stack.dagster.url)
    settings = {**stack.settings, **dagster_settings(proxy.url)}
    with running_api(stack.stack.home, issuer, settings=settings) as api:
        upload_id = stack.upload(content, api=api)
        answer = api.post(f"/api/v1/claims/csv-jobs/{upload_id}/cancel/", token=issuer.token())
    assert answer.status_code == 202
    assert stack.wait_for_end(upload_id) == [UploadStatus.CANCELLED]


def test_an_api_that_is_killed_at_any_point_loses_nothing_and_doubles_nothing(
    stack: StackApi,
) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    uploads_before, files_before = ids_of_uploads(stack), files_of(stack)
    with dying_apis(stack) as urls:
        for point in Point:
            with pytest.raises(requests.ConnectionError):
                requests.post(
                    f"{urls[point]}{UPLOAD}",
                    files={"file": ("worklist.csv", content)},
                    headers={"Authorization": f"Bearer {stack.token}", "Idempotency-Key": point},
                    timeout=60,
                )

    # The client tries again until it has an answer; so long nobody else may use its key.
    stack.let_a_minute_pass()
    answers = {point: again(stack, content, point) for point in Point}

    uploads = ids_of_uploads(stack) - uploads_before
    assert set(answers.values()) == uploads
    assert len(uploads) == len(Point)
    assert set(stack.wait_for_end(*uploads)) == {UploadStatus.COMPLETED}
    assert {point: len(stack.runs(answers[point])) for point in Point} == dict.fromkeys(Point, 1)
    assert stack.broken_promises(*uploads) == []

    later = datetime.now(UTC) + timedelta(hours=2)
    assert stack.api.files.remove_unfinished(later) == 1  # IN_THE_FILE
    assert remove_files_of_no_upload(stack.api.engine, stack.api.files, before=later) == 1
    of_uploads = {key for key in files_of(stack) - files_before if key.split("/")[1] in uploads}
    assert files_of(stack) - files_before == of_uploads


@contextmanager
def dying_apis(stack: StackApi) -> Iterator[dict[Point, str]]:
    """Other APIs on the same store, by where each of them is killed; all of them have to be."""
    ports = {point: free_port() for point in Point}
    environment = {
        **stack.stack.environment,
        **stack.api.issuer.settings(),
        **dagster_settings(stack.stack.dagster.url),
    }
    arguments = [f"{point}={port}" for point, port in ports.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "claims_pipeline_tests.upload_api.dying_api", *arguments],
        env=environment,
        start_new_session=True,
    )
    try:
        for port in ports.values():
            stack.wait_until(lambda: port_answers(port), what="the API that is to die")  # noqa: B023
        yield {point: f"http://127.0.0.1:{port}" for point, port in ports.items()}
        assert process.wait(timeout=60) == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def again(stack: StackApi, content: bytes, key: str) -> str:
    """Send the upload until it is taken; its id."""
    answer: requests.Response | None = None

    def is_taken() -> bool:
        nonlocal answer
        answer = post_csv(stack.api, content, headers={"Idempotency-Key": key})
        # 409 while the key's first upload may yet be under way, 429 for having asked so often.
        assert answer.status_code in {201, 409, 429}, answer.text
        return answer.status_code == 201

    stack.wait_until(is_taken, what="the key to be free")
    assert answer is not None
    upload_id: str = answer.json()["id"]
    return upload_id


def ids_of_uploads(stack: StackApi) -> set[str]:
    page = list_uploads(stack.api.engine, organization_id=ORGANIZATION, page_size=1000)
    return {upload.id for upload in page.uploads}


def files_of(stack: StackApi) -> set[str]:
    return set(keys_of(stack.api.files))
