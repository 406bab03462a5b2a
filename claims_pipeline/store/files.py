"""Where uploads and results are kept as files: one key, one file, visible only when complete.

Keys are `<organization>/<upload id>/<name of ours>`; a client's file name, which is a patient's
data, is never part of one.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from claims_pipeline.errors import FileRefusedError, SettingsError

_FOLDER_MODE = 0o770
_FILE_MODE = 0o640
_KEY_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What was written: size in bytes and SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class FileStore:
    """Files in a folder of this machine. Build one with `open_file_store`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> StoredFile:
        """Write the chunks as they come; the file appears once all are on disk.

        Raises:
            FileRefusedError: `file_too_large`; nothing is left, nor after any other error.

        """
        size = 0
        digest = hashlib.sha256()
        with self.writer(key) as stream:
            for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise FileRefusedError(
                        "file_too_large",
                        f"The file is larger than {max_bytes} bytes; split it into several.",
                    )
                digest.update(chunk)
                stream.write(chunk)
        return StoredFile(size=size, sha256=digest.hexdigest())

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        """A binary stream; the file appears, or is replaced, on a clean exit only."""
        path = self.path(key)
        self._make_folders(path.parent)
        unfinished = path.with_name(f"{_UNFINISHED}{uuid4()}")
        try:
            with open(unfinished, "xb", opener=_private) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def open(self, key: str) -> BinaryIO:
        """The file, to be read and closed by the caller.

        Raises:
            FileNotFoundError: there is no such file.

        """
        return self.path(key).open("rb")

    def exists(self, key: str) -> bool:
        """Whether the file is there, complete."""
        return self.path(key).is_file()

    def delete(self, prefix: str) -> None:
        """Remove the file of this key, or every file below this prefix; none is no error."""
        path = self.path(prefix)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def list_prefix(self, prefix: str = "") -> list[str]:
        """Keys of the complete files below the prefix, of all files without one, in order."""
        folder = self.path(prefix) if prefix else self._root
        return sorted(
            path.relative_to(self._root).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(_UNFINISHED)
        )

    def remove_unfinished(self, before: datetime) -> int:
        """Remove what killed writers left and have not touched since; returns how many files."""
        removed = 0
        for path in self._root.rglob(f"{_UNFINISHED}*"):
            try:
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # Its writer has just finished.
        return removed

    def path(self, key: str) -> Path:
        """Where the file of this key lies.

        Raises:
            ValueError: the key is not made of plain names.

        """
        parts = key.split("/")
        if not all(_KEY_PART.fullmatch(part) for part in parts):
            raise ValueError("a file key is made of letters, digits, dots and hyphens")
        return self._root.joinpath(*parts)

    def _make_folders(self, folder: Path) -> None:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            try:
                path.mkdir()
            except FileExistsError:
                continue  # Another process was faster.
            # The process's umask would take away what the group needs.
            path.chmod(_FOLDER_MODE)
            _sync_folder(path.parent)


def open_file_store(url: str) -> FileStore:
    """The file store at `url`, a path; its folder is made when the first file is written.

    Raises:
        SettingsError: `files_unsupported` for an address of another kind, such as `s3://`.

    """
    path = url.removeprefix("file://")
    if "://" in path or not path:
        raise SettingsError("files_unsupported", "CLAIMS_FILES must be the path of a folder.")
    return FileStore(Path(path).expanduser().absolute())


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, _FILE_MODE)
    os.fchmod(descriptor, _FILE_MODE)
    return descriptor


def _sync_folder(folder: Path) -> None:
    """Make a rename or a new folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
