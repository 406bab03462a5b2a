"""Keep what was asked by files and has no answer yet, and what answers said."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import UtcInstant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLES = ("x12_inquiries", "x12_answers")


def upgrade() -> None:
    op.create_table(
        "x12_inquiries",
        sa.Column("reference", sa.String(48), nullable=False),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("attempt_id", sa.String(36), nullable=False),
        sa.Column("partner", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("provider_id", sa.String(80), nullable=False),
        sa.Column("file_id", sa.String(36), nullable=True),
        sa.Column("set_control", sa.String(9), nullable=True),
        sa.Column("set_reference", sa.String(50), nullable=True),
        sa.Column("error_class", sa.String(32), nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("queued_at", UtcInstant(), nullable=False),
        sa.Column("due_at", UtcInstant(), nullable=True),
        sa.Column("answered_at", UtcInstant(), nullable=True),
        _organization("x12_inquiries"),
        _upload("x12_inquiries"),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["attempts.id"],
            name=op.f("fk_x12_inquiries_attempt_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_x12_inquiries")),
    )
    op.create_index(
        "ix_x12_inquiries_partner_state",
        "x12_inquiries",
        ["organization_id", "partner", "state", "queued_at"],
    )
    op.create_index("ix_x12_inquiries_file", "x12_inquiries", ["file_id", "set_control"])
    op.create_index("ix_x12_inquiries_set_reference", "x12_inquiries", ["set_reference"])
    op.create_index("ix_x12_inquiries_upload_id", "x12_inquiries", ["upload_id"])
    op.create_index("ix_x12_inquiries_answered_at", "x12_inquiries", ["answered_at"])
    op.create_table(
        "x12_answers",
        sa.Column("reference", sa.String(48), nullable=False),
        sa.Column("interchange", sa.String(32), nullable=False),
        sa.Column("group_control", sa.String(32), nullable=False),
        sa.Column("set_control", sa.String(32), nullable=False),
        sa.Column("claim_key", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(64), nullable=False),
        sa.Column("upload_id", sa.String(36), nullable=False),
        sa.Column("fate", sa.String(16), nullable=False),
        sa.Column("error_class", sa.String(32), nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("claim", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("received_at", UtcInstant(), nullable=False),
        _organization("x12_answers"),
        _upload("x12_answers"),
        sa.PrimaryKeyConstraint(
            "reference",
            "interchange",
            "group_control",
            "set_control",
            "claim_key",
            name=op.f("pk_x12_answers"),
        ),
    )
    op.create_index("ix_x12_answers_upload_id", "x12_answers", ["upload_id"])
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            for statement in statements_to_secure(table):
                op.execute(statement)


def _organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id")
    )


def _upload(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["upload_id"], ["uploads.id"], name=op.f(f"fk_{table}_upload_id"), ondelete="CASCADE"
    )
