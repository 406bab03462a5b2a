"""Processes that are started, watched and stopped."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.cli.local.processes import ProcessError, Processes, free_port, port_answers

SLEEPER = "import time; print('ready', flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
# Starts a child that ignores SIGTERM, says its id, and ends on SIGTERM itself.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""

# What Dagster's processes do with SIGTERM, until they are ended.
DAGSTERS_CHILD = """
import time
from dagster._utils.interrupts import setup_interrupt_handlers
setup_interrupt_handlers()
print("ready", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("ended in good order", flush=True)
"""
# A command as a script's background has it, which starts such a child and ends.
IN_THE_BACKGROUND = f"""
import os, pathlib, signal, sys
from claims_pipeline.cli.local.processes import Processes, let_children_be_interrupted
signal.signal(signal.SIGINT, signal.SIG_IGN)
let_children_be_interrupted()
with Processes(logs=pathlib.Path(sys.argv[1]), environment=os.environ) as processes:
    child = processes.start("child", (sys.executable, "-c", {DAGSTERS_CHILD!r}))
    processes.wait_until(lambda: "ready" in child.log.read_text(), what="it", timeout_s=60)
    os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(logs=tmp_path, environment=os.environ) as processes:
        yield processes


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_log_takes_what_a_process_prints(processes: Processes) -> None:
    process = processes.start("sleeper", (sys.executable, "-c", SLEEPER))
    processes.wait_until(
        lambda: "ready" in process.log.read_text(), what="the sleeper", timeout_s=60
    )
    assert not process.has_ended


def test_stopping_ends_what_a_process_has_started(processes: Processes) -> None:
    process = processes.start("parent", (sys.executable, "-c", PARENT))
    processes.wait_until(
        lambda: process.log.read_text().endswith("\n"), what="the child", timeout_s=60
    )
    child = int(process.log.read_text())
    assert is_alive(child)
    processes.stop()
    with Processes(logs=process.log.parent, environment={}) as none:
        none.wait_until(lambda: not is_alive(child), what="the child's end", timeout_s=60)
    assert process.has_ended


def test_stopping_asks_what_a_process_has_started_to_end_too(processes: Processes) -> None:
    grandchild = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    process = processes.start("parent", (sys.executable, "-c", grandchild, DAGSTERS_CHILD))
    processes.wait_until(lambda: "ready" in process.log.read_text(), what="it", timeout_s=60)
    processes.stop()
    assert "ended in good order" in process.log.read_text()


def test_an_interrupted_stop_leaves_nothing_behind(processes: Processes) -> None:
    running = [
        processes.start(f"deaf-{number}", (sys.executable, "-c", DEAF)) for number in range(2)
    ]
    for process in running:
        processes.wait_until(
            lambda log=process.log: "ready" in log.read_text(), what="it", timeout_s=60
        )
    interruption = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    interruption.start()
    with pytest.raises(KeyboardInterrupt):
        processes.stop()
    assert all(process.has_ended for process in running)


def test_in_a_scripts_background_processes_can_still_be_asked_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IN_THE_BACKGROUND, str(tmp_path)]
    subprocess.run(command, check=True)
    assert "ended in good order" in (tmp_path / "child.log").read_text()


def test_waiting_ends_when_a_process_has_ended(processes: Processes) -> None:
    processes.start("quitter", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(ProcessError) as error:
        processes.wait_until(lambda: False, what="nothing", timeout_s=60)
    assert error.value.code == "process_ended"
    assert "quitter" in error.value.message


def test_a_process_that_is_forgotten_may_end(processes: Processes) -> None:
    process = processes.start("quitter", (sys.executable, "-c", ""))
    processes.forget(process)
    process.popen.wait()
    processes.wait_until(lambda: True, what="nothing", timeout_s=60)


def test_waiting_in_vain_says_for_what(processes: Processes) -> None:
    with pytest.raises(ProcessError) as error:
        processes.wait_until(lambda: False, what="the end of days", timeout_s=0)
    assert error.value.code == "process_not_ready"
    assert "the end of days" in error.value.message


def test_nothing_answers_on_a_free_port() -> None:
    assert not port_answers(free_port())
