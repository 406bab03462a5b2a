"""Submitted inquiries in a run: sent once, awaited without a run, answered once or failed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.cli.local.local_store import demo_payers
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.settings import load_settings
from claims_pipeline.store import attempts
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.orchestration.channels.channels import sample_for
from claims_pipeline_tests.orchestration.samples import given, right
from claims_pipeline_tests.pipeline import (
    ORGANIZATION,
    HastyPayers,
    Pipeline,
    hasty_definitions,
    running_pipeline,
)

PAYER = "availity-demo"
ROWS = 30
MakePipeline = Callable[..., Pipeline]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def impatient(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakePipeline]:
    """A pipeline whose runs await no answer."""
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        definitions=hasty_definitions(HastyPayers(longest_wait_s=0.0)),
        settings={"CLAIMS_AVAILITY_CALLS_PER_SECOND": "5000"},
    ) as pipeline:
        save_payers(pipeline.engine, ORGANIZATION, demo_payers(load_settings()))

        def made(**settings: str) -> Pipeline:
            for name, value in settings.items():
                monkeypatch.setenv(name, value)
            return pipeline

        yield made


def run_when_due(pipeline: Pipeline, upload_id: str) -> None:
    waiting = attempts.latest_attempt(pipeline.engine, upload_id)
    assert waiting is not None
    assert waiting.next_try_at is not None
    ticket = str(uuid4())
    assert attempts.issue_ticket(
        pipeline.engine, waiting.id, ticket=ticket, now=waiting.next_try_at
    )
    time.sleep(max(0.0, (waiting.next_try_at - datetime.now(UTC)).total_seconds()))
    pipeline.run(upload_id, ticket=ticket, raise_on_error=False)


def sent(pipeline: Pipeline) -> dict[str, int]:
    calls: dict[str, int] = pipeline.sandbox.channels()["availity"]["calls"]
    return calls


def test_an_upload_waits_for_its_answers_without_a_run_and_sends_nothing_again(
    impatient: MakePipeline,
) -> None:
    pipeline = impatient()
    content, sample = sample_for(PAYER, rows=ROWS)
    upload_id = pipeline.upload(content, payer=PAYER)
    assert pipeline.run(upload_id).success

    waiting = pipeline.get(upload_id)
    assert (waiting.status, waiting.waiting_reason) == (
        UploadStatus.PROCESSING,
        "awaiting_answers",
    )
    searches = sent(pipeline)["search"]
    assert searches > ROWS // 2

    run_when_due(pipeline, upload_id)
    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    assert [given(answer) for answer in pipeline.answers(upload_id)] == [
        right(number, row) for number, row in enumerate(sample, start=1)
    ]
    assert sent(pipeline)["search"] == searches


def test_an_answer_that_never_comes_fails_its_rows_for_a_later_retry(
    impatient: MakePipeline,
) -> None:
    pipeline = impatient(CLAIMS_AVAILITY_ANSWER_HOURS="0.0001")
    pipeline.sandbox.set_faults([{"match": {"kind": "look"}, "what": {"code": "0"}}])
    content, _ = sample_for(PAYER, rows=1)
    upload_id = pipeline.upload(content, payer=PAYER)
    pipeline.run(upload_id)
    run_when_due(pipeline, upload_id)
    [answer] = pipeline.answers(upload_id)
    assert (answer.result.outcome.value, answer.result.error_code) == ("failed", "no_answer")
    assert answer.result.next_action == "retry_later"


def test_a_reference_that_the_payer_forgot_fails_its_rows_and_is_not_sent_again(
    impatient: MakePipeline,
) -> None:
    pipeline = impatient()
    pipeline.sandbox.set_faults([{"match": {"kind": "look"}, "what": {"status": 404}}])
    content, _ = sample_for(PAYER, rows=1)
    upload_id = pipeline.upload(content, payer=PAYER)
    pipeline.run(upload_id)
    run_when_due(pipeline, upload_id)
    [answer] = pipeline.answers(upload_id)
    assert answer.result.error_code == "reference_unknown"
    assert sent(pipeline)["search"] == 1


def test_a_look_that_fails_is_made_again_and_nothing_is_sent_again(
    impatient: MakePipeline,
) -> None:
    pipeline = impatient()
    content, _ = sample_for(PAYER, rows=1)
    upload_id = pipeline.upload(content, payer=PAYER)
    pipeline.run(upload_id)
    pipeline.sandbox.set_faults(
        [{"match": {"kind": "look"}, "when": {"times": 2}, "what": {"status": 504}}]
    )
    run_when_due(pipeline, upload_id)
    [answer] = pipeline.answers(upload_id)
    assert answer.result.outcome.value == "found"
    assert sent(pipeline)["search"] == 1


def test_a_cancelled_upload_awaits_nothing(impatient: MakePipeline) -> None:
    pipeline = impatient()
    content, _ = sample_for(PAYER, rows=3)
    upload_id = pipeline.upload(content, payer=PAYER)
    pipeline.run(upload_id)
    attempts.request_cancel(pipeline.engine, upload_id, now=datetime.now(UTC))
    upload = pipeline.get(upload_id)
    assert upload.status is UploadStatus.CANCELLED
    assert upload.counts.unprocessed == 3
