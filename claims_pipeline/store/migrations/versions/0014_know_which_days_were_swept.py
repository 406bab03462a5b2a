"""Know which days of a row were swept: asked by name alone, a slip of the name goes unseen."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("requests", sa.Column("swept", sa.JSON(none_as_null=True), nullable=True))
