"""Note how many rows had their answer when an attempt began, so that its own rate can be told.

Attempts that are there already count from nothing; they end too soon to matter.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "attempts", sa.Column("settled_before", sa.Integer(), nullable=False, server_default="0")
    )
