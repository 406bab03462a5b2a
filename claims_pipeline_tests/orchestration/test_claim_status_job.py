"""The job on a real Dagster instance, asking the sandbox over HTTP."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from openpyxl import Workbook

from claims_pipeline.intake.headers.digest import header_digest
from claims_pipeline.model import ListedPayer, Outcome, UploadStatus
from claims_pipeline.sandbox.running import today_in
from claims_pipeline.store.database import writing
from claims_pipeline.store.tenants.column_decisions import remember_decision
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline


def ada_in(shape: str) -> bytes:
    """ADA EXAMPLE in a file of this shape; the practice may stand anywhere."""
    visit = today_in("America/Chicago")() - timedelta(days=30)
    first, last = f"{visit - timedelta(days=3):%m/%d/%Y}", f"{visit + timedelta(days=3):%m/%d/%Y}"
    person, dates = "ADA,EXAMPLE,05/10/1975", f"{first},{last}"
    names, date_names = "first_name,last_name,date_of_birth", "first_service_date,last_service_date"
    header, row = {
        "claims": (f"claim_number,{names}", f"FH00000001,{person}"),
        "patients": (f"{names},{date_names}", f"{person},{dates}"),
        "practices": (f"practice_id,{names},{date_names}", f"1,{person},{dates}"),
        "practice fourth": (f"{names},practice_id,{date_names}", f"{person},1,{dates}"),
        "practice and claim": (f"practice_id,claim_number,{names}", f"1,FH00000001,{person}"),
    }[shape]
    return f"{header}\n{row}\n".encode()


@pytest.mark.parametrize(
    "shape", ["claims", "patients", "practices", "practice fourth", "practice and claim"]
)
def test_ada_is_found_once_in_every_shape(pipeline: Pipeline, shape: str) -> None:
    upload_id = pipeline.upload(ada_in(shape))

    result = pipeline.run(upload_id)

    assert result.success
    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    [answer] = pipeline.answers(upload_id)
    assert answer.result.outcome is Outcome.FOUND
    assert [match.claim.claim_number for match in answer.result.claims] == ["FH00000001"]
    [results] = pipeline.settings.resolved_home.rglob("results.csv")
    with results.open(encoding="utf-8-sig", newline="") as stream:
        lines = [(line["outcome"], line["payer_claim_number"]) for line in csv.DictReader(stream)]
    assert lines == [("found", "FH00000001")]


def test_a_decision_about_columns_holds_for_every_run(pipeline: Pipeline) -> None:
    visit = today_in("America/Chicago")() - timedelta(days=30)
    header = ["First Name", "Last Name", "DOB", "Dates of Care"]
    content = f"{','.join(header)}\nADA,EXAMPLE,05/10/1975,{visit:%m/%d/%Y}\n".encode()

    asked = pipeline.upload(content)
    pipeline.run(asked, raise_on_error=False)
    upload = pipeline.get(asked)
    assert (upload.status, upload.error_code) == (UploadStatus.FAILED, "columns_uncertain")

    with writing(pipeline.engine) as connection:
        remember_decision(
            connection,
            organization_id=ORGANIZATION,
            header_digest=header_digest(header),
            column_map={"Dates of Care": "first_service_date"},
            now=datetime.now(UTC),
        )
    decided = pipeline.upload(content)
    pipeline.run(decided)
    [answer] = pipeline.answers(decided)
    assert answer.result.outcome is Outcome.FOUND


def test_a_workbook_is_asked_as_a_csv_is(pipeline: Pipeline) -> None:
    book = Workbook()
    for row in (
        ["Aging report"],
        ["Clm #", "Pt Name", "D.O.B."],
        ["FH00000001", "EXAMPLE, ADA Q", date(1975, 5, 10)],
        ["Total", 1],
    ):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    upload_id = pipeline.upload(content.getvalue())

    assert pipeline.run(upload_id).success
    [answer] = pipeline.answers(upload_id)
    assert answer.result.outcome is Outcome.FOUND
    assert answer.row.line_number == 3


def test_a_file_of_many_payers_is_asked_at_those_that_are_connected(pipeline: Pipeline) -> None:
    uhc = ListedPayer(
        payer="uhc", payer_id="87726", name="UnitedHealthcare", aliases=("03432",), channel="uhc"
    )
    west = ListedPayer(
        payer="west", payer_id="WEST1", name="West Plan", channel="stedi", active=False
    )
    save_payers(pipeline.engine, ORGANIZATION, [uhc, west])
    header = "payer,claim_number,first_name,last_name,date_of_birth"
    rows = [
        f"{name},FH00000001,ADA,EXAMPLE,05/10/1975" for name in ("UnitedHealthcare", "West Plan")
    ]

    upload_id = pipeline.upload("\n".join([header, *rows, ""]).encode(), payer="auto")
    result = pipeline.run(upload_id)

    assert result.success
    outcomes = [answer.result.outcome for answer in pipeline.answers(upload_id)]
    assert outcomes == [Outcome.FOUND, Outcome.REJECTED]


def test_a_file_for_a_payer_that_nobody_can_ask_is_refused(pipeline: Pipeline) -> None:
    west = ListedPayer(
        payer="west", payer_id="WEST1", name="West Plan", channel="stedi", active=False
    )
    save_payers(pipeline.engine, ORGANIZATION, [west])

    upload_id = pipeline.upload(ada_in("claims"), payer="west")
    pipeline.run(upload_id, raise_on_error=False)

    upload = pipeline.get(upload_id)
    assert (upload.status, upload.error_code) == (UploadStatus.FAILED, "payer_not_connected")
