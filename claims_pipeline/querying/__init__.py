"""Drains the ledger through a payer: plan, lease, ask side by side, match, settle."""

from claims_pipeline.querying.groups import plan_open_groups
from claims_pipeline.querying.lane import CallLog, PayerRefusedError, drain
from claims_pipeline.querying.terms import Terms

__all__ = ["CallLog", "PayerRefusedError", "Terms", "drain", "plan_open_groups"]
