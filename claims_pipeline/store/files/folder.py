"""The file store in a folder of this machine."""

# ruff: noqa: D102 - what the methods do stands in FileStore

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from claims_pipeline.store.files.base import UNFINISHED, FileStore, parts_of
from claims_pipeline.store.files.scratch import remove_old_scratch, scratch_below

_FOLDER_MODE = 0o770
_FILE_MODE = 0o640


class FolderFileStore(FileStore):
    """Files below one folder, each open to its owner and group only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        path = self.path(key)
        make_folder(path.parent)
        unfinished = path.with_name(f"{UNFINISHED}{uuid4()}")
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
        return self.path(key).open("rb")

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def delete(self, prefix: str) -> None:
        path = self.path(prefix)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def written_before(self, before: datetime) -> Iterator[str]:
        for path in self._root.rglob("*"):
            key = path.relative_to(self._root)
            if any(part.startswith(UNFINISHED) for part in key.parts):
                continue
            try:
                if path.is_file() and path.stat().st_mtime < before.timestamp():
                    yield key.as_posix()
            except FileNotFoundError:
                continue  # It has just been removed.

    def remove_unfinished(self, before: datetime) -> int:
        return remove_old_scratch(self._root, before)

    def location(self, key: str) -> str:
        return str(self.path(key))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        make_folder(self._root)
        with scratch_below(self._root) as folder:
            yield folder

    def path(self, key: str) -> Path:
        """Where the file of this key lies."""
        return self._root.joinpath(*parts_of(key))


def make_folder(folder: Path) -> None:
    """Make a folder and those missing above it, each open to its owner and group only."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        try:
            path.mkdir(mode=_FOLDER_MODE)
        except FileExistsError:
            continue  # Another process was faster.
        # The process's umask would take away what the group needs.
        path.chmod(_FOLDER_MODE)
        _sync_folder(path.parent)


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
