"""A file dropped under a real daemon, code server and webserver comes back answered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.results import verify_results
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Iterator[DropStack]:
    home: Path = tmp_path_factory.mktemp("stack") / "home"
    with running_drop_stack(home, sandbox) as drops:
        yield drops


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
