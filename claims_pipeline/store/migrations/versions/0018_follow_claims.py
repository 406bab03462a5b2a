"""Follow claims across uploads: where they stand, when they are asked again, what changed."""

import sqlalchemy as sa
from alembic import op

from claims_pipeline.store.row_security import statements_to_secure
from claims_pipeline.store.types import Money, UtcInstant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "follow_up_settings",
    "cadence_rules",
    "tracked_claims",
    "claim_checks",
    "claim_changes",
    "claim_notes",
    "follow_up_uploads",
)


def upgrade() -> None:
    op.create_table(
        "cadence_rules",
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("next_action", sa.String(length=64), nullable=True),
        sa.Column("is_worked", sa.Boolean(), nullable=True),
        sa.Column("until_age", sa.Integer(), nullable=True),
        sa.Column("after_days", sa.Integer(), nullable=True),
        sa.Column("otherwise", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_cadence_rules_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "position", name=op.f("pk_cadence_rules")),
    )
    op.create_table(
        "follow_up_settings",
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcInstant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_follow_up_settings_organization_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_follow_up_settings")),
    )
    op.create_table(
        "follow_up_uploads",
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("payer", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.String(length=36), nullable=True),
        sa.Column("made_at", UtcInstant(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("left_for_later", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_follow_up_uploads_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_follow_up_uploads_upload_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "payer", "day", "number", name=op.f("pk_follow_up_uploads")
        ),
    )
    op.create_index(
        "ix_follow_up_uploads_upload_id", "follow_up_uploads", ["upload_id"], unique=False
    )
    op.create_table(
        "tracked_claims",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.String(length=40), nullable=False),
        sa.Column("claim_key", sa.String(length=32), nullable=True),
        sa.Column("row_key", sa.String(length=32), nullable=False),
        sa.Column("number_key", sa.String(length=32), nullable=True),
        sa.Column("payer", sa.String(length=32), nullable=False),
        sa.Column("payer_id", sa.String(length=32), nullable=False),
        sa.Column("practice_id", sa.String(length=64), nullable=False),
        sa.Column("tin", sa.String(length=9), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=False),
        sa.Column("gender", sa.String(length=1), nullable=True),
        sa.Column("subscriber_id", sa.Text(), nullable=True),
        sa.Column("subscriber_first_name", sa.Text(), nullable=True),
        sa.Column("subscriber_last_name", sa.Text(), nullable=True),
        sa.Column("npi", sa.String(length=10), nullable=True),
        sa.Column("claim_number", sa.Text(), nullable=True),
        sa.Column("patient_account_number", sa.Text(), nullable=True),
        sa.Column("service_from", sa.Date(), nullable=True),
        sa.Column("service_to", sa.Date(), nullable=True),
        sa.Column("row_charged", Money(), nullable=True),
        sa.Column("search_text", sa.String(length=160), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("next_action", sa.String(length=64), nullable=True),
        sa.Column("charged", Money(), nullable=True),
        sa.Column("open_amount", Money(), nullable=True),
        sa.Column("paid", Money(), nullable=True),
        sa.Column("patient_owes", Money(), nullable=True),
        sa.Column("denial_category", sa.String(length=32), nullable=True),
        sa.Column("denial_codes", sa.Text(), nullable=True),
        sa.Column("remark_codes", sa.Text(), nullable=True),
        sa.Column("received", sa.Date(), nullable=True),
        sa.Column("processed", sa.Date(), nullable=True),
        sa.Column("first_seen", UtcInstant(), nullable=False),
        sa.Column("last_checked", UtcInstant(), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("status_since", UtcInstant(), nullable=False),
        sa.Column("previous_status", sa.String(length=32), nullable=True),
        sa.Column("changed_at", UtcInstant(), nullable=True),
        sa.Column("next_check_on", sa.Date(), nullable=True),
        sa.Column("final_at", UtcInstant(), nullable=True),
        sa.Column("last_upload_id", sa.String(length=36), nullable=True),
        sa.Column("last_row_number", sa.Integer(), nullable=True),
        sa.Column("check_upload_id", sa.String(length=36), nullable=True),
        sa.Column("needs_person", sa.Boolean(), nullable=False),
        sa.Column("dollars", Money(), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=True),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.Column("done_at", UtcInstant(), nullable=True),
        sa.Column("done_by", sa.String(length=128), nullable=True),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("deadline_rule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_upload_id"],
            ["uploads.id"],
            name=op.f("fk_tracked_claims_check_upload_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["last_upload_id"],
            ["uploads.id"],
            name=op.f("fk_tracked_claims_last_upload_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_tracked_claims_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_claims")),
        sa.UniqueConstraint(
            "organization_id", "identity", name=op.f("uq_tracked_claims_organization_id_identity")
        ),
    )
    op.create_index(
        "ix_tracked_claims_check_upload_id", "tracked_claims", ["check_upload_id"], unique=False
    )
    op.create_index("ix_tracked_claims_final_at", "tracked_claims", ["final_at"], unique=False)
    op.create_index(
        "ix_tracked_claims_last_upload_id", "tracked_claims", ["last_upload_id"], unique=False
    )
    op.create_index(
        "ix_tracked_claims_organization_id_number_key",
        "tracked_claims",
        ["organization_id", "number_key"],
        unique=False,
    )
    op.create_index(
        "ix_tracked_claims_organization_id_payer_next_check_on",
        "tracked_claims",
        ["organization_id", "payer", "next_check_on"],
        unique=False,
    )
    op.create_index(
        "ix_tracked_claims_organization_id_row_key",
        "tracked_claims",
        ["organization_id", "row_key"],
        unique=False,
    )
    op.create_table(
        "claim_changes",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("tracked_id", sa.String(length=36), nullable=False),
        sa.Column("upload_id", sa.String(length=36), nullable=True),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("previous_status", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("next_action", sa.String(length=64), nullable=True),
        sa.Column("open_amount", Money(), nullable=True),
        sa.Column("paid", Money(), nullable=True),
        sa.Column("patient_owes", Money(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_claim_changes_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracked_claims.id"],
            name=op.f("fk_claim_changes_tracked_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_claim_changes_upload_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_changes")),
    )
    op.create_index(
        "ix_claim_changes_organization_id_day",
        "claim_changes",
        ["organization_id", "day"],
        unique=False,
    )
    op.create_index(
        "ix_claim_changes_organization_id_id",
        "claim_changes",
        ["organization_id", "id"],
        unique=False,
    )
    op.create_index("ix_claim_changes_upload_id", "claim_changes", ["upload_id"], unique=False)
    op.create_index("ix_claim_changes_tracked_id", "claim_changes", ["tracked_id"], unique=False)
    op.create_table(
        "claim_checks",
        sa.Column("upload_id", sa.String(length=36), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tracked_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("claim_key", sa.String(length=32), nullable=True),
        sa.Column("changed", sa.String(length=16), nullable=True),
        sa.Column("previous_status", sa.String(length=32), nullable=True),
        sa.Column("status_since", UtcInstant(), nullable=True),
        sa.Column("checks", sa.Integer(), nullable=True),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("deadline_rule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_claim_checks_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracked_claims.id"],
            name=op.f("fk_claim_checks_tracked_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_claim_checks_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "upload_id", "row_number", "attempt", "tracked_id", name=op.f("pk_claim_checks")
        ),
    )
    op.create_index("ix_claim_checks_tracked_id", "claim_checks", ["tracked_id"], unique=False)
    op.create_table(
        "claim_notes",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("organization_id", sa.String(length=64), nullable=False),
        sa.Column("tracked_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcInstant(), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_claim_notes_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracked_claims.id"],
            name=op.f("fk_claim_notes_tracked_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_notes")),
    )
    op.create_index("ix_claim_notes_tracked_id", "claim_notes", ["tracked_id"], unique=False)
    op.create_index(
        "ix_tracked_claims_deadline",
        "tracked_claims",
        ["organization_id", "act_by", sa.text("dollars DESC"), "id"],
        sqlite_where=sa.text("needs_person = 1 AND done_at IS NULL"),
        postgresql_where=sa.text("needs_person AND done_at IS NULL"),
    )
    op.create_index(
        "ix_tracked_claims_work",
        "tracked_claims",
        [
            "organization_id",
            sa.text("dollars DESC"),
            "act_by",
            "id",
            "owner",
            "next_action",
            "payer",
            "practice_id",
            "status",
            "follow_up_on",
            "service_to",
            "denial_codes",
            "remark_codes",
            "needs_person",
            "done_at",
            "search_text",
        ],
        sqlite_where=sa.text("needs_person = 1 AND done_at IS NULL"),
        postgresql_where=sa.text("needs_person AND done_at IS NULL"),
    )
    op.add_column("uploads", sa.Column("follow_up", sa.Boolean(), nullable=True))
    op.add_column("attempts", sa.Column("followed_at", UtcInstant(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for table in _TABLES:
            for statement in statements_to_secure(table):
                op.execute(statement)
