"""Tell SQLite's planner how rows spread over the indexes.

Without statistics it takes "one upload's open rows" for as few as "these ten rows" and reads all of
an upload's rows for each batch. The numbers are those of an upload of 100,000 rows: for each index
the rows in the table, then how many agree on its first column, its first two, and so on. PostgreSQL
gathers its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SPREAD = (
    ("requests", "sqlite_autoindex_requests_1", "1000000 100000 1"),
    ("requests", "ix_requests_open", "1000000 100000 50000 5000 5000"),
    ("requests", "ix_requests_duplicate_of", "10000 1000 2"),
    ("results", "sqlite_autoindex_results_1", "1000000 100000 2 1"),
    ("results", "ix_results_upload_id_is_current_outcome", "1000000 100000 50000 10000"),
    ("results", "ix_results_upload_id_is_current_row_number", "1000000 100000 50000 1"),
    ("claims", "sqlite_autoindex_claims_1", "1000000 100000 2 2 1"),
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    op.execute("ANALYZE sqlite_schema")  # Makes the table of statistics if it is not there.
    connection.execute(
        sa.text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"),
        [{"tbl": table, "idx": index, "stat": stat} for table, index, stat in _SPREAD],
    )
