"""Our own processes: started with a log each, stopped by id, never left behind."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from claims_pipeline.errors import ClaimsError

_STOP_GRACE_S = 10.0
_POLL_S = 0.1
_FIRST_PORT, _PORTS = 20_000, 12_000


class ProcessError(ClaimsError):
    """A process of ours did not start or ended too early; the message names its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProcess:
    """A process that leads a process group of its own; `log` takes its stdout and stderr."""

    name: str
    log: Path
    popen: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's."""
        return self.popen.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.popen.poll() is not None

    def stop(self, grace_s: float = _STOP_GRACE_S) -> None:
        """Ask it to end, wait up to `grace_s`, then kill what is left of its group."""
        if not self.has_ended:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout=grace_s)
        self.kill()

    def stop_group(self, grace_s: float = _STOP_GRACE_S) -> None:
        """Ask it and all that it started to end, wait up to `grace_s`, then kill what is left."""
        deadline = time.monotonic() + grace_s
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                # Reaped, it no longer counts; the group lasts as long as one that it started.
                self.popen.poll()
                os.killpg(self.pid, 0)
                time.sleep(_POLL_S)
        self.kill()

    def kill(self) -> None:
        """Kill it and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()


class Processes:
    """Context manager that starts processes and stops them all, last started first."""

    def __init__(self, *, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._running: list[RunningProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> RunningProcess:
        """Start `command` in a session of its own, so that a terminal's Ctrl-C does not reach it.

        `environment` adds to that of all. The log is `<logs>/<name>.log`, appended to.
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - commands are ours
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self._environment, **(environment or {})},
                start_new_session=True,
            )
        process = RunningProcess(name=name, log=log, popen=popen)
        self._running.append(process)
        return process

    def forget(self, process: RunningProcess) -> None:
        """Leave a process's end to the caller; its ending is no longer an error."""
        self._running.remove(process)

    def stop(self) -> None:
        """Stop all and what they started, last started first.

        Whoever is interrupted while it waits kills the rest at once: nothing is left behind.
        """
        try:
            while self._running:
                self._running[-1].stop_group()
                self._running.pop()
        finally:
            while self._running:
                self._running.pop().kill()

    def wait_until(
        self, condition: Callable[[], bool], *, what: str, timeout_s: float, poll_s: float = _POLL_S
    ) -> None:
        """Wait for `condition`; a process that ends meanwhile ends the waiting.

        Raises:
            ProcessError: `process_ended` or `process_not_ready`, naming the log to look into.

        """
        deadline = time.monotonic() + timeout_s
        while not condition():
            ended = [process for process in self._running if process.has_ended]
            if ended:
                raise ProcessError(
                    "process_ended", f"The {ended[0].name} process ended; see {ended[0].log}."
                )
            if time.monotonic() > deadline:
                raise ProcessError(
                    "process_not_ready", f"Waited {timeout_s:.0f} s for {what}; see {self._logs}."
                )
            time.sleep(poll_s)


def let_children_be_interrupted() -> None:
    """Where this process ignores SIGINT, go on doing so without handing it on to its children.

    A shell ignores it for what a script runs in its background. Children would inherit that, and
    as Dagster's processes give SIGTERM the meaning of SIGINT, none of them could be asked to end.
    A handler, unlike `SIG_IGN`, is not inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _ignore)


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame


def free_port() -> int:
    """A loopback port that is free now.

    Below those that systems give to outgoing connections: one of these may take the port in the
    seconds that a server needs to start, or to start again.

    """
    while True:
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def port_is_free(port: int) -> bool:
    """Whether a server may listen on this loopback port."""
    if port_answers(port):
        return False
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def port_answers(port: int) -> bool:
    """Whether something listens on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def installed_command(name: str) -> str:
    """Path of a command installed beside the Python that runs us, `PATH` or not."""
    return str(Path(sys.executable).with_name(name))
