"""A place to keep uploads, for each test of this room."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from claims_pipeline.store.files import open_file_store
from claims_pipeline_tests.operations.retention.builders import Keeping


@pytest.fixture
def keeping(engine: Engine, tmp_path: Path) -> Keeping:
    return Keeping(
        engine=engine,
        files=open_file_store(str(tmp_path / "files")),
        outbox=tmp_path / "outbox",
    )
