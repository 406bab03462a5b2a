"""One key, one file, visible only when complete.

Keys are `<organization>/<upload id>/<name of ours>`; a client's file name, which is a patient's
data, is never part of one.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from claims_pipeline.errors import FileRefusedError

# What no reader takes for a file: a writer is at work on it, or was killed.
UNFINISHED = ".unfinished-"
_KEY_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What was written: size in bytes and SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class FileStore(ABC):
    """Files by key. Open the one that the settings name with `file_store_of`.

    A key that is not made of plain names raises ValueError, whatever is done with it.
    """

    def write(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> StoredFile:
        """Write the chunks as they come; the file appears once all are safe.

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

    @abstractmethod
    def writer(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A binary stream; the file appears, or is replaced, on a clean exit only.

        It may not be seekable.
        """

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """The file, to be read and closed by the caller.

        Raises:
            FileNotFoundError: there is no such file.

        """

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether the file is there, complete."""

    @abstractmethod
    def delete(self, prefix: str) -> None:
        """Remove the file of this key, or every file below this prefix; none is no error."""

    @abstractmethod
    def written_before(self, before: datetime) -> Iterator[str]:
        """Keys of the complete files that were last written before then, in no order."""

    @abstractmethod
    def remove_unfinished(self, before: datetime) -> int:
        """Remove what killed writers left and have not touched since; returns how many."""

    @abstractmethod
    def location(self, key: str) -> str:
        """Where the file of this key lies, for people: a path, or an address."""

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for what is half done, closed to others and removed at the end.

        Patients' data must not lie in the system's own temporary folder.
        """


def parts_of(key: str) -> list[str]:
    """The names that a key is made of.

    Raises:
        ValueError: they are not plain names.

    """
    parts = key.split("/")
    if not all(_KEY_PART.fullmatch(part) for part in parts):
        raise ValueError("a file key is made of letters, digits, dots and hyphens")
    return parts
