"""APIs that are killed at one point of an upload each, for good: `kill -9` to itself.

python -m claims_pipeline_tests.upload_api.dying_api POINT=PORT …

Ends with 0 when all of them have ended so.
"""

import os
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn

import uvicorn

from claims_pipeline.store.files.folder import FolderFileStore
from claims_pipeline.upload_api.app import create_app
from claims_pipeline.upload_api.dagster_client import DagsterClient
from claims_pipeline.upload_api.receiving import body, uploading
from claims_pipeline.upload_api.routes import upload


class Point(StrEnum):
    """Where it dies."""

    BEFORE_FILE = "before_file"
    IN_THE_FILE = "in_the_file"
    AFTER_FILE = "after_file"
    AFTER_ROW = "after_row"
    AFTER_TICKET = "after_ticket"
    AFTER_LAUNCH = "after_launch"
    BEFORE_REPLY = "before_reply"


def die(*_arguments: Any, **_more: Any) -> NoReturn:
    """End this process as a lost machine does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _then_die(work: Callable[..., Any]) -> Callable[..., NoReturn]:
    def done(*arguments: Any, **more: Any) -> NoReturn:
        work(*arguments, **more)
        die()

    return done


def _place(point: Point) -> tuple[Any, str, Callable[..., Any]]:
    """What is replaced by death, or by itself and death after it."""
    return {
        Point.BEFORE_FILE: (FolderFileStore, "writer", die),
        Point.IN_THE_FILE: (body._StoredFile, "end", die),
        Point.AFTER_FILE: (uploading, "read_form", die),
        Point.AFTER_ROW: (uploading, "launch", die),
        Point.AFTER_TICKET: (DagsterClient, "launch", die),
        Point.AFTER_LAUNCH: (DagsterClient, "launch", _then_die(DagsterClient.launch)),
        Point.BEFORE_REPLY: (upload, "upload_json", die),
    }[point]


def _serve(point: Point, port: int) -> None:
    setattr(*_place(point))
    uvicorn.run(create_app(), port=port, log_level="warning")


def _forked(point: Point, port: int) -> int:
    """An API in a process of its own; the imports, which take seconds, are done."""
    process_id = os.fork()
    if process_id:
        return process_id
    try:
        _serve(point, port)
    finally:
        os._exit(1)


if __name__ == "__main__":
    places = [argument.split("=") for argument in sys.argv[1:]]
    served = [_forked(Point(point), int(port)) for point, port in places]
    ends = [os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1]) for process_id in served]
    sys.exit(set(ends) != {-signal.SIGKILL})
