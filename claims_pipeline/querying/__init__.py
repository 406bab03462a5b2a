"""Drains the ledger through a payer: plan, lease, ask side by side, match, settle."""

from claims_pipeline.querying.calls import CallLog
from claims_pipeline.querying.groups import plan_open_groups
from claims_pipeline.querying.lane import drain
from claims_pipeline.querying.outage import fail_open_rows

__all__ = ["CallLog", "drain", "fail_open_rows", "plan_open_groups"]
