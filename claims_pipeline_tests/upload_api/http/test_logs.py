"""What a log line may say: our own words, and the place of everybody else's."""

import asyncio
import json
import logging
import logging.config
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from claims_pipeline.upload_api.http.logs import (
    REQUEST_ID,
    JsonFormatter,
    log_what_nobody_caught,
    logging_config,
)

PATIENT = "ZEBRATHORNE"


@pytest.fixture
def formatted() -> Iterator[list[str]]:
    """Lines that every logger writes while a test runs."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    keeper = Keeper()
    keeper.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel("INFO")
    yield lines
    root.removeHandler(keeper)
    root.setLevel(level)


@pytest.fixture
def hooks() -> Iterator[None]:
    """The process's hooks as the API sets them, put back after the test."""
    before = sys.excepthook, sys.unraisablehook, threading.excepthook
    log_what_nobody_caught()
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = before
    logging.captureWarnings(capture=False)


def test_our_own_message_is_shown_with_its_request(formatted: list[str]) -> None:
    token = REQUEST_ID.set("0" * 32)
    logging.getLogger("claims_pipeline.somewhere").info("taken: %d rows", 3)
    REQUEST_ID.reset(token)
    [line] = map(json.loads, formatted)
    assert (line["level"], line["message"]) == ("info", "taken: 3 rows")
    assert line["request_id"] == "0" * 32


def test_of_an_exception_only_class_and_stack_are_shown(formatted: list[str]) -> None:
    try:
        int(PATIENT)
    except ValueError:
        logging.getLogger("claims_pipeline.somewhere").exception("it failed")
    [line] = map(json.loads, formatted)
    assert line["error"].startswith("ValueError [internal_error]")
    assert PATIENT not in formatted[0]


def test_of_a_library_only_the_place_is_shown(formatted: list[str]) -> None:
    logging.getLogger("some.library").warning("cannot read %r", PATIENT)
    logging.getLogger("some.library").warning(f"cannot read {PATIENT}")  # noqa: G004
    assert all("test_logs.py:" in line for line in formatted)
    assert PATIENT not in "".join(formatted)


def test_a_task_that_fails_unnoticed_is_logged_without_its_text(formatted: list[str]) -> None:
    async def scene() -> None:
        # As asyncio tells of a task that nobody waited for.
        asyncio.get_running_loop().call_exception_handler(
            {
                "message": "Task exception was never retrieved",
                "exception": ValueError(PATIENT),
                "future": f"<Task exception=ValueError({PATIENT!r})>",
            }
        )

    asyncio.run(scene())
    [line] = map(json.loads, formatted)
    assert line["message"].startswith("Task exception was never retrieved")
    assert "ValueError" in line["error"]
    assert PATIENT not in formatted[0]


@pytest.mark.usefixtures("hooks")
def test_a_thread_that_ends_with_an_error_is_logged_without_its_text(
    formatted: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError(PATIENT)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    [line] = map(json.loads, formatted)
    assert line["message"].startswith("a thread ended: ValueError")
    assert PATIENT not in formatted[0] + "".join(capfd.readouterr())


@pytest.mark.usefixtures("hooks")
def test_a_warning_is_logged_without_its_text(formatted: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(PATIENT, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert len(formatted) == 1
    assert PATIENT not in formatted[0]


@pytest.mark.usefixtures("hooks")
def test_what_ends_the_process_is_logged_without_its_text(
    formatted: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    sys.excepthook(ValueError, ValueError(PATIENT), None)
    [line] = map(json.loads, formatted)
    assert line["level"] == "critical"
    assert PATIENT not in formatted[0] + "".join(capfd.readouterr())


def test_the_servers_own_access_log_is_off() -> None:
    access = logging_config()["loggers"]["uvicorn.access"]
    assert access == {"handlers": [], "propagate": False}
