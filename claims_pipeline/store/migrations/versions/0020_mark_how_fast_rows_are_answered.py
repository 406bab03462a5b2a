"""Mark how many rows were answered when: the time left is told from the last minute."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for mark in ("mark", "earlier_mark"):
        op.add_column(
            "attempts", sa.Column(f"{mark}_at", sa.DateTime(timezone=True), nullable=True)
        )
        op.add_column("attempts", sa.Column(f"{mark}_rows", sa.Integer(), nullable=True))
