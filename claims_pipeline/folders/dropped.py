"""Files that others drop into a folder: whether they are whole, and their bytes."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

STABLE_AFTER_S = 5.0
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A dropped file as one look saw it; compared with the look before. Holds no name."""

    device: int
    inode: int
    size: int
    modified_ns: int


def is_complete(state: FileState, *, seen_before: frozenset[FileState], now: datetime) -> bool:
    """Whether nobody is writing the file any more.

    True when it was last written 5 seconds ago or more, or looks the same as at the last scan.
    """
    age_s = now.timestamp() - state.modified_ns / 1e9
    return age_s >= STABLE_AFTER_S or state in seen_before


class StillWrittenError(Exception):
    """Somebody writes to a file that has been taken."""


def state_of(path: Path) -> FileState | None:
    """The file as it is now; None for what is no regular file, or gone."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return FileState(
        device=facts.st_dev,
        inode=facts.st_ino,
        size=facts.st_size,
        modified_ns=facts.st_mtime_ns,
    )


def chunks_of_file(path: Path) -> Iterator[bytes]:
    """The file's bytes; a rename takes no file from a program that has it open.

    Raises:
        StillWrittenError: the file changed while it was read; what was read is of no use.

    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise StillWrittenError
