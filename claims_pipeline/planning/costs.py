"""What a sweep is expected to cost."""

import numpy as np

from claims_pipeline.payers.base import Capabilities
from claims_pipeline.planning.density import Floats

# A refused search costs its call, its two halves end with two part-filled pages, and where there
# is more than twice the cap the halves are refused again.
_CALLS_LOST_TO_EACH_CAP = 2.0
# The slope at which this logistic curve follows the normal distribution within a hundredth.
_LOGISTIC_SLOPE = 1.702
# Below this spread a count is a count.
_LEAST_SPREAD = 1e-3


def expected_calls(mean: Floats, variance: Floats, *, capabilities: Capabilities) -> Floats:
    """Expected calls of one sweep over a window with so many claims, for each array entry.

    One call, one more for each page that is filled before it (after exactly a full page the payer
    must be asked once more), and what is lost when the payer refuses the window for its size.
    """
    spread = np.maximum(np.sqrt(variance), _LEAST_SPREAD)
    calls = np.ones_like(mean)
    full_pages = capabilities.max_results // capabilities.page_size
    for page in range(1, full_pages + 1):
        calls += _chance_of(page * capabilities.page_size, mean, spread)
    too_many = _chance_of(capabilities.max_results + 1, mean, spread)
    caps = np.maximum(1.0, mean / capabilities.max_results)
    lost = _CALLS_LOST_TO_EACH_CAP * caps + full_pages * (caps - 1)
    expected: Floats = calls + too_many * lost
    return expected


def _chance_of(claims: int, mean: Floats, spread: Floats) -> Floats:
    """Chance of at least so many claims."""
    steps = np.clip((mean - claims + 0.5) / spread * _LOGISTIC_SLOPE, -50, 50)
    chance: Floats = 1 / (1 + np.exp(-steps))
    return chance
