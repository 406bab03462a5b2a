"""List each organization's payers, and tell practices' NPI and the name that goes on the wire."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payers",
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("payer", sa.String(32), nullable=False),
        sa.Column("payer_id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("channel_payer_id", sa.String(32), nullable=True),
        sa.Column("timezone", sa.String(64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_payers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "payer", name=op.f("pk_payers")),
        sa.UniqueConstraint(
            "organization_id", "payer_id", name=op.f("uq_payers_organization_id_payer_id")
        ),
    )
    op.add_column("practices", sa.Column("npi", sa.String(10), nullable=True))
    op.add_column("practices", sa.Column("wire_name", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for statement in statements_to_secure("payers"):
            op.execute(statement)
