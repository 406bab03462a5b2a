"""Note which runs let go of their attempt because the payer was down.

They have not died, and must not count towards an upload that kills every run it gets.
"""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.types import UtcInstant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt_runs", sa.Column("let_go_at", UtcInstant(), nullable=True))
