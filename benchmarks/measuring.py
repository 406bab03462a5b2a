"""Measurements side by side: ours, a peer that does the same work in the same run, the ratio."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One repeat: what ours took and what the peer took, in the same unit."""

    ours: float
    peer: float

    @property
    def ratio(self) -> float:
        """Ours divided by the peer's."""
        return self.ours / self.peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table.

    `target` is the highest ratio that was promised, if any; `summary` makes one of the repeats'.
    """

    what: str
    peer: str
    unit: str
    pairs: Sequence[Pair]
    target: float | None = None
    remark: str = ""
    summary: Callable[[Sequence[float]], float] = statistics.median

    @property
    def ratio(self) -> float:
        """The repeats' ratios as one: their median, unless the line says otherwise."""
        return self.summary([pair.ratio for pair in self.pairs])


def table_of(lines: Sequence[Line], *, title: str) -> Table:
    """The lines, each with the median of its repeats and their spread."""
    table = Table(title=title)
    for name in ("what", "ours", "peer", "compared with", "ratio", "spread", "target", "remark"):
        is_text = name in {"what", "compared with", "remark"}
        table.add_column(name, justify="left" if is_text else "right")
    for line in lines:
        ratios = [pair.ratio for pair in line.pairs]
        table.add_row(
            line.what,
            _amount([pair.ours for pair in line.pairs], line.unit),
            _amount([pair.peer for pair in line.pairs], line.unit),
            line.peer,
            f"{line.ratio:.3g}",
            f"{min(ratios):.3g} to {max(ratios):.3g} ({len(ratios)})",
            "" if line.target is None else f"{line.target:g}",
            line.remark,
        )
    return table


def machine() -> str:
    """What the numbers were taken on, in one line."""
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        models = [
            text.split(":", 1)[1].strip()
            for text in information.read_text(encoding="utf-8").splitlines()
            if text.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()}, "
        f"Python {platform.python_version()}, load average {load:.1f}"
    )


def _amount(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):,.3g} {unit}"
