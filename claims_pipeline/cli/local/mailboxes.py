"""Files of clearinghouses exchanged by a command, where no daemon does it."""

import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from claims_pipeline.folders.dropped import FileState
from claims_pipeline.folders.mailbox.exchanging import exchange

# At a terminal nobody waits for a clearinghouse that answers tomorrow.
_PATIENCE_S = 60.0
_EVERY_S = 1.0


class Mailboxes:
    """All partners' mailboxes, looked into again and again."""

    def __init__(self, engine: Engine, base: Path) -> None:
        self._engine = engine
        self._base = base
        self._seen: frozenset[FileState] = frozenset()
        self._looked_at = float("-inf")
        self._news_at = time.monotonic()

    @property
    def may_bring_more(self) -> bool:
        """Whether files went or came a moment ago."""
        return time.monotonic() - self._news_at < _PATIENCE_S

    def look(self) -> None:
        """Exchange files, at most once a second."""
        if time.monotonic() - self._looked_at < _EVERY_S:
            return
        found = exchange(
            self._engine, self._base, seen_before=self._seen, now=lambda: datetime.now(UTC)
        )
        self._seen = frozenset(found.waiting)
        self._looked_at = time.monotonic()
        if found.has_news:
            self._news_at = self._looked_at
