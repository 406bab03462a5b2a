"""The days of one group as a line of edges, and the cheapest way to sweep stretches of it.

An *edge* is an ordinal before which a sweep may begin or end; a *block* reaches from one edge to
another and becomes one sweep; a *run* is a stretch of blocks and of days that nobody needs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.costs import expected_calls
from claims_pipeline.planning.density import Density, Floats
from claims_pipeline.planning.needs import Days, Mask, NeededDays, expand
from claims_pipeline.planning.singles import Singles

# Above this many windows, or where every day may have to be cut out, each day is an edge.
_FEW_WINDOWS = 60
# Otherwise edges stand where something begins or ends, and at most so many days apart.
_EDGE_SPACING_DAYS = 15
# A row that only a sweep can answer weighs more than any number of calls.
_FORCED_WEIGHT = 1e5
# Premium for doubt, in pages for each page of standard deviation. Where nothing is known at all
# there is none: somebody has to look.
_PREMIUM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One sweep: edges by position, and what is expected of it."""

    first: int
    end: int
    calls: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch to be swept, edges by position, and the singles it saves."""

    first: int
    end: int
    singles_saved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Edges, which stretches between them are needed, and what blocks cost and save.

    `calls[end]` and `price[end]` belong to the blocks that end at edge `end` and begin at
    `earliest[end]`, `earliest[end] + 1`, … `end - 1`. `price` is the expected calls and a premium
    for doubt: a gamble must be worth more than it is expected to cost. `saved[first, end]` counts
    the singles inside a run, `forced[first, end]` the windows that only a sweep can answer.
    """

    edges: Days
    is_needed: Mask
    earliest: Days
    calls: tuple[Floats, ...]
    price: tuple[Floats, ...]
    saved: Days
    forced: Days

    def cheapest_runs(self) -> list[Run]:
        """The runs whose price, less the singles they save, is least; disjoint and ascending."""
        count = len(self.edges)
        weight = self.saved + self.forced * _FORCED_WEIGHT
        swept = np.full((count, count), np.inf)
        gain = np.zeros(count)
        begins = np.full(count, -1, np.int64)
        swept[0, 0] = 0.0
        for end in range(1, count):
            swept[end, end] = 0.0
            low = int(self.earliest[end])
            reach = swept[:end, low:end] + self.price[end]
            best = reach.min(axis=1)
            if not self.is_needed[end - 1]:
                best = np.minimum(best, swept[:end, end - 1])
            swept[:end, end] = best
            total = gain[:end] + best - weight[:end, end]
            first = int(total.argmin())
            gain[end] = gain[end - 1]
            if total[first] < gain[end] - 1e-9:
                gain[end] = total[first]
                begins[end] = first
        return self._traced(begins)

    def _traced(self, begins: Days) -> list[Run]:
        """The runs that end where `begins` names the edge at which they begin."""
        runs: list[Run] = []
        end = len(begins) - 1
        while end > 0:
            first = int(begins[end])
            if first < 0:
                end -= 1
                continue
            runs.append(Run(first=first, end=end, singles_saved=int(self.saved[first, end])))
            end = first
        return runs[::-1]

    def whole(self) -> Run:
        """Everything as one run."""
        return Run(first=0, end=len(self.edges) - 1, singles_saved=int(self.saved[0, -1]))

    def cut(self, run: Run, *, longest_calls: float = np.inf) -> list[Block] | None:
        """The cheapest blocks for a run, none of them expected to take more than `longest_calls`.

        None when the run cannot be cut so.
        """
        cost = np.full(run.end + 1, np.inf)
        begins = np.full(run.end + 1, -1, np.int64)
        cost[run.first] = 0.0
        for end in range(run.first + 1, run.end + 1):
            low = max(int(self.earliest[end]), run.first)
            entries = slice(low - int(self.earliest[end]), None)
            is_short = self.calls[end][entries] <= longest_calls
            total = cost[low:end] + np.where(is_short, self.price[end][entries], np.inf)
            first = int(total.argmin())
            cost[end], begins[end] = total[first], low + first
            if not self.is_needed[end - 1] and cost[end - 1] <= cost[end]:
                cost[end], begins[end] = cost[end - 1], -1
        if not np.isfinite(cost[run.end]):
            return None
        blocks: list[Block] = []
        end = run.end
        while end > run.first:
            first = int(begins[end])
            if first < 0:
                end -= 1
                continue
            blocks.append(self._block(first, end))
            end = first
        return blocks[::-1]

    def _block(self, first: int, end: int) -> Block:
        entry = first - int(self.earliest[end])
        return Block(
            first=first,
            end=end,
            calls=float(self.calls[end][entry]),
            price=float(self.price[end][entry]),
        )


def lay_line(
    days: NeededDays,
    *,
    singles: Singles,
    forced: NeededDays,
    density: Density,
    capabilities: Capabilities,
) -> Line:
    """The line of the windows that sweeps may answer.

    `singles` is what their patients would cost without sweeps, `forced` the windows that only a
    sweep can answer.
    """
    edges = _edges(days, singles=singles, density=density, capabilities=capabilities)
    earliest = np.searchsorted(edges, edges - capabilities.max_window_days)
    ends, within = expand(np.arange(len(edges)) - earliest)
    first, end = edges[earliest[ends] + within], edges[ends]
    mean, variance = density.between(first, end)
    calls = expected_calls(mean, variance, capabilities=capabilities)
    calls[density.exceeds_cap(first, end)] = np.inf
    premium = _PREMIUM * np.sqrt(variance) / capabilities.page_size if density.is_learned else 0.0
    starts = np.cumsum(np.arange(len(edges)) - earliest)
    change = np.zeros(len(edges) + 1, np.int64)
    np.add.at(change, np.searchsorted(edges, days.first), 1)
    np.add.at(change, np.searchsorted(edges, days.last + 1), -1)
    return Line(
        edges=edges,
        is_needed=np.cumsum(change)[: len(edges) - 1] > 0,
        earliest=earliest,
        calls=tuple(np.split(calls, starts[:-1])),
        price=tuple(np.split(calls + premium, starts[:-1])),
        saved=_inside(edges, singles.first, singles.last + 1),
        forced=_inside(edges, forced.first, forced.last + 1),
    )


def _edges(
    days: NeededDays, *, singles: Singles, density: Density, capabilities: Capabilities
) -> Days:
    first, end = int(days.first.min()), int(days.last.max()) + 1
    if len(days) > _FEW_WINDOWS or density.has_capped_windows:
        return np.arange(first, end + 1)
    spacing = min(_EDGE_SPACING_DAYS, capabilities.max_window_days)
    edges = np.concatenate(
        (
            days.first,
            days.last + 1,
            singles.first,
            singles.last + 1,
            density.segment_edges(),
            np.arange(first, end, spacing),
            [end],
        )
    )
    return np.unique(edges[(edges >= first) & (edges <= end)])


def _inside(edges: Days, first: Days, end: Days) -> NDArray[np.int64]:
    """How many of the stretches from `first` to `end` lie inside each pair of edges."""
    count = np.zeros((len(edges), len(edges)), np.int64)
    np.add.at(count, (np.searchsorted(edges, first), np.searchsorted(edges, end)), 1)
    return np.cumsum(np.cumsum(count[::-1], axis=0)[::-1], axis=1)
