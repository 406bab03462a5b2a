"""How many claims a practice has in a window, as far as answered searches tell, and how surely.

Knowledge comes in three grades: days inside a complete search (its count is exact, how it spreads
over its days is not), days near such a search (its rate, with doubt), and days of a practice that
was never asked about (a guess from the rows themselves, with much doubt).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from claims_pipeline.model import DensityObservation
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.needs import Days

Floats = NDArray[np.float64]

# Relative doubts (standard deviation ÷ mean) of a rate that was not counted on the very days.
_DOUBT_OF_A_GUESS = 1.0
_DOUBT_OF_A_BOUND = 0.5
_DOUBT_OF_NEIGHBOURS = 0.25
# Claims keep arriving after their service, so yesterday's count is not quite today's.
_DOUBT_OF_AN_OLD_COUNT = 0.05
_FRESH_DAYS = 1
# A search that was cut off saw the beginning of a long tail: expect this many times as many.
_TAIL_OF_A_BOUND = 2.0
_TAIL_OF_A_BOUND_WITH_NEIGHBOURS = 1.3
# Claims come in weekly waves, so within a counted window they spread less evenly than by chance.
_UNEVENNESS = 2.0
# Days at which a neighbour's rate counts half as much as an adjacent one's.
_NEIGHBOURHOOD_DAYS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Expected claims by day from `origin` (an ordinal); positions are days since then.

    The running sums have one entry more than there are days. `segment` numbers the counted
    windows, -1 where nothing was counted. `latest_capped[j]` is the latest first day of a window
    that ends before position `j` and is known to exceed the payer's cap, -1 if there is none.
    `bounds` are the windows (ordinals, both ends included) of which only a least count is known.
    `is_learned`: something is known of the practice at all.
    """

    origin: int
    claims: Floats
    noise: Floats
    doubt: Floats
    segment: Days
    segment_total: Floats
    segment_noise: Floats
    latest_capped: Days
    bounds: tuple[tuple[int, int, int], ...]
    page_size: int
    max_results: int
    is_learned: bool

    def between(self, first: Days, end: Days) -> tuple[Floats, Floats]:
        """Mean and variance of the claims from ordinals `first` to `end` (excluded)."""
        low, high = first - self.origin, end - self.origin
        mean = self.claims[high] - self.claims[low]
        doubt = self.doubt[high] - self.doubt[low]
        variance = self.noise[high] - self.noise[low] + doubt**2
        segment = self.segment[low]
        is_within = (segment == self.segment[high - 1]) & (segment >= 0)
        total = np.where(is_within, self.segment_total[segment], 1.0)
        within = mean * np.clip(1 - mean / np.maximum(total, 1e-9), 0, None) * _UNEVENNESS
        across = self.segment_noise[low] + self.segment_noise[high]
        return mean, variance + np.where(is_within, within, across)

    @property
    def has_capped_windows(self) -> bool:
        """Whether some window is known to exceed the payer's cap."""
        return bool(self.latest_capped[-1] >= 0)

    def exceeds_cap(self, first: Days, end: Days) -> NDArray[np.bool_]:
        """Whether a search of these days is certain to be refused for its size."""
        return self.latest_capped[end - self.origin] >= first - self.origin

    def least_pages(self, first: int, last: int) -> int:
        """Full pages that a search of these days is known to have at least."""
        return max(
            (
                claims // self.page_size
                for low, high, claims in self.bounds
                if first <= low and high <= last and claims <= self.max_results
            ),
            default=0,
        )

    def spent_calls(self, first: int, last: int) -> float:
        """Calls that were spent on these days without bringing an answer."""
        return sum(
            (1 if claims > self.max_results else claims // self.page_size)
            * max(0, min(high, last) - max(low, first) + 1) / (high - low + 1)
            for low, high, claims in self.bounds
        )  # fmt: skip

    def is_counted(self, first: Days, last: Days) -> bool:
        """Whether every day of these windows lies in a window that was counted completely."""
        uncounted = _running(np.where((self.segment < 0) | (np.diff(self.doubt) > 0), 1.0, 0.0))
        return not (uncounted[last - self.origin + 1] - uncounted[first - self.origin]).any()

    def segment_edges(self) -> Days:
        """Ordinals at which the knowledge changes."""
        return np.flatnonzero(np.diff(self.segment) != 0) + 1 + self.origin


def learn_density(
    observations: Sequence[DensityObservation],
    *,
    first: int,
    last: int,
    guessed_rate: float,
    highest_rate: float,
    capabilities: Capabilities,
    today: date,
) -> Density:
    """What `observations` of one practice tell about the days from ordinal `first` to `last`.

    `guessed_rate` (claims a day) stands in where there is nothing to learn from; `highest_rate` is
    the most that refused searches may suggest beyond what they prove. Days outside of the range
    that an observation reaches into are included.
    """
    windows = [_ordinals(observation) for observation in observations]
    origin = min([first, *(low for low, _ in windows)])
    length = max([last, *(high for _, high in windows)]) + 1 - origin
    counted = _Counted(length)
    for observation in sorted(
        (o for o in observations if not o.at_least), key=lambda o: o.window.days
    ):
        counted.add(
            observation.window.first.toordinal() - origin,
            observation.window.last.toordinal() - origin + 1,
            claims=observation.claims,
            is_fresh=_is_fresh(observation, today),
        )
    bounds = [
        (*_ordinals(o), o.claims)
        for o in sorted(
            (o for o in observations if o.at_least), key=lambda o: o.window.days, reverse=True
        )
    ]
    counted.fill(
        [(low - origin, high - origin + 1, claims) for low, high, claims in bounds],
        guessed_rate=guessed_rate,
        highest_rate=highest_rate,
        max_results=capabilities.max_results,
    )
    capped = np.full(length + 1, -1, np.int64)
    for low, high, claims in bounds:
        if claims > capabilities.max_results:
            end = high - origin + 1
            capped[end] = max(capped[end], low - origin)
    return Density(
        origin=origin,
        claims=_running(counted.rate),
        noise=_running(np.where(counted.segment < 0, counted.rate, 0.0)),
        doubt=_running(counted.rate * counted.doubt),
        segment=counted.segment,
        segment_total=np.array(counted.totals or [0.0]),
        segment_noise=counted.noise_at_cuts(),
        latest_capped=np.maximum.accumulate(capped),
        bounds=tuple(bounds),
        page_size=capabilities.page_size,
        max_results=capabilities.max_results,
        is_learned=bool(observations),
    )


class _Counted:
    """Days being filled with rates: what was counted first, then what can be inferred."""

    def __init__(self, length: int) -> None:
        self.rate = np.zeros(length)
        self.doubt = np.zeros(length)
        self.segment = np.full(length, -1, np.int64)
        self.totals: list[float] = []

    def add(self, first: int, end: int, *, claims: int, is_fresh: bool) -> None:
        """Take in a complete count; days that a shorter count covers keep theirs."""
        open_days = np.flatnonzero(self.segment[first:end] < 0) + first
        if not len(open_days):
            return
        pieces = [open_days]
        if open_days[-1] - open_days[0] >= len(open_days):
            pieces = np.split(open_days, np.flatnonzero(np.diff(open_days) > 1) + 1)
        rate = max(0.0, claims - float(self.rate[first:end].sum())) / len(open_days)
        is_exact = is_fresh and len(pieces) == 1 and not self._is_cut_at(first, end)
        for piece in pieces:
            self.rate[piece] = rate
            self.doubt[piece] = 0.0 if is_exact else _DOUBT_OF_AN_OLD_COUNT
            self.segment[piece] = len(self.totals)
            self.totals.append(rate * len(piece))

    def _is_cut_at(self, first: int, end: int) -> bool:
        """Whether a shorter count reaches over one of the two edges."""
        return any(
            0 < edge < len(self.segment)
            and self.segment[edge] >= 0
            and self.segment[edge - 1] == self.segment[edge]
            for edge in (first, end)
        )

    def fill(
        self,
        bounds: Sequence[tuple[int, int, int]],
        *,
        guessed_rate: float,
        highest_rate: float,
        max_results: int,
    ) -> None:
        """Give every day that was not counted a rate: its neighbours', a bound's, or the guess."""
        unknown = self.segment < 0
        sources = [
            (int(days[0]), int(days[-1]) + 1, float(self.rate[days[0]]))
            for days in (
                np.split(
                    np.flatnonzero(~unknown), np.flatnonzero(np.diff(self.segment[~unknown])) + 1
                )
                if (~unknown).any()
                else []
            )
        ]
        tails = _tails(
            bounds,
            least=_TAIL_OF_A_BOUND_WITH_NEIGHBOURS if sources else _TAIL_OF_A_BOUND,
            highest_rate=highest_rate,
            max_results=max_results,
        )
        doubt = _DOUBT_OF_NEIGHBOURS
        if not sources and bounds:
            doubt = _DOUBT_OF_A_BOUND
            sources = [
                (low, end, tail * claims / (end - low))
                for (low, end, claims), tail in zip(bounds, tails, strict=True)
            ]
        days = np.flatnonzero(unknown)
        if sources:
            lows, ends, rates = (np.array(column) for column in zip(*sources, strict=True))
            gap = np.maximum(0, np.maximum(lows - days[:, None], days[:, None] + 1 - ends))
            weight = (ends - lows) * 0.5 ** (gap / _NEIGHBOURHOOD_DAYS)
            self.rate[days] = (weight * rates).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-300)
            self.doubt[days] = doubt
        else:
            self.rate[days] = guessed_rate
            self.doubt[days] = _DOUBT_OF_A_GUESS
        for (low, end, claims), tail in zip(bounds, tails, strict=True):
            raisable = np.flatnonzero(unknown[low:end]) + low
            missing = tail * claims - float(self.rate[low:end].sum())
            if len(raisable) and missing > 0:
                self.rate[raisable] += missing / len(raisable)
                self.doubt[raisable] = _DOUBT_OF_A_BOUND

    def noise_at_cuts(self) -> Floats:
        """For each edge between two days: the variance that cutting a counted window there adds."""
        noise = np.zeros(len(self.segment) + 1)
        before = 0.0
        for day, (previous, number) in enumerate(pairwise(self.segment.tolist()), start=1):
            if number < 0 or number != previous:
                before = 0.0
                continue
            before += self.rate[day - 1]
            share = before / max(self.totals[number], 1e-9)
            noise[day] = before * max(0.0, 1 - share) * _UNEVENNESS
        return noise


def _tails(
    bounds: Sequence[tuple[int, int, int]],
    *,
    least: float,
    highest_rate: float,
    max_results: int,
) -> list[float]:
    """How many times as many claims as were seen to expect in each window.

    A search that was refused within one that was refused multiplies the tail again, for halving
    on and on takes many rounds.
    """
    refused = [(low, end) for low, end, claims in bounds if claims > max_results]
    lows = np.array([low for low, _ in refused])
    ends = np.array([end for _, end in refused])
    tails = []
    for low, end, claims in bounds:
        refusals = int(((lows <= low) & (ends >= end)).sum()) if claims > max_results else 1
        most = highest_rate * (end - low) / claims
        tails.append(max(least, min(least**refusals, most)))
    return tails


def _running(values: Floats) -> Floats:
    return np.concatenate(([0.0], np.cumsum(values)))


def _ordinals(observation: DensityObservation) -> tuple[int, int]:
    return observation.window.first.toordinal(), observation.window.last.toordinal()


def _is_fresh(observation: DensityObservation, today: date) -> bool:
    return (
        observation.observed_at is None
        or (today - observation.observed_at.date()).days <= _FRESH_DAYS
    )
