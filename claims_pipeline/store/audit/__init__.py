"""The audit log: who did what, chained by hashes, sealed by a key, its heads copied elsewhere."""

from claims_pipeline.store.audit.heads import Head
from claims_pipeline.store.audit.log import (
    AuditEntry,
    AuditFilter,
    append,
    count_entries,
    list_entries,
)
from claims_pipeline.store.audit.purging import count_old, remove_old
from claims_pipeline.store.audit.sealing import seal_heads
from claims_pipeline.store.audit.verifying import AuditVerdict, verify

__all__ = [
    "AuditEntry",
    "AuditFilter",
    "AuditVerdict",
    "Head",
    "append",
    "count_entries",
    "count_old",
    "list_entries",
    "remove_old",
    "seal_heads",
    "verify",
]
