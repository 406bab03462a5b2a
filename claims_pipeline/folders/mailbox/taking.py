"""Takes files out of the incoming folder and keeps what they say.

What a file is, its content tells and never its name. A file is set aside before it is read, so
that no replacement gets mixed into it, and is read anew where a crash left it half read: what was
kept of it already changes nothing.
"""

import hashlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Engine

from claims_pipeline.folders.dropped import (
    FileState,
    StillWrittenError,
    chunks_of_file,
    is_complete,
    state_of,
)
from claims_pipeline.folders.mailbox.mailbox import KEPT_OUT, READ, TAKEN, Mailbox, is_wanted
from claims_pipeline.payers.x12.reading import read_replies
from claims_pipeline.payers.x12.replies import FileTally, Reply
from claims_pipeline.store.database import writing
from claims_pipeline.store.files import make_folder
from claims_pipeline.store.x12.incoming import Applied, apply
from claims_pipeline.store.x12.received import record

_logger = logging.getLogger(__name__)

_TOGETHER = 500
_TAKE_FOR_S = 25.0

# Told of references whose queries may be looked at now, in the transaction that keeps why.
OnAnswered = Callable[[Connection, Iterable[str]], None]


class Kind(StrEnum):
    """What a file was."""

    READ = "read"
    KEPT_OUT = "kept_out"
    LEFT = "left"


@dataclass(slots=True, kw_only=True)
class Taken:
    """What one look into the incoming folder came to, as counts."""

    files: Counter[Kind] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: tuple[FileState, ...] = ()


def take_in(
    engine: Engine,
    mailbox: Mailbox,
    *,
    seen_before: frozenset[FileState],
    on_answered: OnAnswered,
    now: Callable[[], datetime],
    take_for_s: float = _TAKE_FOR_S,
) -> Taken:
    """Take every complete file, and finish those that were left half read.

    Args:
        engine: the database.
        mailbox: whose folder it is.
        seen_before: files as the last look saw them; unchanged since, they are whole.
        on_answered: called for inquiries that have an answer now, or an error in its place.
        now: the clock.
        take_for_s: no further file is begun after so many seconds.

    """
    mailbox.prepare()
    taken = Taken()
    until = time.monotonic() + take_for_s
    for path in _files_to_read(mailbox, seen_before, now(), taken):
        try:
            kind = _read(engine, mailbox, path, on_answered=on_answered, now=now, taken=taken)
        except (OSError, StillWrittenError) as error:
            _logger.warning("an incoming file could not be read: %s", type(error).__name__)
            kind = Kind.LEFT
        taken.files[kind] += 1
        if time.monotonic() > until:
            break
    return taken


def _files_to_read(
    mailbox: Mailbox, seen_before: frozenset[FileState], now: datetime, taken: Taken
) -> Iterator[Path]:
    """Files that are set aside already, or now."""
    aside = mailbox.incoming / TAKEN
    if aside.is_dir():
        yield from sorted(path for path in aside.iterdir() if path.is_file())
    waiting: list[FileState] = []
    with os.scandir(mailbox.incoming) as entries:
        paths = sorted(
            Path(entry.path)
            for entry in entries
            if is_wanted(entry.name) and entry.is_file(follow_symlinks=False)
        )
    for path in paths:
        state = state_of(path)
        if state is None:
            continue
        if not is_complete(state, seen_before=seen_before, now=now):
            waiting.append(state)
            taken.waiting = tuple(waiting)
            continue
        make_folder(aside)
        moved = aside / str(uuid4())
        try:
            path.rename(moved)
        except OSError:
            taken.files[Kind.LEFT] += 1
            continue
        yield moved


def _read(
    engine: Engine,
    mailbox: Mailbox,
    path: Path,
    *,
    on_answered: OnAnswered,
    now: Callable[[], datetime],
    taken: Taken,
) -> Kind:
    """Read one file that is set aside, and put it where files lie that were read."""
    before = state_of(path)
    digest = hashlib.sha256()
    tally = FileTally()
    counts: Counter[str] = Counter()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks_of_file(path):
            digest.update(chunk)
            yield chunk

    for replies in _together(read_replies(hashed(), tally)):
        applied = Applied()
        with writing(engine) as connection:
            apply(
                connection,
                mailbox.organization_id,
                mailbox.partner,
                replies,
                applied=applied,
                now=now(),
            )
            on_answered(connection, applied.references)
        counts += applied.counts
    if state_of(path) != before:
        # Who wrote it had it open: there is more to come.
        raise StillWrittenError
    is_ours = tally.sets_277 + tally.sets_999 + tally.interchange_acks > 0
    counts += Counter(tally.counts())
    with writing(engine) as connection:
        record(
            connection,
            organization_id=mailbox.organization_id,
            partner=mailbox.partner.name,
            sha256=digest.hexdigest(),
            size=tally.bytes.bytes_read,
            counts=dict(counts),
            now=now(),
        )
    kept = mailbox.incoming / (READ if is_ours else KEPT_OUT)
    make_folder(kept)
    path.rename(kept / path.name)
    taken.counts += counts
    return Kind.READ if is_ours else Kind.KEPT_OUT


def _together(replies: Iterator[Reply]) -> Iterator[list[Reply]]:
    while batch := list(islice(replies, _TOGETHER)):
        yield batch
