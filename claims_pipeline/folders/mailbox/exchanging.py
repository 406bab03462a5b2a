"""Everything that is to be done at all mailboxes, once: take, send, and wake who waits."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from claims_pipeline.folders.dropped import FileState
from claims_pipeline.folders.mailbox.mailbox import Mailbox
from claims_pipeline.folders.mailbox.sending import send_out
from claims_pipeline.folders.mailbox.taking import take_in
from claims_pipeline.store.database import writing
from claims_pipeline.store.x12.partners import all_partners
from claims_pipeline.store.x12.waking import look_now, wake_attempts

_logger = logging.getLogger(__name__)

# A file is begun when its upload has queued all that it asks.
_QUIET = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class Exchanged:
    """What one round came to: counts, files that are still being written, attempts woken."""

    mailboxes: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    waiting: tuple[FileState, ...] = ()
    woken: int = 0

    @property
    def has_news(self) -> bool:
        """Whether a file went or came."""
        return bool(self.counts["files_sent"] or self.counts["files_taken"])


def exchange(
    engine: Engine,
    base: Path,
    *,
    seen_before: frozenset[FileState],
    now: Callable[[], datetime],
    quiet: timedelta = _QUIET,
) -> Exchanged:
    """Look into every active partner's mailbox once; one that is away stops no other."""
    found = Exchanged()
    for organization_id, partner in all_partners(engine):
        mailbox = Mailbox(organization_id=organization_id, partner=partner, base=base)
        found.mailboxes += 1
        try:
            _exchange(engine, mailbox, found, seen_before=seen_before, now=now, quiet=quiet)
        except OSError as error:
            found.counts["mailboxes_unreachable"] += 1
            _logger.warning("a mailbox is not reachable: %s", type(error).__name__)
    if found.mailboxes:
        with writing(engine) as connection:
            found.woken = wake_attempts(connection, now=now())
    return found


def _exchange(
    engine: Engine,
    mailbox: Mailbox,
    found: Exchanged,
    *,
    seen_before: frozenset[FileState],
    now: Callable[[], datetime],
    quiet: timedelta,
) -> None:
    def on_answered(connection: Connection, references: Iterable[str]) -> None:
        look_now(connection, references, now=now())

    taken = take_in(engine, mailbox, seen_before=seen_before, on_answered=on_answered, now=now)
    found.counts["files_taken"] += taken.files.total()
    found.counts.update(taken.counts)
    found.waiting += taken.waiting
    # What was refused, or met a payer that was down, may go out again in the same round.
    found.counts["files_sent"] += send_out(engine, mailbox, now=now, quiet=quiet)
