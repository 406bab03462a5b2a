"""Which days are swept, in which windows, and which are left to singles.

The days of a group form a line. A *run* is a stretch of it that is swept as a whole: the singles
that lie inside are saved. Runs are chosen so that calls spent less calls saved is least, by
dynamic programming over the days at which anything begins or ends; each run is cut into windows
of legal length, again at least expected cost. Last, runs are cut finer where free threads would
otherwise wait for one long chain of pages.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from claims_pipeline.model import DensityObservation
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.density import Density, learn_density
from claims_pipeline.planning.line import Block, Line, Run, lay_line
from claims_pipeline.planning.needs import NeededDays
from claims_pipeline.planning.singles import fewest_singles, merged

# Cutting sweeps so that they run side by side may cost this much more than not cutting.
_SIDE_BY_SIDE_ALLOWANCE = 1.15
_PAGES_IN_A_CHAIN = (1, 2, 3, 4, 5, 7)
# A practice nobody has asked about: claims a day, and claims for each single.
_UNKNOWN_PRACTICE_RATE = 1.0
_CLAIMS_FOR_EACH_SINGLE = 2.0
# A guess never cuts a window of legal length into more than about three: each is a probe.
_MOST_CAPS_GUESSED_IN_A_WINDOW = 2.0
# A guess after refusals leaves a day this share of a search, and sweeps this share of what the
# singles would cost: else it would drive the planner to singles that it need not ask.
_FULLEST_DAY_GUESSED = 0.6
_DEAREST_SWEEPS_GUESSED = 0.5
# Expected calls are sums of chances.
_ROUNDING = 1e-6


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
    days: NeededDays,
    *,
    capabilities: Capabilities,
    observations: Sequence[DensityObservation],
    concurrency: int,
    today: date,
) -> ChosenSweeps:
    """Choose the sweeps whose expected cost is below that of the singles they replace.

    Windows that no single can answer are always swept, but for days that the payer is known to
    refuse whole.
    """
    sweepable = days.chosen(days.by_sweep)
    if not len(sweepable):
        return ChosenSweeps(sweeps=(), expected_calls=0.0, all_sweeps_calls=0.0)
    singles = fewest_singles(
        sweepable.chosen(sweepable.by_single), max_days=capabilities.max_window_days
    )
    density = learn_density(
        observations,
        first=int(sweepable.first.min()),
        last=int(sweepable.last.max()),
        guessed_rate=_guessed_rate(sweepable, len(singles), capabilities),
        highest_rate=_highest_rate(sweepable, len(singles), capabilities),
        capabilities=capabilities,
        today=today,
    )
    forced = sweepable.chosen(~sweepable.by_single)
    line = lay_line(
        sweepable, singles=singles, forced=forced, density=density, capabilities=capabilities
    )
    everything = line.cut(line.whole())
    all_sweeps_calls = (
        _calls_at_least(sweepable, density, capabilities)
        if everything is None
        else sum(block.calls for block in everything)
    )
    runs = line.cheapest_runs()
    cheapest = [line.cut(run) or [] for run in runs]
    singles_saved = sum(run.singles_saved for run in runs)
    most = float(singles_saved)
    if density.is_counted(sweepable.first, sweepable.last):
        # What is known for certain is never spent: not above the cheaper of the two extremes.
        longest = _longest_windows_calls(sweepable, density, capabilities)
        most = min(most, longest - (len(singles) - singles_saved))
    allowance = _SIDE_BY_SIDE_ALLOWANCE if density.is_learned else 1.0
    cuts = _cut_side_by_side(
        line,
        runs,
        cheapest,
        most=max(_price(cheapest), min(_price(cheapest) * allowance, most)),
        other_calls=len(singles) - singles_saved,
        concurrency=concurrency,
    )
    sweeps = [
        sweep
        for run, blocks in zip(runs, cuts, strict=True)
        for sweep in _sweeps_of(
            run, blocks, line=line, forced=forced, density=density, capabilities=capabilities
        )
    ]
    return ChosenSweeps(
        sweeps=tuple(sweeps),
        expected_calls=sum(sweep.expected_calls for sweep in sweeps),
        all_sweeps_calls=all_sweeps_calls,
    )


def _guessed_rate(days: NeededDays, singles: int, capabilities: Capabilities) -> float:
    """Claims a day of a practice that was never asked about, guessed from the rows alone."""
    span = int(days.last.max()) - int(days.first.min()) + 1
    rate = _UNKNOWN_PRACTICE_RATE + _CLAIMS_FOR_EACH_SINGLE * singles / span
    most = _MOST_CAPS_GUESSED_IN_A_WINDOW * capabilities.max_results / capabilities.max_window_days
    return min(rate, most)


def _highest_rate(days: NeededDays, singles: int, capabilities: Capabilities) -> float:
    """Claims a day that refused searches may suggest beyond what they prove."""
    span = int(days.last.max()) - int(days.first.min()) + 1
    return min(
        _FULLEST_DAY_GUESSED * capabilities.max_results,
        _DEAREST_SWEEPS_GUESSED * capabilities.page_size * singles / span,
    )


def _calls_at_least(days: NeededDays, density: Density, capabilities: Capabilities) -> float:
    """A lower bound for sweeping everything where the payer refuses a single day whole."""
    first, end = days.first.min(keepdims=True), days.last.max(keepdims=True) + 1
    mean, _ = density.between(first, end)
    windows = math.ceil(int(end[0] - first[0]) / capabilities.max_window_days)
    return windows + float(mean[0]) / capabilities.page_size


def _longest_windows_calls(days: NeededDays, density: Density, capabilities: Capabilities) -> float:
    """What sweeping every needed day in the longest windows, halving refused ones, would cost."""
    calls = 0.0
    stack: list[tuple[int, int]] = []
    reached = 0
    merged_first, merged_last = merged(days.first, days.last)
    for first, last in zip(merged_first.tolist(), merged_last.tolist(), strict=True):
        start = max(first, reached)
        while start <= last:
            reached = min(start + capabilities.max_window_days, int(merged_last[-1]) + 1)
            stack.append((start, reached))
            start = reached
    while stack:
        start, end = stack.pop()
        claims = float(density.between(np.array([start]), np.array([end]))[0][0])
        calls += 1
        if claims <= capabilities.max_results:
            calls += claims // capabilities.page_size
        elif end - start > 1:
            middle = (start + end) // 2
            stack += [(start, middle), (middle, end)]
    return calls


def _cut_side_by_side(
    line: Line,
    runs: Sequence[Run],
    cheapest: list[list[Block]],
    *,
    most: float,
    other_calls: int,
    concurrency: int,
) -> list[list[Block]]:
    """Cut runs into blocks: the fewest round trips at a price of `most`, then the least price."""
    calls = [block.calls for blocks in cheapest for block in blocks]
    if not calls:
        return cheapest
    candidates = [cheapest]
    for longest in _PAGES_IN_A_CHAIN:
        if longest < max(calls):
            cuts = [line.cut(run, longest_calls=longest + _ROUNDING) for run in runs]
            feasible = [blocks for blocks in cuts if blocks is not None]
            if len(feasible) == len(runs) and _price(feasible) <= most + _ROUNDING:
                candidates.append(feasible)
    return min(
        candidates,
        key=lambda cuts: (
            _round_trips(cuts, other_calls=other_calls, concurrency=concurrency),
            _price(cuts),
        ),
    )


def _round_trips(cuts: Sequence[Sequence[Block]], *, other_calls: int, concurrency: int) -> int:
    """How many calls the busiest thread makes: pages of one sweep come one after the other."""
    chains = sorted((round(block.calls) for blocks in cuts for block in blocks), reverse=True)
    threads = [0] * concurrency
    for chain in chains:
        heapq.heapreplace(threads, threads[0] + chain)
    return max(*threads, math.ceil((sum(chains) + other_calls) / concurrency))


def _price(cuts: Sequence[Sequence[Block]]) -> float:
    return sum(block.price for blocks in cuts for block in blocks)


def _sweeps_of(
    run: Run,
    blocks: Sequence[Block],
    *,
    line: Line,
    forced: NeededDays,
    density: Density,
    capabilities: Capabilities,
) -> Iterator[Sweep]:
    """A run's blocks as sweeps, without the days at their ends that nobody needs."""
    price = sum(block.price for block in blocks)
    most_pages = capabilities.max_results // capabilities.page_size
    for block in blocks:
        needed = np.flatnonzero(line.is_needed[block.first : block.end]) + block.first
        first, last = int(line.edges[needed[0]]), int(line.edges[needed[-1] + 1]) - 1
        page_limit: int | None = None
        if bool(((forced.first <= last) & (forced.last >= first)).any()):
            reason = "Only a sweep can answer some rows of this window."
        elif density.is_counted(np.array([first]), np.array([last])):
            reason = "Counted before: one sweep costs less than the singles it replaces."
        else:
            reason = "A sweep is expected to cost less than the singles it replaces."
            # A sweep may cost as much as the singles it replaces, less what was spent on the same
            # days before without an answer: so a guess costs at most twice the cheaper of the two.
            share = run.singles_saved * block.price / price - density.spent_calls(first, last)
            page_limit = max(math.floor(share), math.ceil(block.price))
            if page_limit <= density.least_pages(first, last):
                continue
            if page_limit > most_pages:
                page_limit = None
        yield Sweep(
            first=first,
            last=last,
            page_limit=page_limit,
            expected_calls=block.calls,
            reason=reason,
        )
