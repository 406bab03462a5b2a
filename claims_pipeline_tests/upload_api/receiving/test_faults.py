"""Dagster's webserver or the API itself failing while uploads are handed in, on a real stack."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import requests

from claims_pipeline.cli.local.processes import free_port, port_answers
from claims_pipeline.model import UploadStatus
from claims_pipeline.operations.retention import remove_files_of_no_upload
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.store.files.listing import keys_of
from claims_pipeline_tests.upload_api.api import ORGANIZATION, running_api
from claims_pipeline_tests.upload_api.dagster_proxy import DagsterProxy, Spoil
from claims_pipeline_tests.upload_api.dying_api import Point
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.on_stack import (
    StackApi,
    dagster_settings,
    running_stack_api,
)
from claims_pipeline_tests.upload_api.receiving.forms import UPLOAD, post_csv

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=12) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, issuer: Issuer
) -> Iterator[StackApi]:
    with running_stack_api(tmp_path_factory.mktemp("away") / "home", sandbox, issuer) as stack:
        yield stack


def test_every_upload_gets_one_run_whatever_becomes_of_its_launch(
    stack: StackApi, issuer: Issuer
) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    proxy = DagsterProxy(stack.stack.dagster.url)
    settings = {**stack.sandbox.settings(), **dagster_settings(proxy.url)}
    uploads: dict[str, str] = {}
    with running_api(stack.stack.home, issuer, settings=settings) as api:
        uploads["unreachable"] = stack.upload(content, api=api)
        with proxy.listening():
            for spoil in Spoil:
                proxy.spoil = spoil
                uploads[spoil.value] = stack.upload(content, api=api)
    assert proxy.launches == len(Spoil), "nothing is sent twice"

    ended = stack.wait_for_end(*uploads.values())

    assert set(ended) == {UploadStatus.COMPLETED}
    runs = {what: len(stack.runs(upload_id)) for what, upload_id in uploads.items()}
    assert runs == dict.fromkeys(uploads, 1)
    assert stack.broken_promises(*uploads.values()) == []


def test_without_a_webserver_to_ask_the_sensor_launches(stack: StackApi, issuer: Issuer) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    with running_api(stack.stack.home, issuer) as api:
        upload_id = stack.upload(content, api=api)
    assert stack.wait_for_end(upload_id) == [UploadStatus.COMPLETED]
    assert len(stack.runs(upload_id)) == 1


def test_a_cancellation_needs_no_webserver(stack: StackApi, issuer: Issuer) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    proxy = DagsterProxy(stack.stack.dagster.url)
    with running_api(stack.stack.home, issuer, settings=dagster_settings(proxy.url)) as api:
        upload_id = stack.upload(content, api=api)
        answer = api.post(f"/api/v1/claims/csv-jobs/{upload_id}/cancel/", token=issuer.token())
    assert answer.status_code == 202
    assert stack.wait_for_end(upload_id) == [UploadStatus.CANCELLED]


def test_an_api_that_is_killed_at_any_point_loses_nothing_and_doubles_nothing(
    stack: StackApi,
) -> None:
    content, _ = make_sample(stack.sandbox, Shape.CLAIMS, 3)
    uploads_before, files_before = ids_of_uploads(stack), files_of(stack)
    for point in Point:
        with dying_api(stack, point) as url, pytest.raises(requests.ConnectionError):
            requests.post(
                f"{url}{UPLOAD}",
                files={"file": ("worklist.csv", content)},
                headers={"Authorization": f"Bearer {stack.token}", "Idempotency-Key": point},
                timeout=60,
            )

    # The client tries again until it has an answer.
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
def dying_api(stack: StackApi, point: Point) -> Iterator[str]:
    """Another API on the same store, and the end that it comes to."""
    port = free_port()
    environment = {
        **stack.stack.environment,
        **stack.api.issuer.settings(),
        **dagster_settings(stack.stack.dagster.url),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "claims_pipeline_tests.upload_api.dying_api", point, str(port)],
        env=environment,
    )
    try:
        stack.wait_until(lambda: port_answers(port), what="the API that is to die")
        yield f"http://127.0.0.1:{port}"
        assert process.wait(timeout=60) == -9
    finally:
        process.kill()
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
