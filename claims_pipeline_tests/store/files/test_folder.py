"""What only files of this machine have: modes, and halves of files beside them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claims_pipeline.store.files.folder import FolderFileStore

_KEY = "demo/0001/upload.csv"


@pytest.fixture
def store(tmp_path: Path) -> FolderFileStore:
    return FolderFileStore(tmp_path / "files")


def test_files_are_open_to_their_group_only_whatever_the_umask(store: FolderFileStore) -> None:
    before = os.umask(0o077)
    try:
        store.write(_KEY, [b"x"], max_bytes=1)
    finally:
        os.umask(before)
    path = store.path(_KEY)
    assert path.stat().st_mode & 0o777 == 0o640
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o770


def test_what_a_killed_writer_left_is_removed_once_it_is_old(store: FolderFileStore) -> None:
    store.write(_KEY, [b"x"], max_bytes=1)
    left = store.path(_KEY).with_name(".unfinished-1")
    left.write_bytes(b"half")
    now = datetime.now(UTC)
    assert store.remove_unfinished(now - timedelta(hours=1)) == 0
    assert store.remove_unfinished(now + timedelta(hours=1)) == 1
    assert [path.name for path in store.path("demo").rglob("*") if path.is_file()] == ["upload.csv"]
