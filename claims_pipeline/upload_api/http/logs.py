"""One JSON object for each line on standard error, and nothing of what patients' files hold.

Our own messages are sentences without values. A library's message may repeat what it was given, so
only its place is told, and an exception is told as class, code and stack. Paths, query strings,
file names and bodies of HTTP requests are never logged: an access record has the route's template.
"""

import json
import logging
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from claims_pipeline.errors import described_without_values

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)

_OURS = "claims_pipeline"
# The first lines of their messages are fixed texts.
_TRUSTED_TEXTS = ("uvicorn", "asyncio")
_LOGGER = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; `extra={"facts": {…}}` adds fields to it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line: time (UTC), level, logger, message, request_id, the facts."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request_id": REQUEST_ID.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = described_without_values(record.exc_info[1])
        return json.dumps(entry)


def _message(record: logging.LogRecord) -> str:
    if _is_of(record, _OURS):
        return record.getMessage()
    place = f"{record.filename}:{record.lineno}"
    if any(_is_of(record, name) for name in _TRUSTED_TEXTS):
        # Without its arguments: asyncio puts exceptions with their texts into them.
        lines = str(record.msg).splitlines() or [""]
        return f"{lines[0]} ({place})"
    return f"message of a library, not shown ({place})"


def _is_of(record: logging.LogRecord, name: str) -> bool:
    return record.name == name or record.name.startswith(f"{name}.")


def logging_config() -> dict[str, Any]:
    """Logging of an API process, as `logging.config.dictConfig` and uvicorn take it.

    uvicorn's own access log, which shows addresses with their query strings, is off.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
        "handlers": {
            "standard_error": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
            }
        },
        "root": {"handlers": ["standard_error"], "level": "WARNING"},
        "loggers": {
            _OURS: {"level": "INFO"},
            "uvicorn": {"level": "WARNING"},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }


def log_what_nobody_caught() -> None:
    """Let exceptions that end a thread, and warnings, pass through the log as well.

    Python would print them on standard error with their texts.
    """
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable
    sys.excepthook = _process_ended
    logging.captureWarnings(capture=True)


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        _LOGGER.error("a thread ended: %s", described_without_values(ended.exc_value))


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    if unraisable.exc_value is not None:
        _LOGGER.error("lost an error: %s", described_without_values(unraisable.exc_value))


def _process_ended(
    _kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    _LOGGER.critical("the process ends: %s", described_without_values(error))
