"""Claims to results: which claims answer a row, and how certain that is."""

from claims_pipeline.matching.order import is_on_other_days
from claims_pipeline.matching.roster import Roster
from claims_pipeline.matching.rules import Match, match, nearest_miss

__all__ = ["Match", "Roster", "is_on_other_days", "match", "nearest_miss"]
