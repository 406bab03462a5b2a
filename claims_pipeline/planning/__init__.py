"""Requests to the fewest queries: which days a row needs, and who is asked for them how.

Everything here is pure: values in, values out, no store, no payer and no clock.
"""

from claims_pipeline.planning.needs import Need
from claims_pipeline.planning.planner import Plan, plan
from claims_pipeline.planning.terms import Terms
from claims_pipeline.planning.windows import (
    Span,
    free_concurrency,
    next_windows,
    one_per_row_calls,
    span_of,
)

__all__ = [
    "Need", "Plan", "Span", "Terms", "free_concurrency", "next_windows", "one_per_row_calls",
    "plan", "span_of",
]  # fmt: skip
