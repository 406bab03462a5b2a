"""What is still to be searched, as arrays: a group may have a million rows.

Days are ordinals (`date.toordinal`), both ends included, as everywhere in this room.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims_pipeline.model import DateWindow

Days = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Need:
    """One row and the windows, each of legal length, that are to be covered for it now.

    `patient_key` is equal for rows that one single can ask together. `sweep_only`: no single can
    ask for this name. `single_only`: a sweep did not answer this row for certain.
    """

    row_number: int
    patient_key: int
    windows: tuple[DateWindow, ...]
    sweep_only: bool = False
    single_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededDays:
    """The windows of many needs, one array entry for each window.

    `need` is the position of the window's need, `patient` a dense number from 0.
    """

    need: Days
    patient: Days
    first: Days
    last: Days
    by_sweep: Mask
    by_single: Mask

    def __len__(self) -> int:
        return len(self.first)

    def chosen(self, mask: Mask) -> "NeededDays":
        """The windows that `mask` marks."""
        return NeededDays(
            need=self.need[mask],
            patient=self.patient[mask],
            first=self.first[mask],
            last=self.last[mask],
            by_sweep=self.by_sweep[mask],
            by_single=self.by_single[mask],
        )

    def outside(self, swept_first: Days, swept_last: Days) -> "NeededDays":
        """What is left of the windows that a sweep may answer, once the swept days are taken off.

        The swept windows must be disjoint and ascending. Windows that need a single stay whole.
        """
        if not len(swept_first):
            return self
        # The days that are not swept, as gaps before, between and after the sweeps.
        gap_first = np.concatenate(([np.iinfo(np.int64).min], swept_last + 1))
        gap_last = np.concatenate((swept_first - 1, [np.iinfo(np.int64).max]))
        lowest = np.searchsorted(gap_last, self.first)
        pieces = np.searchsorted(gap_first, self.last, side="right") - lowest
        pieces = np.where(self.by_sweep, pieces, 1)
        source, within = expand(pieces)
        gap = lowest[source] + within
        is_cut = self.by_sweep[source]
        first = np.where(is_cut, np.maximum(self.first[source], gap_first[gap]), self.first[source])
        last = np.where(is_cut, np.minimum(self.last[source], gap_last[gap]), self.last[source])
        is_left = first <= last
        left = source[is_left]
        return NeededDays(
            need=self.need[left],
            patient=self.patient[left],
            first=first[is_left],
            last=last[is_left],
            by_sweep=self.by_sweep[left],
            by_single=self.by_single[left],
        )


def needed_days(needs: Sequence[Need], *, use_sweeps: bool, use_singles: bool) -> NeededDays:
    """The windows of `needs` as arrays, with who may answer them."""
    counts = np.fromiter((len(need.windows) for need in needs), np.int64, len(needs))
    total = int(counts.sum())
    keys = np.fromiter((need.patient_key for need in needs), np.int64, len(needs))
    sweep_only = np.fromiter((need.sweep_only for need in needs), np.bool_, len(needs))
    single_only = np.fromiter((need.single_only for need in needs), np.bool_, len(needs))
    windows = [window for need in needs for window in need.windows]
    _, patients = np.unique(keys, return_inverse=True)
    owner = np.repeat(np.arange(len(needs), dtype=np.int64), counts)
    return NeededDays(
        need=owner,
        patient=patients.astype(np.int64)[owner],
        first=np.fromiter((window.first.toordinal() for window in windows), np.int64, total),
        last=np.fromiter((window.last.toordinal() for window in windows), np.int64, total),
        by_sweep=(~single_only & use_sweeps)[owner],
        by_single=(~sweep_only & use_singles)[owner],
    )


def expand(counts: Days) -> tuple[Days, Days]:
    """For `counts` of entries each, their owners' positions and their own within the owner."""
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner), dtype=np.int64) - starts[owner]
