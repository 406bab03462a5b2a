"""The command as people call it, in this process or in one of its own."""

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from claims_pipeline.cli import main

_OWN_SETTINGS = ("CLAIMS_", "DAGSTER_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command printed and the code it ended with."""

    exit_code: int
    stdout: str
    stderr: str


Command = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `CLAIMS_HOME`, and nothing of the tester's own settings."""
    import os

    for name in list(os.environ):
        if name.startswith(_OWN_SETTINGS):
            monkeypatch.delenv(name)
    path = tmp_path / "home"
    monkeypatch.setenv("CLAIMS_HOME", str(path))
    return path


@pytest.fixture
def command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Call `claims-pipeline` with these arguments."""
    del home

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["claims-pipeline", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return Outcome(exit_code=int(ended.value.code or 0), stdout=printed.out, stderr=printed.err)

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)
