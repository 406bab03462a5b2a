"""Which days are swept, and in which windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from claims_pipeline.model import DensityObservation
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.needs import NeededDays
from claims_pipeline.planning.singles import fewest_singles


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One sweep to ask, in ordinals, both ends included."""

    first: int
    last: int
    page_limit: int | None
    expected_calls: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSweeps:
    """The sweeps, disjoint and ascending, and what they and sweeping everything would cost."""

    sweeps: tuple[Sweep, ...]
    expected_calls: float
    all_sweeps_calls: float


def choose_sweeps(
    days: NeededDays, *, capabilities: Capabilities, observations: Sequence[DensityObservation]
) -> ChosenSweeps:
    """Sweep each legal window whose patients would cost more than two singles."""
    sweepable = days.chosen(days.by_sweep)
    sweeps: list[Sweep] = []
    if len(sweepable):
        bounds = [
            (o.window.first.toordinal(), o.window.last.toordinal(), o.claims)
            for o in observations
            if o.at_least
        ]
        stack = []
        first, end = int(sweepable.first.min()), int(sweepable.last.max())
        while first <= end:
            stack.append((first, min(end, first + capabilities.max_window_days - 1)))
            first += capabilities.max_window_days
        while stack:
            low, high = stack.pop()
            inside = sweepable.chosen((sweepable.first <= high) & (sweepable.last >= low))
            singles = len(fewest_singles(inside, max_days=capabilities.max_window_days))
            must = bool((~inside.by_single).any())
            claims = max(
                (n for first, last, n in bounds if low <= first and last <= high), default=0
            )
            pages = claims // capabilities.page_size
            if not len(inside) or (not must and (singles <= 2 or pages >= singles)):
                continue
            if claims > capabilities.max_results:
                if low < high:
                    middle = (low + high) // 2
                    stack += [(low, middle), (middle + 1, high)]
                continue
            sweeps.append(
                Sweep(
                    first=max(low, int(inside.first.min())),
                    last=min(high, int(inside.last.max())),
                    page_limit=None if must else singles,
                    expected_calls=1.0,
                    reason="One sweep replaces several singles.",
                )
            )
    sweeps.sort(key=lambda sweep: sweep.first)
    total = float(np.sum([sweep.expected_calls for sweep in sweeps]))
    return ChosenSweeps(sweeps=tuple(sweeps), expected_calls=total, all_sweeps_calls=total)
