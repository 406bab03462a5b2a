"""Keep what further payers need of a row: gender, subscriber, NPI, and which payer is asked."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # There was one payer when the rows that are here were read. Adding columns with a constant
    # copies no table, and uploads have up to a million rows.
    op.add_column(
        "requests", sa.Column("payer", sa.String(32), nullable=False, server_default="uhc")
    )
    op.add_column("requests", sa.Column("gender", sa.String(1), nullable=True))
    op.add_column("requests", sa.Column("subscriber_first_name", sa.Text(), nullable=True))
    op.add_column("requests", sa.Column("subscriber_last_name", sa.Text(), nullable=True))
    op.add_column("requests", sa.Column("npi", sa.String(10), nullable=True))
