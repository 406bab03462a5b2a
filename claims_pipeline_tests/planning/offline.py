"""The fewest calls that anyone could spend who knows what every day holds.

Written apart from the planner on purpose: for each stretch of days, the cheapest cut into legal
sweeps against the singles inside it, by plain dynamic programming over true counts.
"""

from collections.abc import Sequence

import numpy as np

from claims_pipeline.model import DateWindow
from claims_pipeline.planning import Need
from claims_pipeline_tests.planning.payer_model import CAPABILITIES, OLDEST, Workload


def optimum_calls(needs: Sequence[Need], workload: Workload) -> int:
    """Least calls that cover the windows of `needs`, none of them forced either way."""
    items = _fewest_windows_by_patient(needs)
    needed = np.zeros(len(workload.claims_by_day), bool)
    for need in needs:
        for window in need.windows:
            needed[(window.first - OLDEST).days : (window.last - OLDEST).days + 1] = True
    origin, last = np.flatnonzero(needed)[[0, -1]]
    needed = needed[origin : last + 1]
    days = len(needed)
    total = np.concatenate(([0], np.cumsum(workload.claims_by_day[origin : last + 1])))
    inside = np.zeros((days + 1, days + 1))
    for first, end in items:
        inside[first - origin, end - origin] += 1
    inside = np.cumsum(np.cumsum(inside[::-1], axis=0)[::-1], axis=1)
    sweep = np.full((days + 1, days + 1), np.inf)
    sweep[0, 0] = 0
    best = np.zeros(days + 1)
    for end in range(1, days + 1):
        sweep[end, end] = 0
        low = max(0, end - CAPABILITIES.max_window_days)
        claims = total[end] - total[low:end]
        calls = np.where(
            claims > CAPABILITIES.max_results, np.inf, 1 + claims // CAPABILITIES.page_size
        )
        sweep[:end, end] = (sweep[:end, low:end] + calls).min(axis=1)
        if not needed[end - 1]:
            sweep[:end, end] = np.minimum(sweep[:end, end], sweep[:end, end - 1])
        saving = best[:end] + sweep[:end, end] - inside[:end, end]
        best[end] = min(best[end - 1], saving.min())
    return round(len(items) + best[days])


def _fewest_windows_by_patient(needs: Sequence[Need]) -> list[tuple[int, int]]:
    """Each patient's windows covered by the fewest legal ones; positions of first day and end."""
    windows: dict[int, list[DateWindow]] = {}
    for need in needs:
        windows.setdefault(need.patient_key, []).extend(need.windows)
    items: list[tuple[int, int]] = []
    for of_patient in windows.values():
        first = reached = -1
        for window in sorted(of_patient):
            low, end = (window.first - OLDEST).days, (window.last - OLDEST).days + 1
            while end > reached:
                start = max(low, reached)
                if first >= 0 and end - first <= CAPABILITIES.max_window_days:
                    items[-1] = (first, end)
                    reached = end
                elif first >= 0 and start < first + CAPABILITIES.max_window_days:
                    reached = first + CAPABILITIES.max_window_days
                    items[-1] = (first, reached)
                else:
                    first, reached = start, min(end, start + CAPABILITIES.max_window_days)
                    items.append((first, reached))
    return items
