"""Keep how many records the reader counted; a breaker opens for as long each time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # None for uploads that were read before anybody counted.
    op.add_column("uploads", sa.Column("record_count", sa.Integer(), nullable=True))
    op.add_column(
        "uploads", sa.Column("left_out_count", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("uploads", sa.Column("left_out", sa.JSON(none_as_null=True), nullable=True))
    op.drop_column("payer_limits", "consecutive_failures")
