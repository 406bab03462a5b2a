"""Await answers that come later: what was submitted, its reference, and when to look again."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.types import UtcInstant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("queries", sa.Column("reference", sa.Text(), nullable=True))
    op.add_column("queries", sa.Column("submitted_at", UtcInstant(), nullable=True))
    op.add_column("queries", sa.Column("next_look_at", UtcInstant(), nullable=True))
    op.create_index(
        "ix_queries_reference",
        "queries",
        ["reference"],
        postgresql_where=sa.text("reference IS NOT NULL"),
        sqlite_where=sa.text("reference IS NOT NULL"),
    )
    op.add_column(
        "attempts", sa.Column("look_calls", sa.Integer(), nullable=False, server_default="0")
    )
