"""What migrations do with rows that are there already."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, insert, select

from claims_pipeline.model import Claim, ClaimStatus, StatusCode
from claims_pipeline.store import tables
from claims_pipeline.store.codec import claim_digest, claim_key, claim_to_json
from claims_pipeline.store.database import reading, writing
from claims_pipeline.store.migrating import upgrade
from claims_pipeline_tests.store.builders import ORGANIZATION, make_claim, make_upload
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
    upload = make_upload(empty_engine, upload_id=str(uuid4()))
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
            values = _old_row(upload.id, number, claim, status, match_number)
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
