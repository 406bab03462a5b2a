"""Remember what people decided about columns, by the set of a header's names."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import UtcInstant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "column_decisions",
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("header_digest", sa.String(64), nullable=False),
        sa.Column("column_map", sa.JSON(), nullable=False),
        sa.Column("decided_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_column_decisions_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "header_digest", name=op.f("pk_column_decisions")
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in statements_to_secure("column_decisions"):
            op.execute(statement)
