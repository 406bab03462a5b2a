"""What migrations do with rows that are there already."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, column, insert, select, table

from claims_pipeline.model import Claim, ClaimStatus, Outcome, StatusCode
from claims_pipeline.store import tables
from claims_pipeline.store.codec import claim_digest, claim_key, claim_to_json
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.migrating import upgrade
from claims_pipeline_tests.store.builders import ORGANIZATION, make_claim
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
    upload_id = str(uuid4())
    part = StatusCode(category_code="F1", icn_suffix="01")
    plain = make_claim()
    claims = {
        1: (plain, ClaimStatus.PENDING, 1),
        2: (replace(plain, status_codes=(part,)), ClaimStatus.PAID, 1),
        3: (replace(plain, service_from=None, service_to=None), ClaimStatus.DENIED, 1),
        4: (plain, ClaimStatus.PENDING, 0),
    }
    with writing(empty_engine) as connection:
        _add_old_upload(connection, upload_id)
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


def _add_old_upload(connection: Connection, upload_id: str) -> None:
    """An upload as that schema has it: today's code writes columns that are not there yet."""
    now = datetime(2026, 3, 4, 12, 0)  # noqa: DTZ001 - as SQLite and PostgreSQL both take it
    values = {
        "id": upload_id,
        "organization_id": ORGANIZATION,
        "payer": "uhc",
        "source": "api",
        "status": "COMPLETED",
        "file_name": "week.csv",
        "file_key": f"{ORGANIZATION}/{upload_id}/input.csv",
        "file_size": 1,
        "file_sha256": "0" * 64,
        "use_sweeps": True,
        "detail_level": "reasons",
        "attempt": 1,
        "total_rows": 4,
        **{f"{outcome}_count": 0 for outcome in Outcome},
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(
        insert(table("organizations", column("id"), column("name"), column("created_at"))).values(
            id=ORGANIZATION, name="Demo billing", created_at=now
        )
    )
    connection.execute(insert(table("uploads", *map(column, values))).values(values))


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
