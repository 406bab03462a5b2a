"""A file appears when it is complete and under names of ours, in a folder as in a bucket."""

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zipfile import ZipFile

import pytest

from claims_pipeline.errors import FileRefusedError, SettingsError
from claims_pipeline.settings import load_settings
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline_tests.store.files.listing import keys_of

_KEY = "demo/0001/upload.csv"
# More than is held in memory, so that an object is written in parts.
_PART = b"0123456789abcdef" * 65536


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    environment = {"CLAIMS_HOME": str(tmp_path)}
    if request.param == "bucket":
        storage = request.getfixturevalue("object_storage")
        environment.update(storage.settings(f"test/{uuid4()}"))
    return file_store_of(load_settings(environment))


def _now() -> datetime:
    return datetime.now(UTC)


def _leftovers(store: FileStore) -> int:
    return store.remove_unfinished(_now() + timedelta(hours=1))


def test_a_written_file_is_read_back_with_its_size_and_digest(store: FileStore) -> None:
    stored = store.write(_KEY, [b"one", b"", b"two"], max_bytes=6)
    assert (stored.size, stored.sha256) == (6, hashlib.sha256(b"onetwo").hexdigest())
    with store.open(_KEY) as stream:
        assert stream.read() == b"onetwo"
    assert store.exists(_KEY)


@pytest.mark.parametrize("parts", [0, 1, 20])
def test_a_file_of_any_size_comes_back_byte_for_byte(store: FileStore, parts: int) -> None:
    stored = store.write(_KEY, [_PART] * parts, max_bytes=100 * len(_PART))
    with store.open(_KEY) as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == stored.sha256
    assert stored.size == parts * len(_PART)


def test_a_file_that_is_too_large_leaves_nothing(store: FileStore) -> None:
    with pytest.raises(FileRefusedError) as caught:
        store.write(_KEY, [_PART] * 20, max_bytes=19 * len(_PART))
    assert caught.value.code == "file_too_large"
    assert not store.exists(_KEY)
    assert (keys_of(store), _leftovers(store)) == ([], 0)


def test_a_source_that_breaks_off_leaves_nothing(store: FileStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"one"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.write(_KEY, chunks(), max_bytes=100)
    assert (keys_of(store), _leftovers(store)) == ([], 0)


def test_a_file_is_invisible_until_its_writer_is_done(store: FileStore) -> None:
    with store.writer(_KEY) as stream:
        for _ in range(20):
            stream.write(_PART)
        assert not store.exists(_KEY)
        assert keys_of(store) == []
    assert keys_of(store) == [_KEY]


def test_a_failed_rewrite_keeps_the_old_file(store: FileStore) -> None:
    store.write(_KEY, [b"old"], max_bytes=100)

    def rewrite() -> None:
        with store.writer(_KEY) as stream:
            stream.write(b"new")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        rewrite()
    with store.open(_KEY) as stream:
        assert stream.read() == b"old"
    assert (keys_of(store), _leftovers(store)) == ([_KEY], 0)


def test_an_archive_can_be_written_as_it_comes(store: FileStore) -> None:
    with store.writer(_KEY) as stream, ZipFile(stream, "w") as archive:
        archive.writestr("sheet.xml", "<sheet/>")
    with store.open(_KEY) as stream, ZipFile(io.BytesIO(stream.read())) as archive:
        assert archive.read("sheet.xml") == b"<sheet/>"


def test_files_are_listed_and_deleted_by_prefix(store: FileStore) -> None:
    keys = ["demo/1/results.csv", "demo/1/upload.csv", "demo/10/upload.csv", "other/1/upload.csv"]
    for key in keys:
        store.write(key, [b"x"], max_bytes=1)
    assert keys_of(store, "demo/1") == keys[:2]
    assert keys_of(store, "demo") == keys[:3]
    assert keys_of(store) == keys
    store.delete("demo/1")
    store.delete("demo/1")
    store.delete("other/1/upload.csv")
    assert keys_of(store) == ["demo/10/upload.csv"]


def test_old_files_are_told_from_young_ones(store: FileStore) -> None:
    store.write(_KEY, [b"x"], max_bytes=1)
    assert list(store.written_before(_now() - timedelta(hours=1))) == []
    assert list(store.written_before(_now() + timedelta(hours=1))) == [_KEY]


def test_a_scratch_folder_is_closed_to_others_and_goes_at_the_end(store: FileStore) -> None:
    with store.scratch() as folder:
        (folder / "half").write_bytes(b"x")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert keys_of(store) == []
    assert not folder.exists()


def test_the_scratch_folder_of_a_killed_writer_is_removed_once_it_is_old(store: FileStore) -> None:
    killed = store.scratch()
    folder = killed.__enter__()
    (folder / "half").write_bytes(b"x")
    assert store.remove_unfinished(_now() - timedelta(hours=1)) == 0
    assert store.remove_unfinished(_now() + timedelta(hours=1)) == 1
    assert not folder.exists()


def test_a_missing_file_is_told_from_an_unreadable_one(store: FileStore) -> None:
    assert not store.exists(_KEY)
    with pytest.raises(FileNotFoundError):
        store.open(_KEY)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "demo/../other", "demo//x", ".hidden", "demo/.x", "a b", "demo/x\x00"],
)
def test_a_key_never_leads_out_of_the_store(store: FileStore, key: str) -> None:
    for use in (store.location, store.open, store.exists, store.delete):
        with pytest.raises(ValueError, match="file key"):
            use(key)
    with pytest.raises(ValueError, match="file key"), store.writer(key):
        pytest.fail("nothing may be written")


@pytest.mark.parametrize(
    "url", ["gs://bucket/prefix", "s3://", "s3://bucket/a b", "s3://bucket/.."]
)
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        file_store_of(load_settings({"CLAIMS_FILES": url}))
    assert caught.value.code == "files_unsupported"
