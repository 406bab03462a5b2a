"""Keep partners of the channel x12, and the files that went out and came in."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import UtcInstant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_TABLES = ("x12_partners", "x12_files", "x12_received")


def upgrade() -> None:
    op.create_table(
        "x12_partners",
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("last_interchange", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_group", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_set", sa.Integer(), nullable=False, server_default="0"),
        _organization("x12_partners"),
        sa.PrimaryKeyConstraint("organization_id", "name", name=op.f("pk_x12_partners")),
    )
    op.create_table(
        "x12_files",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("partner", sa.String(32), nullable=False),
        sa.Column("interchange", sa.String(9), nullable=False),
        sa.Column("group_control", sa.String(9), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcInstant(), nullable=True),
        sa.Column("written_at", UtcInstant(), nullable=False),
        sa.Column("sent_at", UtcInstant(), nullable=True),
        _organization("x12_files"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_x12_files")),
        sa.UniqueConstraint(
            "organization_id",
            "partner",
            "interchange",
            name=op.f("uq_x12_files_organization_id_partner_interchange"),
        ),
    )
    op.create_index(
        "ix_x12_files_partner_state", "x12_files", ["organization_id", "partner", "state"]
    )
    op.create_table(
        "x12_received",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("partner", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("received_at", UtcInstant(), nullable=False),
        _organization("x12_received"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_x12_received")),
    )
    op.create_index(
        "ix_x12_received_partner", "x12_received", ["organization_id", "partner", "received_at"]
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            for statement in statements_to_secure(table):
                op.execute(statement)


def _organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id")
    )
