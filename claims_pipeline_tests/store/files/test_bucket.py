"""What only a bucket has: credentials, encryption, uploads in parts, and being away."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.cli.local.processes import free_port
from claims_pipeline.errors import FilesUnreachableError, SettingsError
from claims_pipeline.settings import load_settings
from claims_pipeline.store.files import FileStore, file_store_of
from claims_pipeline_tests.services import ObjectStorage
from claims_pipeline_tests.store.files.listing import keys_of

_KEY = "demo/0001/upload.csv"
_PART = b"0123456789abcdef" * 65536


@pytest.fixture
def environment(object_storage: ObjectStorage, tmp_path: Path) -> dict[str, str]:
    return {"CLAIMS_HOME": str(tmp_path), **object_storage.settings(f"test/{uuid4()}")}


def _open(environment: dict[str, str], **changes: str) -> FileStore:
    return file_store_of(load_settings({**environment, **changes}))


def _use_everything(store: FileStore) -> list[BaseException]:
    """What each operation raises."""
    caught = []
    for use in (
        lambda: store.write(_KEY, [b"x"], max_bytes=100),
        lambda: store.write(_KEY, [_PART] * 20, max_bytes=100 * len(_PART)),
        lambda: store.open(_KEY),
        lambda: store.exists(_KEY),
        lambda: store.delete("demo"),
        lambda: keys_of(store, "demo"),
        lambda: store.remove_unfinished(datetime.now(UTC)),
    ):
        with pytest.raises(Exception) as error:  # noqa: PT011 - which, the test says
            use()
        caught.append(error.value)
    return caught


@pytest.mark.parametrize("parts", [1, 20])
def test_every_object_is_encrypted_at_rest(
    object_storage: ObjectStorage, environment: dict[str, str], parts: int
) -> None:
    _open(environment).write(_KEY, [_PART] * parts, max_bytes=100 * len(_PART))
    name = f"{environment['CLAIMS_FILES'].removeprefix('s3://')}/{_KEY}"
    bucket, _, key = name.partition("/")
    head = object_storage.client().call_s3("head_object", Bucket=bucket, Key=key)
    assert head["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("name", "value"),
    [("CLAIMS_S3_SECRET_ACCESS_KEY", "wrong"), ("CLAIMS_S3_ACCESS_KEY_ID", "nobody")],
)
def test_wrong_credentials_are_named_as_such_whatever_is_done(
    environment: dict[str, str], name: str, value: str
) -> None:
    for error in _use_everything(_open(environment, **{name: value})):
        assert isinstance(error, SettingsError)
        assert error.code == "files_refused"
        assert error.__suppress_context__
        assert environment["CLAIMS_S3_SECRET_ACCESS_KEY"] not in repr(error)


def test_a_missing_bucket_is_named_as_such(environment: dict[str, str]) -> None:
    store = _open(environment, CLAIMS_FILES="s3://no-such-bucket/files")
    with pytest.raises(SettingsError) as caught:
        keys_of(store)
    assert caught.value.code == "files_bucket_missing"


def test_a_storage_that_is_away_is_worth_another_try(environment: dict[str, str]) -> None:
    away = _open(environment, CLAIMS_S3_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    for use in (lambda: away.exists(_KEY), lambda: away.write(_KEY, [b"x"], max_bytes=1)):
        with pytest.raises(FilesUnreachableError):
            use()


def test_the_parts_of_a_killed_writer_are_removed_once_they_are_old(
    environment: dict[str, str],
) -> None:
    store = _open(environment)
    killed = store.writer(_KEY)
    stream = killed.__enter__()
    for _ in range(20):
        stream.write(_PART)
    now = datetime.now(UTC)
    assert store.remove_unfinished(now - timedelta(hours=1)) == 0
    assert store.remove_unfinished(now + timedelta(hours=1)) == 1
    assert store.remove_unfinished(now + timedelta(hours=1)) == 0
    assert not store.exists(_KEY)


def test_stores_below_different_prefixes_do_not_see_each_other(
    object_storage: ObjectStorage, environment: dict[str, str]
) -> None:
    one, other = (
        _open(environment, **object_storage.settings(f"test/{uuid4()}")) for _ in range(2)
    )
    one.write(_KEY, [b"x"], max_bytes=1)
    other.delete("demo")
    assert (keys_of(one), keys_of(other)) == ([_KEY], [])
    assert one.location(_KEY).startswith("s3://")
