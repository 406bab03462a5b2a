"""A file dropped under a real daemon, code server and webserver comes back answered."""

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.results import verify_results
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.upload_api.on_stack import StackApi

pytestmark = pytest.mark.stack


@pytest.fixture
def drops(calm_stack: StackApi) -> DropStack:
    calm_stack.answer_after(0.0)
    return calm_stack.drops


@pytest.fixture
def sandbox(drops: DropStack) -> Sandbox:
    return drops.sandbox


def test_a_dropped_sample_is_answered_by_the_daemon(drops: DropStack, sandbox: Sandbox) -> None:
    before = calls_of(sandbox)
    content, sample = make_sample(sandbox, Shape.CLAIMS, 60)

    drops.drop("sample.csv", content)

    upload = drops.wait_for_status("sample.csv", UploadStatus.COMPLETED)
    lines = drops.results_in_outbox("sample.csv")
    primary = [line for line in lines if line["primary"] == "Y"]
    assert [line["outcome"] for line in primary] == [row.outcome.value for row in sample]
    assert verify_results(drops.engine, upload.id) == []
    latest = attempts.latest_attempt(drops.engine, upload.id)
    assert latest is not None
    asked = {kind: count - before[kind] for kind, count in calls_of(sandbox).items()}
    assert asked == {
        "summary": latest.search_calls,
        "detail": latest.detail_calls,
        "payment": latest.payment_calls,
    }
    # One partition, one run, seen by Dagster as a success.
    [run] = drops.stack.dagster.runs(partition=upload.id)
    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run.run_id).status == "SUCCESS", what="the run's success"
    )


def test_a_refused_file_says_what_to_do_in_the_outbox(drops: DropStack) -> None:
    drops.drop("letter.csv", b"%PDF-1.7 not a list of claims")

    drops.wait_for_status("letter.csv", UploadStatus.FAILED)

    notes = lambda: list(drops.outbox.glob("letter.*.refused.txt"))  # noqa: E731
    drops.stack.wait_until(lambda: bool(notes()), what="the note in the outbox")
    [note] = notes()
    assert "CSV" in note.read_text(encoding="utf-8")
