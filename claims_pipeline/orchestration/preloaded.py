"""Imported by the fork server, before the first run: whatever a run would import, and no more.

Nothing here may open a connection or start a thread, since a fork would share the one and lose the
other.
"""

import os
import signal

import dagster._core.execution.api
import dagster._grpc.impl

import claims_pipeline.definitions

__all__ = ["claims_pipeline", "dagster"]


def _end_on_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


# Service managers tell the whole group. The runs are to end in good order, each by itself; the code
# server, which waits for them, hears of their ends from the fork server alone.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.register_at_fork(after_in_child=_end_on_sigterm)
