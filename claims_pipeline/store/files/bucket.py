"""The file store in a bucket of an object storage that speaks S3.

An object appears when its upload is completed and not before, so that no file is ever seen half
written. Every object asks to be encrypted at rest.
"""

# ruff: noqa: D102 - what the methods do stands in FileStore

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from aiohttp import ClientError as ConnectionBrokenError
from botocore.exceptions import BotoCoreError
from s3fs import S3FileSystem

from claims_pipeline.errors import FilesUnreachableError, SettingsError
from claims_pipeline.settings import Settings
from claims_pipeline.store.files.base import FileStore, parts_of
from claims_pipeline.store.files.scratch import remove_old_scratch, scratch_below

# What is held in memory of each open file; S3 wants parts of 5 MiB at least.
_BLOCK_BYTES = 8 * 1024 * 1024
_READ_BYTES = 1024 * 1024
_DELETED_AT_ONCE = 1000
_CONNECTION = {
    "connect_timeout": 5,
    "read_timeout": 30,
    "retries": {"max_attempts": 3, "mode": "standard"},
}


def open_object_files(settings: Settings) -> FileStore:
    """The file store at `s3://<bucket>/<prefix>`; nothing is connected yet.

    Without keys in the settings, the machine's own role is used.

    Raises:
        SettingsError: `files_unsupported` for an address without a bucket or with odd names.

    """
    bucket, _, prefix = settings.resolved_files.removeprefix("s3://").strip("/").partition("/")
    try:
        parts = parts_of(f"{bucket}/{prefix}" if prefix else bucket)
    except ValueError:
        raise SettingsError(
            "files_unsupported", "CLAIMS_FILES must name a bucket: s3://<bucket>/<prefix>."
        ) from None
    secret = settings.s3_secret_access_key
    storage = S3FileSystem(
        key=settings.s3_access_key_id,
        secret=None if secret is None else secret.get_secret_value(),
        endpoint_url=settings.s3_endpoint_url,
        client_kwargs={"region_name": settings.s3_region},
        config_kwargs=_CONNECTION,
        s3_additional_kwargs=_encryption(settings),
        use_listings_cache=False,
        default_block_size=_BLOCK_BYTES,
    )
    return ObjectFileStore(
        storage,
        bucket=bucket,
        prefix="".join(f"{part}/" for part in parts[1:]),
        scratch=settings.resolved_home / "scratch",
    )


class ObjectFileStore(FileStore):
    """Files as objects of one bucket; `scratch` is a folder of this machine."""

    def __init__(self, storage: S3FileSystem, *, bucket: str, prefix: str, scratch: Path) -> None:
        self._storage = storage
        self._bucket = bucket
        self._prefix = prefix
        self._scratch = scratch

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        address = self._address(key)
        with _errors_of_ours():
            upload = self._storage.open(address, "wb")
        try:
            yield cast("BinaryIO", _Stream(upload))
            with _errors_of_ours():
                upload.close()
        except BaseException:
            # Else it would be completed when it is thrown away.
            upload.closed = True
            with suppress(FilesUnreachableError, SettingsError), _errors_of_ours():
                upload.discard()
            raise

    def open(self, key: str) -> BinaryIO:
        address = self._address(key)
        with _errors_of_ours(may_be_missing=True):
            return io.BufferedReader(
                _Stream(self._storage.open(address, "rb")), buffer_size=_READ_BYTES
            )

    def exists(self, key: str) -> bool:
        address = self._address(key)
        with _errors_of_ours():
            return bool(self._storage.exists(address))

    def delete(self, prefix: str) -> None:
        names = [self._name(prefix), *(name for name, _ in self._objects(f"{prefix}/"))]
        for start in range(0, len(names), _DELETED_AT_ONCE):
            objects = [{"Key": name} for name in names[start : start + _DELETED_AT_ONCE]]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                raise FilesUnreachableError

    def written_before(self, before: datetime) -> Iterator[str]:
        for name, written_at in self._objects(""):
            if written_at < before:
                yield name.removeprefix(self._prefix)

    def remove_unfinished(self, before: datetime) -> int:
        removed = remove_old_scratch(self._scratch, before)
        for upload in list(self._open_uploads()):
            if upload["Initiated"] < before:
                self._call("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
                removed += 1
        return removed

    def location(self, key: str) -> str:
        return f"s3://{self._address(key)}"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with scratch_below(self._scratch) as folder:
            yield folder

    def _name(self, key: str) -> str:
        return self._prefix + "/".join(parts_of(key))

    def _address(self, key: str) -> str:
        return f"{self._bucket}/{self._name(key)}"

    def _objects(self, below: str) -> Iterator[tuple[str, datetime]]:
        """Name and instant of writing of every object whose key begins with `below`."""
        for page in self._pages(
            "list_objects_v2",
            {"ContinuationToken": "NextContinuationToken"},
            Prefix=self._prefix + below,
        ):
            for item in page.get("Contents", ()):
                yield item["Key"], item["LastModified"]

    def _open_uploads(self) -> Iterator[dict[str, Any]]:
        for page in self._pages(
            "list_multipart_uploads",
            {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"},
            Prefix=self._prefix,
        ):
            yield from page.get("Uploads", ())

    def _pages(
        self, operation: str, markers: dict[str, str], **parameters: str
    ) -> Iterator[dict[str, Any]]:
        """All pages of a listing; `markers` says which field of a page leads to the next."""
        page = self._call(operation, **parameters)
        yield page
        while page.get("IsTruncated"):
            following = {name: page[field] for name, field in markers.items()}
            page = self._call(operation, **parameters, **following)
            yield page

    def _call(self, operation: str, **parameters: object) -> dict[str, Any]:
        with _errors_of_ours():
            answer: dict[str, Any] = self._storage.call_s3(
                operation, Bucket=self._bucket, **parameters
            )
        return answer


class _Stream(io.RawIOBase):
    """A file of the storage as Python's own kind, whose errors are ours."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return bool(self._file.readable())

    def writable(self) -> bool:
        return bool(self._file.writable())

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        # Only moves a number; refused while writing, as Python's own streams refuse it.
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:
        with _errors_of_ours():
            chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def write(self, chunk: Any, /) -> int:
        with _errors_of_ours():
            return int(self._file.write(chunk))

    def close(self) -> None:
        # What is written is completed, or thrown away, by the writer alone.
        if not self.closed and self._file.readable():
            self._file.close()
        super().close()


@contextmanager
def _errors_of_ours(*, may_be_missing: bool = False) -> Iterator[None]:
    """Turn the storage's errors into ours, which name neither keys nor addresses."""
    try:
        yield
    except FileNotFoundError:
        if may_be_missing:
            raise FileNotFoundError("there is no such file") from None
        raise SettingsError(
            "files_bucket_missing", "The bucket that CLAIMS_FILES names does not exist."
        ) from None
    except PermissionError:
        raise SettingsError(
            "files_refused",
            "The object storage refuses our credentials; check CLAIMS_S3_ACCESS_KEY_ID, "
            "CLAIMS_S3_SECRET_ACCESS_KEY and what they may do.",
        ) from None
    except (OSError, BotoCoreError, ConnectionBrokenError):
        raise FilesUnreachableError from None


def _encryption(settings: Settings) -> dict[str, str]:
    if settings.s3_kms_key_id is None:
        return {"ServerSideEncryption": "AES256"}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.s3_kms_key_id}
