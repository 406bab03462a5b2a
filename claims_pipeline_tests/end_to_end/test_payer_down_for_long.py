"""An upload whose payer is down goes on by itself under a real daemon, holding no run meanwhile."""

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.files import open_file_store
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.upload_api.on_stack import StackApi

pytestmark = pytest.mark.stack

# Tries, and the tries of the search that tells an outage from a single failure, take half a minute.
_OUTAGE_SEEN_WITHIN_S = 180.0


@pytest.fixture
def drops(calm_stack: StackApi) -> DropStack:
    calm_stack.answer_after(0.0)
    return calm_stack.drops


@pytest.fixture
def sandbox(drops: DropStack) -> Sandbox:
    return drops.sandbox


def test_the_daemon_launches_a_waiting_upload_again_when_the_payer_is_back(
    drops: DropStack, sandbox: Sandbox
) -> None:
    content, sample = make_sample(sandbox, Shape.PATIENTS, 40)
    sandbox.set_faults([{"what": {"status": 503}}])
    drops.drop("waiting.csv", content)
    drops.wait_for_taken("waiting.csv")

    def waits() -> bool:
        upload = drops.upload_named("waiting.csv")
        return upload is not None and upload.waiting_reason == "payer_unavailable"

    drops.stack.wait_until(waits, what="the upload to wait", timeout_s=_OUTAGE_SEEN_WITHIN_S)
    waiting = drops.upload_named("waiting.csv")
    assert waiting is not None
    [run] = drops.stack.dagster.runs(partition=waiting.id)
    drops.stack.wait_until(
        lambda: drops.stack.dagster.run(run.run_id).status == "SUCCESS", what="the run to let go"
    )
    sandbox.set_faults([])

    upload = drops.wait_for_status("waiting.csv", UploadStatus.COMPLETED)
    assert len(drops.results_in_outbox("waiting.csv")) >= len(sample)
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []
    assert (upload.attempt, upload.counts.failed) == (1, 0)
    assert len(drops.stack.dagster.runs(partition=upload.id)) == 2
