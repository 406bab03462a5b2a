"""An upload whose files lie in a bucket goes the same way as any other."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.publishing import file_keys, outcomes_in_file
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples import Shape
from claims_pipeline.store.files import file_store_of
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.orchestration.test_samples import make_sample
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline, running_pipeline
from claims_pipeline_tests.services import ObjectStorage

_ROWS = 60


@pytest.fixture
def pipeline(
    tmp_path: Path,
    sandbox: Sandbox,
    object_storage: ObjectStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pipeline]:
    sandbox.reset()
    settings = object_storage.settings(f"test/{uuid4()}")
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
    names = [key.rpartition("/")[2] for key in files.list_prefix(f"{ORGANIZATION}/{upload_id}")]
    assert names == ["rejected.csv", "results.csv", "results.xlsx", "upload.csv"]
    assert outcomes_in_file(files, file_keys(upload).results_csv).total() == len(sample)
    home = pipeline.settings.resolved_home
    assert not (home / "files").exists()
    assert list((home / "scratch").iterdir()) == []
