"""Let PostgreSQL itself keep organizations apart, with row-level security.

Whoever is not the tables' owner, nor a member of the owner's role, sees and writes the rows of one
organization: the one that its transaction names in `claims.organization_id`. It may read those of
all when it names `*`. The owner passes by a policy, so that the security can be forced; a role
with BYPASSRLS passes without, and only such a one may COPY. SQLite has no roles.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAMED = "current_setting('claims.organization_id', true)"
# Tables of one organization's rows, each with the column that says whose a row is.
_TABLES = {
    "organizations": "id",
    "practices": "organization_id",
    "uploads": "organization_id",
    "attempts": "organization_id",
    "attempt_runs": "organization_id",
    "requests": "organization_id",
    "rejected_rows": "organization_id",
    "queries": "organization_id",
    "results": "organization_id",
    "claims": "organization_id",
    "payer_calls": "organization_id",
    "payer_limits": "organization_id",
    "payer_slots": "organization_id",
    "claim_densities": "organization_id",
    "inbox_files": "organization_id",
    "idempotency_keys": "organization_id",
    "sessions": "organization_id",
    "audit_log": "organization_id",
}


def upgrade() -> None:
    # Each organization's audit log is a chain of its own.
    op.create_index("ix_audit_log_organization_id_id", "audit_log", ["organization_id", "id"])
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _TABLES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        # By the owner's id, so that a backup may be restored by an owner of another name.
        op.execute(
            f"CREATE POLICY owner ON {table} USING (pg_has_role("  # noqa: S608 - names of ours
            f"(SELECT relowner FROM pg_class WHERE oid = '{table}'::regclass), 'USAGE'))"
        )
        op.execute(f"CREATE POLICY reads_all ON {table} FOR SELECT USING ({_NAMED} = '*')")
        for command in _commands(table):
            op.execute(
                f"CREATE POLICY own_{command.lower()} ON {table} FOR {command}"
                f" {_condition(table, column, command)}"
            )


def _commands(table: str) -> tuple[str, ...]:
    if table == "audit_log":
        return ("SELECT", "INSERT")  # What was written stays as it is.
    return ("SELECT",) if table == "organizations" else ("ALL",)


def _condition(table: str, column: str, command: str) -> str:
    is_own = f"{column} = {_NAMED}"
    if table == "sessions":
        # A session begins, and is looked for, before it is known whose it is.
        is_own = f"{is_own} OR {_NAMED} = '*'"
    return f"WITH CHECK ({is_own})" if command == "INSERT" else f"USING ({is_own})"
