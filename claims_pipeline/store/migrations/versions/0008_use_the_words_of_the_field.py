"""Name columns by the words that the code uses, and drop a table that nobody ever wrote to."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_RENAMED = (
    ("uploads", "use_batch_query", "use_sweeps"),
    ("attempts", "settled_before", "answered_before"),
    ("attempts", "foreign_claims", "unrelated_claims"),
    ("attempt_runs", "taken_at", "acquired_at"),
)


def upgrade() -> None:
    # Not `op.alter_column`: on SQLite it would copy each table, and uploads cascade.
    for table, before, after in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    op.drop_table("inbox_files")
