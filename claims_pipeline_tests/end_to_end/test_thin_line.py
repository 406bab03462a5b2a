"""A file dropped under a real daemon, code server and webserver comes back answered."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.sandbox.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.results import verify_results
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.orchestration.test_samples import calls_of, make_sample

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


def ada_files() -> dict[str, str]:
    """ADA EXAMPLE in every shape; the practice may stand anywhere."""
    visit = today_in("America/Chicago")() - timedelta(days=30)
    first, last = f"{visit - timedelta(days=3):%m/%d/%Y}", f"{visit + timedelta(days=3):%m/%d/%Y}"
    person, dates = "ADA,EXAMPLE,05/10/1975", f"{first},{last}"
    names, date_names = "first_name,last_name,date_of_birth", "first_service_date,last_service_date"
    return {
        "claims": f"claim_number,{names}\nFH00000001,{person}\n",
        "patients": f"{names},{date_names}\n{person},{dates}\n",
        "practices": f"practice_id,{names},{date_names}\n1,{person},{dates}\n",
        "practice_fourth": f"{names},practice_id,{date_names}\n{person},1,{dates}\n",
        "practice_and_claim": f"practice_id,claim_number,{names}\n1,FH00000001,{person}\n",
    }


def test_ada_is_found_once_in_every_shape(drops: DropStack) -> None:
    files = ada_files()
    for shape, content in files.items():
        drops.drop(f"ada-{shape}.csv", content.encode())

    for shape in files:
        drops.wait_for_status(f"ada-{shape}.csv", UploadStatus.COMPLETED)
        lines = drops.results_in_outbox(f"ada-{shape}.csv")
        found = [(line["outcome"], line["payer_claim_number"]) for line in lines]
        assert found == [("found", "FH00000001")], shape


def test_a_refused_file_says_what_to_do_in_the_outbox(drops: DropStack) -> None:
    drops.drop("letter.csv", b"%PDF-1.7 not a list of claims")

    drops.wait_for_status("letter.csv", UploadStatus.FAILED)

    notes = lambda: list(drops.outbox.glob("letter.*.refused.txt"))  # noqa: E731
    drops.stack.wait_until(lambda: bool(notes()), what="the note in the outbox")
    [note] = notes()
    assert "CSV" in note.read_text(encoding="utf-8")
