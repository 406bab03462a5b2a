"""Claims to results: which claims answer a row, and how certain that is."""

from claims_pipeline.matching.roster import Roster
from claims_pipeline.matching.rules import Match, match

__all__ = ["Match", "Roster", "match"]
