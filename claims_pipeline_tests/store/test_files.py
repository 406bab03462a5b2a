"""A file appears when it is complete, for its group only, and under names of ours."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claims_pipeline.errors import FileRefusedError, SettingsError
from claims_pipeline.store.files import FileStore, open_file_store

_KEY = "demo/0001/upload.csv"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return open_file_store(str(tmp_path / "files"))


def _everything(store: FileStore) -> list[Path]:
    return [path for path in store.path("demo").rglob("*") if path.is_file()]


def test_a_written_file_is_read_back_with_its_size_and_digest(store: FileStore) -> None:
    stored = store.write(_KEY, [b"one", b"", b"two"], max_bytes=6)
    assert (stored.size, stored.sha256) == (6, hashlib.sha256(b"onetwo").hexdigest())
    with store.open(_KEY) as stream:
        assert stream.read() == b"onetwo"
    assert store.exists(_KEY)


def test_a_file_that_is_too_large_leaves_nothing(store: FileStore) -> None:
    with pytest.raises(FileRefusedError) as caught:
        store.write(_KEY, [b"one", b"two"], max_bytes=5)
    assert caught.value.code == "file_too_large"
    assert not store.exists(_KEY)
    assert _everything(store) == []


def test_a_source_that_breaks_off_leaves_nothing(store: FileStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"one"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.write(_KEY, chunks(), max_bytes=100)
    assert _everything(store) == []


def test_a_file_is_invisible_until_its_writer_is_done(store: FileStore) -> None:
    with store.writer(_KEY) as stream:
        stream.write(b"new")
        assert not store.exists(_KEY)
        assert store.list_prefix() == []
    assert store.list_prefix() == [_KEY]


def test_a_failed_rewrite_keeps_the_old_file(store: FileStore) -> None:
    store.write(_KEY, [b"old"], max_bytes=100)

    def rewrite() -> None:
        with store.writer(_KEY) as stream:
            stream.write(b"new")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        rewrite()
    assert store.path(_KEY).read_bytes() == b"old"
    assert _everything(store) == [store.path(_KEY)]


def test_files_are_open_to_their_group_only_whatever_the_umask(store: FileStore) -> None:
    before = os.umask(0o077)
    try:
        store.write(_KEY, [b"x"], max_bytes=1)
    finally:
        os.umask(before)
    path = store.path(_KEY)
    assert path.stat().st_mode & 0o777 == 0o640
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o770


def test_files_are_listed_and_deleted_by_prefix(store: FileStore) -> None:
    keys = ["demo/1/results.csv", "demo/1/upload.csv", "demo/10/upload.csv", "other/1/upload.csv"]
    for key in keys:
        store.write(key, [b"x"], max_bytes=1)
    assert store.list_prefix("demo/1") == keys[:2]
    assert store.list_prefix("demo") == keys[:3]
    assert store.list_prefix() == keys
    store.delete("demo/1")
    store.delete("demo/1")
    store.delete("other/1/upload.csv")
    assert store.list_prefix() == ["demo/10/upload.csv"]
    assert store.list_prefix("nobody") == []


def test_what_a_killed_writer_left_is_removed_once_it_is_old(store: FileStore) -> None:
    store.write(_KEY, [b"x"], max_bytes=1)
    left = store.path(_KEY).with_name(".unfinished-1")
    left.write_bytes(b"half")
    now = datetime.now(UTC)
    assert store.remove_unfinished(now - timedelta(hours=1)) == 0
    assert store.remove_unfinished(now + timedelta(hours=1)) == 1
    assert _everything(store) == [store.path(_KEY)]


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "demo/../other", "demo//x", ".hidden", "demo/.x", "a b", "demo/x\x00"],
)
def test_a_key_never_leads_out_of_the_store(store: FileStore, key: str) -> None:
    for use in (store.path, store.open, store.exists, store.delete):
        with pytest.raises(ValueError, match="file key"):
            use(key)


@pytest.mark.parametrize("url", ["", "s3://bucket/prefix"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_file_store(url)
    assert caught.value.code == "files_unsupported"
