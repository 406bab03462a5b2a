"""A sandbox for the room, and a pipeline for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline_tests.pipeline import Pipeline, running_pipeline


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch) as pipeline:
        yield pipeline
