"""Ports that a command is about to listen on, tested before anything is started."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claims_pipeline.cli.local.processes import port_is_free
from claims_pipeline.errors import SettingsError

_LAST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPort:
    """A port, what is to listen on it, and make's variable for it, such as `API_PORT`."""

    number: int
    what: str
    variable: str

    @property
    def option(self) -> str:
        """The command's option for it, such as `--api-port`."""
        return f"--{self.variable.lower().replace('_', '-')}"


def require_free_ports(
    command: str,
    wanted: Sequence[WantedPort],
    *,
    is_free: Callable[[int], bool] = port_is_free,
) -> None:
    """Check that each port is free and wanted once.

    Args:
        command: The command of this program that wants them, such as `dev`; also make's target.
        wanted: The ports, in the order in which they are to be named.
        is_free: Whether a server may listen on a port.

    Raises:
        SettingsError: `port_taken`, naming each port that is not free and the command with ports
            that are.

    """
    chosen = {port.number for port in wanted}
    seen: set[int] = set()
    taken: list[tuple[WantedPort, int]] = []
    for port in wanted:
        if port.number not in seen and is_free(port.number):
            seen.add(port.number)
            continue
        other = _next_free(port.number, chosen, is_free)
        chosen.add(other)
        taken.append((port, other))
    if not taken:
        return
    named = " ".join(f"Port {port.number} is taken ({port.what})." for port, _ in taken)
    variables = " ".join(f"{port.variable}={other}" for port, other in taken)
    options = " ".join(f"{port.option} {other}" for port, other in taken)
    raise SettingsError(
        "port_taken",
        f"{named} Choose another: make {command} {variables}, or claims-pipeline {command} "
        f"{options}.",
    )


def _next_free(number: int, chosen: set[int], is_free: Callable[[int], bool]) -> int:
    for candidate in range(number + 1, _LAST_PORT + 1):
        if candidate not in chosen and is_free(candidate):
            return candidate
    return number
