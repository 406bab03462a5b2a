"""Remember decisions about ambiguous rows, and until when something can be done."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import UtcInstant

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "deadline_rules",
    "claim_decisions",
)


def upgrade() -> None:
    op.create_table(
        "deadline_rules",
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("payer", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("counted_from", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_deadline_rules_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "position", name=op.f("pk_deadline_rules")),
    )
    op.create_table(
        "claim_decisions",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("tracked_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("claim_key", sa.String(length=32), nullable=True),
        sa.Column("turned_down", sa.JSON(), nullable=False),
        sa.Column("undone_at", UtcInstant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_claim_decisions_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracked_claims.id"],
            name=op.f("fk_claim_decisions_tracked_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_decisions")),
    )
    op.create_index(
        "ix_claim_decisions_tracked_id", "claim_decisions", ["tracked_id"], unique=False
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            for statement in statements_to_secure(table):
                op.execute(statement)
