"""Dagster's code server with runs that begin at once.

    python -m claims_pipeline.orchestration.code_server --host 127.0.0.1 --port 4000

`dagster api grpc` spawns a new interpreter for each run, which imports some 1,600 modules before it
does anything: seconds of processor time for an upload of one row. Here a fork server has imported
them once, and each run is a fork of it. Everything else is Dagster's own.
"""

import multiprocessing
import sys
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


class _ForkingApiServer(server.DagsterApiServer):
    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._mp_ctx: Any = multiprocessing.get_context("forkserver")


def main(arguments: list[str]) -> None:
    """Serve until told to stop; `arguments` are those of `dagster api grpc`."""
    multiprocessing.set_forkserver_preload(_PRELOADED)
    server.DagsterApiServer = _ForkingApiServer  # type: ignore[misc]
    grpc_command.main(
        ["--module-name", _DEFINITIONS, "--location-name", _LOCATION, *arguments],
        prog_name="code_server",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
