"""Whether the service can do its work: its own parts and Dagster behind it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from claims_pipeline.errors import ClaimsError, described_without_values
from claims_pipeline.operations.daemons import is_alive
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.upload_api.dagster_client import DagsterError
from claims_pipeline.upload_api.services import Services

_DAEMONS = {"sensor_daemon": "SENSOR", "run_queue_daemon": "QUEUED_RUN_COORDINATOR"}
_PROBE_KEY = "readiness/probe"
_LOGGER = logging.getLogger(__name__)


class PartState(StrEnum):
    """How a part is. Without an address Dagster is not looked at."""

    READY = "ready"
    AWAY = "away"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Every part by name and how it is; nothing of why, which may be a secret."""

    parts: dict[str, PartState]

    @property
    def is_ready(self) -> bool:
        """Whether no part is away."""
        return PartState.AWAY not in self.parts.values()


class ReadinessProbe:
    """Looks at the parts, at most every `keep_s`, however often it is asked."""

    def __init__(self, services: Services, *, keep_s: float = 2.0) -> None:
        self._services = services
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._seen: tuple[float, Readiness] | None = None

    def look(self) -> Readiness:
        """How the parts are now, or were a moment ago.

        While somebody looks, which takes seconds when a part does not answer, the others get what
        was seen before: waiting they would take the threads of those who work.
        """
        seen = self._seen
        if seen is not None and (self._is_fresh(seen[0]) or self._lock.locked()):
            return seen[1]
        with self._lock:
            if self._seen is None or not self._is_fresh(self._seen[0]):
                found = readiness(self._services)
                self._seen = time.monotonic(), found
            return self._seen[1]

    def _is_fresh(self, seen_at: float) -> bool:
        return time.monotonic() - seen_at <= self._keep_s


def readiness(services: Services) -> Readiness:
    """Look at every part now."""
    return Readiness(
        parts={
            "database": _state(lambda: _read_a_table(services)),
            "file_store": _state(lambda: _write_a_file(services)),
            **_dagster(services),
        }
    )


def _read_a_table(services: Services) -> None:
    with reading(services.engine) as connection:
        connection.execute(select(tables.uploads.c.id).limit(1)).first()


def _write_a_file(services: Services) -> None:
    services.files.write(_PROBE_KEY, (), max_bytes=0)
    services.files.delete(_PROBE_KEY)


def _dagster(services: Services) -> dict[str, PartState]:
    names = ("webserver", *_DAEMONS)
    if not services.dagster.is_configured:
        return dict.fromkeys(names, PartState.NOT_CONFIGURED)
    try:
        heartbeats = services.dagster.heartbeats()
    except DagsterError:
        return dict.fromkeys(names, PartState.AWAY)
    states = {"webserver": PartState.READY}
    for name, daemon in _DAEMONS.items():
        runs = is_alive(heartbeats.get(daemon), now=datetime.now(UTC))
        states[name] = PartState.READY if runs else PartState.AWAY
    return states


def _state(look: Callable[[], None]) -> PartState:
    try:
        look()
    except (SQLAlchemyError, ClaimsError, OSError) as error:
        _LOGGER.warning("not ready: %s", described_without_values(error))
        return PartState.AWAY
    return PartState.READY
