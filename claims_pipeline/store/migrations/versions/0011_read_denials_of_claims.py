"""Know a claim in every row that shows it, what can still be won, and why it was denied.

Claims that are there already get their key, so that each is counted once, and an open amount as it
was reckoned before; their denials stay unread until the rows are asked again.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CLAIMS_AT_ONCE = 1000


def upgrade() -> None:
    for column in (
        sa.Column("claim_key", sa.BigInteger(), nullable=True),
        sa.Column("open_amount", sa.BigInteger(), nullable=True),  # cents
        sa.Column("denial_category", sa.String(32), nullable=True),
        sa.Column("denials", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("codes", sa.Text(), nullable=True),
        sa.Column("match_note", sa.Text(), nullable=True),
    ):
        op.add_column("claims", column)
    _fill_in(op.get_bind())
    op.create_index(
        "ix_claims_claim_key", "claims", ["upload_id", "claim_key", "row_number", "attempt"]
    )
    if op.get_bind().dialect.name == "sqlite":
        # As revision 0002 does for the other indexes, so that this one is taken for claims only.
        op.execute(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat)"
            " VALUES ('claims', 'ix_claims_claim_key', '1000000 100000 2 1 1')"
        )


def _fill_in(connection: sa.Connection) -> None:
    claims = sa.table(
        "claims",
        *(sa.column(name) for name in ("upload_id", "row_number", "attempt", "identity")),
        sa.column("match_number", sa.Integer),
        sa.column("claim_status", sa.String),
        sa.column("total_charged", sa.BigInteger),
        sa.column("total_paid", sa.BigInteger),
        sa.column("body", sa.JSON),
        sa.column("claim_key", sa.BigInteger),
        sa.column("open_amount", sa.BigInteger),
    )
    settled = claims.c.claim_status.in_(("PAID", "CLOSED_NO_PAYMENT", "ADJUSTED"))
    still_open = claims.c.total_charged - sa.func.coalesce(claims.c.total_paid, 0)
    connection.execute(
        sa.update(claims)
        .where(claims.c.match_number > 0)
        .values(open_amount=sa.case((settled, 0), else_=still_open))
    )
    keys = ("upload_id", "row_number", "attempt", "identity")
    change = sa.update(claims).values(claim_key=sa.bindparam("new_key"))
    for name in keys:
        change = change.where(claims.c[name] == sa.bindparam(f"own_{name}"))
    while found := connection.execute(
        sa.select(*(claims.c[name] for name in keys), claims.c.body)
        .where(claims.c.match_number > 0, claims.c.claim_key.is_(None))
        .limit(_CLAIMS_AT_ONCE)
    ).all():
        connection.execute(
            change,
            [
                {"new_key": _key(row.body), **{f"own_{name}": getattr(row, name) for name in keys}}
                for row in found
            ],
        )


def _key(body: dict[str, object]) -> int:
    """As the program has it at this revision."""
    rows = body.get("status_codes") or []
    suffixes = sorted({row["icn_suffix"] for row in rows if row.get("icn_suffix")})  # type: ignore[attr-defined]
    identity = [
        body["payer_id"],
        body["tin"],
        body["claim_number"],
        ",".join(suffixes),
        body.get("service_from") or "",
        body.get("service_to") or "",
    ]
    digest = hashlib.blake2b(json.dumps(identity).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
