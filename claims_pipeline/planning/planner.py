"""The open rows of one practice at one payer id → the queries to ask next.

Planning is a pure function of what is open and what has been learned. It is called again with
better knowledge whenever a group's queries have been answered and rows are still open, so a
wrong guess is put right by the next plan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from claims_pipeline.model import DateWindow, DensityObservation, Query, QueryKind
from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.needs import Need, NeededDays, needed_days
from claims_pipeline.planning.singles import Singles, fewest_singles, rows_of_singles
from claims_pipeline.planning.sweeps import Sweep, choose_sweeps

_SINGLES_ARE_CHEAPER = "Patients asked one by one: a sweep of their days would take more calls."
_SWEEPS_ARE_OFF = "Sweeps are switched off for this upload."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The queries to ask next, in this order, and what they are expected to cost.

    Singles carry no patient: theirs is the patient of their first row. `estimated_calls` counts
    the search calls of `queries`; `one_per_row_calls` those of a client that asks row by row, and
    `sweep_calls` those of one that only sweeps, for the same windows. `unaskable` rows can be
    answered by a sweep only, and no sweep may be asked.
    """

    queries: tuple[Query, ...]
    estimated_calls: int
    one_per_row_calls: int
    sweep_calls: int
    unaskable: tuple[int, ...] = ()


def plan(
    needs: Sequence[Need],
    *,
    tin: str,
    payer_id: str,
    capabilities: Capabilities,
    observations: Sequence[DensityObservation],
    use_sweeps: bool,
    concurrency: int,
    today: date,
) -> Plan:
    """Plan the queries of one (practice, payer id) group.

    Every need that is not `unaskable` is covered by the queries' windows. No query breaks one of
    the payer's limits as far as `observations` tell. Once the queries are answered, each by a
    complete answer or by an observation, planning again covers what is left.
    """
    days = needed_days(
        needs,
        use_sweeps=use_sweeps and capabilities.sweep,
        use_singles=capabilities.single_by_patient,
    )
    known = [o for o in observations if o.tin == tin and o.payer_id == payer_id]
    chosen = choose_sweeps(
        days,
        capabilities=capabilities,
        observations=known,
        concurrency=concurrency,
        today=today,
    )
    left = days.outside(
        np.array([sweep.first for sweep in chosen.sweeps], np.int64),
        np.array([sweep.last for sweep in chosen.sweeps], np.int64),
    )
    unaskable = frozenset(left.need[~left.by_single].tolist())
    singles = fewest_singles(left.chosen(left.by_single), max_days=capabilities.max_window_days)
    # Begun last, a long chain of pages would be waited for with all other threads free.
    sweeps = sorted(chosen.sweeps, key=lambda sweep: -sweep.expected_calls)
    numbers = np.empty(len(needs), np.object_)
    numbers[:] = [need.row_number for need in needs]
    asked = _Asked(tin=tin, payer_id=payer_id, days=days, row_numbers=numbers)
    reason = _SINGLES_ARE_CHEAPER if use_sweeps else _SWEEPS_ARE_OFF
    return Plan(
        queries=(
            *(asked.sweep(sweep) for sweep in sweeps),
            *asked.singles(singles, reason=reason),
        ),
        estimated_calls=round(chosen.expected_calls) + len(singles),
        one_per_row_calls=len(days),
        sweep_calls=round(chosen.all_sweeps_calls),
        unaskable=tuple(needs[position].row_number for position in sorted(unaskable)),
    )


class _Asked:
    """Makes the queries of one group.

    Each window is made once: a million singles share a few thousand.
    """

    def __init__(
        self, *, tin: str, payer_id: str, days: NeededDays, row_numbers: NDArray[np.object_]
    ) -> None:
        self._tin = tin
        self._payer_id = payer_id
        self._days = days
        self._row_numbers = row_numbers
        self._windows: dict[tuple[int, int], DateWindow] = {}

    def sweep(self, sweep: Sweep) -> Query:
        """The sweep with every row it overlaps and may answer."""
        days = self._days
        overlaps = days.by_sweep & (days.first <= sweep.last) & (days.last >= sweep.first)
        return Query(
            kind=QueryKind.SWEEP,
            tin=self._tin,
            payer_id=self._payer_id,
            window=self._window(sweep.first, sweep.last),
            row_numbers=tuple(self._row_numbers[np.unique(days.need[overlaps])].tolist()),
            page_limit=sweep.page_limit,
            reason=sweep.reason,
        )

    def singles(self, singles: Singles, *, reason: str) -> Iterator[Query]:
        """The singles with the rows of their patients that they overlap."""
        rows = rows_of_singles(singles, self._days.chosen(self._days.by_single), self._row_numbers)
        for first, last, row_numbers in zip(
            singles.first.tolist(), singles.last.tolist(), rows, strict=True
        ):
            yield Query(
                kind=QueryKind.SINGLE,
                tin=self._tin,
                payer_id=self._payer_id,
                window=self._window(first, last),
                row_numbers=row_numbers,
                reason=reason,
            )

    def _window(self, first: int, last: int) -> DateWindow:
        found = self._windows.get((first, last))
        if found is None:
            found = DateWindow(date.fromordinal(first), date.fromordinal(last))
            self._windows[first, last] = found
        return found
