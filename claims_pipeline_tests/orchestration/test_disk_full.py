"""A disk that fills up while an answered upload's files are written: line 9."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline_tests.folders.test_inbox import files_no_larger_than
from claims_pipeline_tests.orchestration.samples import make_sample, with_notes
from claims_pipeline_tests.orchestration.test_stopping import (
    latest,
    promises_kept,
    tick,
    write_files,
)
from claims_pipeline_tests.pipeline import Pipeline, running_pipeline

# Above all that Dagster writes for a run, below the results.
MOST_BYTES = 3_000_000
ROWS = 60

pytestmark = pytest.mark.postgres


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """A pipeline whose database is no file of this process."""
    sandbox.reset()
    settings = {"CLAIMS_DATABASE_URL": postgresql_url}
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=settings) as pipeline:
        yield pipeline


def test_a_disk_that_is_full_costs_an_answered_upload_only_its_files_and_they_follow(
    pipeline: Pipeline,
) -> None:
    content, _ = make_sample(pipeline.sandbox, Shape.PATIENTS, ROWS)
    upload_id = pipeline.upload(with_notes(content))

    with files_no_larger_than(MOST_BYTES):
        result = pipeline.run(upload_id, ticket=pipeline.ticket(upload_id), raise_on_error=False)

    assert not result.success
    upload = pipeline.get(upload_id)
    assert (upload.status, upload.error_code) == (UploadStatus.COMPLETED, None)
    assert (upload.counts.failed, upload.counts.with_outcome) == (0, ROWS)
    assert latest(pipeline, upload_id).files_written_at is None
    folder = Path(pipeline.settings.resolved_files) / "demo" / upload_id
    assert [path.name for path in folder.iterdir()] == ["upload.csv"]

    write_files(pipeline, upload_id)

    assert promises_kept(pipeline, upload_id)
    assert tick(pipeline) == []
