"""Let PostgreSQL itself keep organizations apart, with row-level security. SQLite has no roles."""

from alembic import op

from claims_pipeline.store.row_security import statements_to_secure

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    "practices",
    "uploads",
    "attempts",
    "attempt_runs",
    "requests",
    "rejected_rows",
    "queries",
    "results",
    "claims",
    "payer_calls",
    "payer_limits",
    "payer_slots",
    "claim_densities",
    "inbox_files",
    "idempotency_keys",
)


def upgrade() -> None:
    # Each organization's audit log is a chain of its own.
    op.create_index("ix_audit_log_organization_id_id", "audit_log", ["organization_id", "id"])
    if op.get_bind().dialect.name != "postgresql":
        return
    for statement in (
        *(statement for table in _TABLES for statement in statements_to_secure(table)),
        *statements_to_secure("organizations", column="id", commands=["SELECT"]),
        # What was written stays as it is.
        *statements_to_secure("audit_log", commands=["SELECT", "INSERT"]),
        *statements_to_secure("sessions", is_found_before_its_organization=True),
    ):
        op.execute(statement)
