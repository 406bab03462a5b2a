"""Count for quotas what was deleted or asked again."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import UtcInstant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quota_uses",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("uploads", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_uses")),
    )
    op.create_index(
        "ix_quota_uses_organization_id_at", "quota_uses", ["organization_id", "at"], unique=False
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in statements_to_secure("quota_uses"):
            op.execute(statement)
