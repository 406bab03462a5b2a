"""The job on a real Dagster instance, asking the sandbox over HTTP."""

import csv
from datetime import timedelta

import pytest

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.sandbox.running import today_in
from claims_pipeline_tests.pipeline import Pipeline


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
