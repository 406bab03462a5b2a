"""What migrations do with rows that are there already."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, Table, insert, select

from claims_pipeline.model import Claim, ClaimStatus, StatusCode
from claims_pipeline.store import tables
from claims_pipeline.store.codec import claim_digest, claim_key, claim_to_json
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline_tests.store.builders import NOW, ORGANIZATION, make_claim
from claims_pipeline_tests.store.test_database import MIGRATIONS


def _upgrade_to(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_claims_that_are_there_are_known_in_every_row_and_have_an_open_amount(
    empty_engine: Engine,
) -> None:
    _upgrade_to(empty_engine, "0010")
    upload_id = _old_upload(empty_engine)
    part = StatusCode(category_code="F1", icn_suffix="01")
    plain = make_claim()
    claims = {
        1: (plain, ClaimStatus.PENDING, 1),
        2: (replace(plain, status_codes=(part,)), ClaimStatus.PAID, 1),
        3: (replace(plain, service_from=None, service_to=None), ClaimStatus.DENIED, 1),
        4: (plain, ClaimStatus.PENDING, 0),
    }
    with writing(empty_engine) as connection:
        for number, (claim, status, match_number) in claims.items():
            values = _old_row(upload_id, number, claim, status, match_number)
            connection.execute(insert(tables.claims).values(values))

    upgrade(empty_engine)

    columns = tables.claims.c
    with reading(empty_engine) as connection:
        found = connection.execute(
            select(columns.row_number, columns.claim_key, columns.open_amount).order_by(
                columns.row_number
            )
        ).all()
    still_open = Decimal("20.55")
    assert [tuple(row) for row in found] == [
        (1, claim_key(claims[1][0]), still_open),
        (2, claim_key(claims[2][0]), Decimal("0.00")),
        (3, claim_key(claims[3][0]), still_open),
        (4, None, None),  # it waits for further queries
    ]


def _old_upload(engine: Engine) -> str:
    """An upload in a table that has fewer columns than today's."""
    ensure_organization(engine, ORGANIZATION, "Demo billing")
    upload_id = str(uuid4())
    with writing(engine) as connection:
        uploads = Table("uploads", MetaData(), autoload_with=connection, resolve_fks=False)
        counts = [name for name in uploads.c.keys() if name.endswith("_count")]  # noqa: SIM118
        connection.execute(
            insert(uploads).values(
                id=upload_id,
                organization_id=ORGANIZATION,
                payer="uhc",
                source="api",
                status="COMPLETED",
                file_name="worklist.csv",
                file_key="key",
                file_size=1,
                file_sha256="ab" * 32,
                use_sweeps=True,
                detail_level="reasons",
                attempt=1,
                total_rows=0,
                created_at=NOW,
                updated_at=NOW,
                **dict.fromkeys(counts, 0),
            )
        )
    return upload_id


def _old_row(
    upload_id: str, row_number: int, claim: Claim, status: ClaimStatus, match_number: int
) -> dict[str, object]:
    return {
        "upload_id": upload_id,
        "row_number": row_number,
        "attempt": 1,
        "identity": claim_digest(claim),
        "organization_id": ORGANIZATION,
        "match_number": match_number,
        "is_primary": match_number == 1,
        "claim_status": status,
        "total_charged": claim.total_charged,
        "total_paid": claim.total_paid,
        "body": claim_to_json(claim),
    }
