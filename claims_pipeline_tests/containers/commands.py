"""Commands that a check runs, and how it says what it finds."""

import subprocess
from collections.abc import Mapping

Environment = Mapping[str, str]


class CheckFailedError(Exception):
    """The check found something that is not as it should be."""


def compose(
    environment: Environment, *arguments: str, given: str | None = None, output: bool = False
) -> str:
    """Run `docker compose`, with what it is given to read; its standard output when asked for."""
    command = ("docker", "compose", *arguments)
    return run(*command, environment=environment, given=given, output=output)


def run(
    *command: str,
    environment: Environment | None = None,
    given: str | None = None,
    output: bool = False,
) -> str:
    """Run a command that has to succeed."""
    done = subprocess.run(
        command,
        env=environment,
        input=given,
        text=True,
        stdout=subprocess.PIPE if output else None,
        check=False,
    )
    if done.returncode:
        raise CheckFailedError(f"{' '.join(command[:4])} ended with {done.returncode}")
    return done.stdout or ""


def succeeds(*command: str) -> bool:
    """Whether a command succeeds; its output is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def expect(is_so: bool, otherwise: str) -> None:
    """Fail with a sentence unless it is so."""
    if not is_so:
        raise CheckFailedError(otherwise)


def say(what: str) -> None:
    """Tell how far the check is."""
    print(f"compose-check: {what}", flush=True)
