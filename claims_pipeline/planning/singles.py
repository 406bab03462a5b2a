"""Singles: each patient's needed days covered by the fewest windows of legal length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claims_pipeline.planning.needs import Days, NeededDays, expand


@dataclass(frozen=True, slots=True, kw_only=True)
class Singles:
    """One search of one patient for each array entry; patients ascend, then days."""

    patient: Days
    first: Days
    last: Days

    def __len__(self) -> int:
        return len(self.first)


def fewest_singles(days: NeededDays, *, max_days: int) -> Singles:
    """Cover every patient's windows with the fewest windows of at most `max_days`.

    Greedy from the oldest needed day, which is optimal for intervals on a line; one round of
    array operations for each further search of the patient who needs most.
    """
    if not len(days):
        empty = np.empty(0, np.int64)
        return Singles(patient=empty, first=empty, last=empty)
    # Each patient gets an own stretch of one long line, so that one pass serves them all.
    origin = int(days.first.min())
    stride = int(days.last.max()) - origin + max_days + 2
    offset = days.patient * stride - origin
    first, last = merged(days.first + offset, days.last + offset)
    owner = first // stride
    window = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    start = first[window]
    firsts, lasts = [], []
    while len(start):
        end = start + max_days - 1
        following = np.searchsorted(last, end, side="right")
        is_inside = following < len(last)
        next_first = np.where(is_inside, first[np.minimum(following, len(first) - 1)], stride * -1)
        is_cut = is_inside & (next_first <= end)
        firsts.append(start)
        lasts.append(np.where(is_cut, end, last[following - 1]))
        goes_on = is_inside & (next_first // stride == start // stride)
        start = np.maximum(next_first, end + 1)[goes_on]
    all_first, all_last = np.concatenate(firsts), np.concatenate(lasts)
    order = np.argsort(all_first, kind="stable")
    patient = all_first[order] // stride
    back = patient * stride - origin
    return Singles(patient=patient, first=all_first[order] - back, last=all_last[order] - back)


def merged(first: Days, last: Days) -> tuple[Days, Days]:
    """Union of windows as disjoint windows, ascending."""
    order = np.argsort(first, kind="stable")
    first, last = first[order], np.maximum.accumulate(last[order])
    is_start = np.concatenate(([True], first[1:] > last[:-1]))
    starts = np.flatnonzero(is_start)
    ends = np.concatenate((starts[1:], [len(first)])) - 1
    return first[starts], last[ends]


def rows_of_singles(
    singles: Singles, days: NeededDays, row_numbers: NDArray[np.object_]
) -> list[tuple[int, ...]]:
    """The rows that each search overlaps, in ascending order of their position.

    `row_numbers` holds one Python int for each need; the tuples share them.
    """
    order = np.argsort(days.patient, kind="stable")
    patient = days.patient[order]
    lowest = np.searchsorted(patient, singles.patient)
    counts = np.searchsorted(patient, singles.patient, side="right") - lowest
    single, within = expand(counts)
    entry = order[lowest[single] + within]
    overlaps = (days.first[entry] <= singles.last[single]) & (
        days.last[entry] >= singles.first[single]
    )
    single, need = single[overlaps], days.need[entry[overlaps]]
    # The windows of one need stand together, so a row's repeats are neighbours.
    is_new = np.concatenate(([True], (single[1:] != single[:-1]) | (need[1:] != need[:-1])))[
        : len(single)
    ]
    single, need = single[is_new], need[is_new]
    ends = np.searchsorted(single, np.arange(len(singles)), side="right")
    numbers = row_numbers[need].tolist()
    rows, start = [], 0
    for end in ends.tolist():
        rows.append(tuple(numbers[start:end]))
        start = end
    return rows
