"""Dagster's code server with runs that begin at once.

    python -m claims_pipeline.orchestration.code_server --host 127.0.0.1 --port 4000

`dagster api grpc` spawns a new interpreter for each run, which imports some 1,600 modules before it
does anything: seconds of processor time for an upload of one row. Here a fork server has imported
them once, and each run is a fork of it. Everything else is Dagster's own.
"""

import multiprocessing
import sys
import tempfile
from multiprocessing.util import get_temp_dir
from typing import Any

from dagster._cli.api import grpc_command

# Dagster has no public way to choose how its code server starts processes (1.13).
from dagster._grpc import server

_DEFINITIONS = "claims_pipeline.definitions"
_LOCATION = "claims_pipeline"
# What a run imports. None may open a connection or start a thread: a fork would share the one and
# lose the other.
_PRELOADED = [
    _DEFINITIONS,
    "dagster._core.execution.api",
    "dagster._grpc.impl",
    "claims_pipeline.orchestration.fork_server",
]


# The fork server's socket lies in a folder of its own below, and its whole path may have 107 bytes.
_LONGEST_TEMPORARY_FOLDER = 64
_SHORT_TEMPORARY_FOLDER = "/tmp"  # noqa: S108 - what is made there has a random name and mode 0700


class _ForkingApiServer(server.DagsterApiServer):
    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._mp_ctx: Any = multiprocessing.get_context("forkserver")


def main(arguments: list[str]) -> None:
    """Serve until told to stop; `arguments` are those of `dagster api grpc`."""
    multiprocessing.set_forkserver_preload(_PRELOADED)
    _choose_folder_for_socket()
    server.DagsterApiServer = _ForkingApiServer  # type: ignore[misc]
    grpc_command.main(
        ["--module-name", _DEFINITIONS, "--location-name", _LOCATION, *arguments],
        prog_name="code_server",
    )


def _choose_folder_for_socket() -> None:
    usual = tempfile.gettempdir()
    if len(usual.encode()) > _LONGEST_TEMPORARY_FOLDER:
        tempfile.tempdir = _SHORT_TEMPORARY_FOLDER
    # Remembered from its first use; what else is temporary goes where it always went.
    get_temp_dir()
    tempfile.tempdir = usual


if __name__ == "__main__":
    main(sys.argv[1:])
