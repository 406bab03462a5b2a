"""Puts 276 files into the outgoing folder: one at a time, by rename."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine

from claims_pipeline.folders.mailbox.mailbox import Mailbox
from claims_pipeline.payers.x12.writing import WrittenFile, write_file
from claims_pipeline.store.x12.outgoing import bind_file, mark_sent

_MOST_FILES = 1_000
_FILE_MODE = 0o640


def send_out(
    engine: Engine,
    mailbox: Mailbox,
    *,
    now: Callable[[], datetime],
    quiet: timedelta = timedelta(0),
) -> int:
    """Write what is queued for the partner; gives how many files were put into its folder.

    A file that was bound and not sent, by a process that is gone, is written first, again. While
    inquiries are still being queued, `quiet` waits for more of them to fill a file.
    """
    mailbox.prepare()
    for written in range(_MOST_FILES):
        bound = bind_file(engine, mailbox.organization_id, mailbox.partner, now=now(), quiet=quiet)
        if bound is None:
            return written
        file = write_file(bound.sets, partner=mailbox.partner, control=bound.control, at=bound.at)
        put(mailbox.outgoing, file_name(file), file.content)
        mark_sent(
            engine,
            bound.id,
            mailbox.partner,
            references=[(one.control, one.reference) for one in file.sets],
            now=now(),
        )
    return _MOST_FILES


def file_name(file: WrittenFile) -> str:
    """Its control number, and nothing else: names of files are seen by many."""
    return f"276-{file.interchange}.x12"


def put(folder: Path, name: str, content: bytes) -> None:
    """Write a file that appears whole, and outlives a loss of power."""
    temporary = folder / f".{name}.{uuid4().hex}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(folder / name)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
