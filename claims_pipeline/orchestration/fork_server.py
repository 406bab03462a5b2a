"""Imported by the code server's fork server before the first run: how its forks end.

A service manager tells the whole group of processes to end. The runs do so in good order, each by
itself; the code server waits for them, and hears of their ends from the fork server alone.
"""

import os
import signal


def _end_on_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.register_at_fork(after_in_child=_end_on_sigterm)
