"""An upload whose files lie in a bucket goes the same way as any other, also when it is away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.folders.result_files import file_keys, outcomes_in_file
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.files import file_store_of
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.orchestration.test_stopping import latest, tick, when, write_files
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline, running_pipeline
from claims_pipeline_tests.relay import Relay, running_relay
from claims_pipeline_tests.services import ObjectStorage
from claims_pipeline_tests.store.files.listing import keys_of

_ROWS = 60


@pytest.fixture
def relay(object_storage: ObjectStorage) -> Iterator[Relay]:
    """The only way to the object storage."""
    with running_relay(int(object_storage.endpoint_url.rpartition(":")[2])) as relay:
        yield relay


@pytest.fixture
def pipeline(
    tmp_path: Path,
    sandbox: Sandbox,
    object_storage: ObjectStorage,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pipeline]:
    sandbox.reset()
    reached = replace(object_storage, endpoint_url=f"http://127.0.0.1:{relay.port}")
    settings = reached.settings(f"test/{uuid4()}")
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=settings) as pipeline:
        yield pipeline


def test_results_are_written_to_the_bucket_and_nothing_stays_on_this_machine(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    content, sample = make_sample(sandbox, Shape.CLAIMS, _ROWS)
    upload_id = pipeline.upload(content)

    assert pipeline.run(upload_id).success

    upload = pipeline.get(upload_id)
    files = file_store_of(pipeline.settings)
    assert upload.status is UploadStatus.COMPLETED
    assert broken_promises(pipeline.engine, files, upload_id) == []
    names = [key.rpartition("/")[2] for key in keys_of(files, f"{ORGANIZATION}/{upload_id}")]
    assert names == ["lines.csv", "rejected.csv", "results.csv", "results.xlsx", "upload.csv"]
    assert outcomes_in_file(files, file_keys(upload).results_csv).total() == len(sample)
    home = pipeline.settings.resolved_home
    assert not (home / "files").exists()
    assert list((home / "scratch").iterdir()) == []


def test_a_storage_that_is_away_costs_an_answered_upload_only_its_files_and_they_follow(
    pipeline: Pipeline, sandbox: Sandbox, relay: Relay
) -> None:
    content, _ = make_sample(sandbox, Shape.CLAIMS, _ROWS)
    upload_id = pipeline.upload(content)

    cutting = when(lambda: pipeline.get(upload_id).counts.with_outcome == _ROWS, relay.cut)
    result = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id), raise_on_error=False)
    cutting.join()

    assert not result.success
    upload = pipeline.get(upload_id)
    assert (upload.status, upload.error_code) == (UploadStatus.COMPLETED, None)
    assert (upload.counts.failed, upload.counts.with_outcome) == (0, _ROWS)
    assert latest(pipeline, upload_id).files_written_at is None

    relay.repair()
    write_files(pipeline, upload_id)

    files = file_store_of(pipeline.settings)
    assert broken_promises(pipeline.engine, files, upload_id) == []
    assert tick(pipeline) == []
