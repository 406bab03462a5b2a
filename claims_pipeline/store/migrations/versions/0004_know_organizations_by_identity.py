"""Tie organizations to the identity provider's, and attempts to the HTTP request that asked.

An identity provider's organization may be renamed; its id stays. The correlation id leads from a
line of the API's log to the run and to the payer's own logs. `attempts.planned` was set by nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organizations", sa.Column("identity_id", sa.String(64), nullable=True))
    op.create_index("uq_organizations_identity_id", "organizations", ["identity_id"], unique=True)
    op.add_column("attempts", sa.Column("correlation_id", sa.String(64), nullable=True))
    op.drop_column("attempts", "planned")
