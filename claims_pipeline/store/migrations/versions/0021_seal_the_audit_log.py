"""Seal the audit log with a key, and keep the head of each of its chains."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("audit_log", sa.Column("key_id", sa.String(length=16), nullable=True))
    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("entries", _BIG, nullable=False),
        sa.Column("purged", _BIG, nullable=False),
        sa.Column("anchor", sa.String(length=64), nullable=False),
        sa.Column("last_id", _BIG, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_audit_heads")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in statements_to_secure("audit_heads"):
            op.execute(statement)
