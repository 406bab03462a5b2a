"""Folders for what is half done, and what killed writers left of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from claims_pipeline.store.files.base import UNFINISHED

_SCRATCH_MODE = 0o700


@contextmanager
def scratch_below(folder: Path) -> Iterator[Path]:
    """A folder of one's own below `folder`, which is there; removed at the end."""
    scratch = folder / f"{UNFINISHED}{uuid4()}"
    scratch.mkdir(mode=_SCRATCH_MODE)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def remove_old_scratch(root: Path, before: datetime) -> int:
    """Remove unfinished files and scratch folders below `root` that are older; how many."""
    removed = 0
    for path in list(root.rglob(f"{UNFINISHED}*")):
        try:
            if _last_touched(path) >= before.timestamp():
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue  # Its writer has just finished.
        removed += 1
    return removed


def _last_touched(path: Path) -> float:
    """Of a scratch folder, when any file in it was; in seconds since 1970."""
    return max(each.stat().st_mtime for each in (path, *path.rglob("*")))
