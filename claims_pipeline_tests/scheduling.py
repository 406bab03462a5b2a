"""Which tests run in one process, in which order, and on what disk.

A stack costs some fifteen seconds of processor time before its first test, Keycloak more. Files
that share one run in one process, one after the other; every other file is by itself. What takes
longest begins.
"""

import os
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from xdist.scheduler import LoadFileScheduling

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
# The whole suite needs a tenth of it.
_ROOM = 4 << 30

_END_TO_END = "claims_pipeline_tests/end_to_end"
_API = "claims_pipeline_tests/upload_api"
_SHARING = {
    # `calm`: nothing is killed.
    f"{_END_TO_END}/test_the_whole_way_in_a_browser.py": "calm",
    f"{_END_TO_END}/test_cancelling.py": "calm",
    f"{_END_TO_END}/test_payer_down_for_long.py": "calm",
    f"{_END_TO_END}/test_thin_line.py": "calm",
    f"{_END_TO_END}/test_webserver_guard.py": "calm",
    f"{_API}/test_on_a_stack.py": "calm",
    f"{_API}/receiving/test_faults.py": "calm",
    # `mortal`: everything may be, and is started again.
    "claims_pipeline_tests/chaos/test_rounds.py": "mortal",
    f"{_END_TO_END}/test_kills.py": "mortal",
    f"{_END_TO_END}/test_resume.py": "mortal",
    f"{_API}/test_health.py": "mortal",
}
# What keeps the stack of each unit that shares one, in this process.
SHARED = defaultdict[str, ExitStack](ExitStack)

# What the longest takes, where no `timeout` mark says it.
_FIRST = {"calm": 10_000.0, "mortal": 9_000.0}


def unit_of(node_id: str) -> str:
    """What a test has to be with: its file, or the stack that its file shares with others."""
    file = node_id.partition("::")[0]
    return _SHARING.get(file, file)


def shared_by(stack: str) -> set[str]:
    """The files whose tests are listed for a shared stack."""
    return {file for file, unit in _SHARING.items() if unit == stack}


class ByStack(LoadFileScheduling):
    """As `--dist loadfile`, but files that share a stack are one."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Units as a whole, longest first, so that no process is left alone with one at the end."""
    longest_s: dict[str, float] = {}
    for item in items:
        unit = unit_of(item.nodeid)
        longest_s[unit] = max(longest_s.get(unit, 0.0), _longest_s(item), _FIRST.get(unit, 0.0))
    return sorted(items, key=lambda item: (-longest_s[unit_of(item.nodeid)], unit_of(item.nodeid)))


def _longest_s(item: pytest.Item) -> float:
    if item.get_closest_marker("stack") is None:
        return 0.0
    timeout = item.get_closest_marker("timeout")
    return float(timeout.args[0]) if timeout else 1.0


def choose_disk() -> None:
    """Put temporary folders into memory where there is plenty.

    SQLite waits for the disk at each of its thousands of transactions, Dagster's most of all, and
    nothing here has to outlast the machine.
    """
    if not os.access(_SHARED_MEMORY, os.W_OK):
        return
    room = min(psutil.disk_usage(str(_SHARED_MEMORY)).free, psutil.virtual_memory().available)
    if room >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_SHARED_MEMORY))
