"""The job on a real Dagster instance, asking the sandbox over HTTP."""

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline_tests.pipeline import Pipeline

ADA = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"


def test_ada_is_found_once(pipeline: Pipeline) -> None:
    upload_id = pipeline.upload(ADA)

    result = pipeline.run(upload_id)

    assert result.success
    assert pipeline.get(upload_id).status is UploadStatus.COMPLETED
    [answer] = pipeline.answers(upload_id)
    assert answer.result.outcome is Outcome.FOUND
    assert [match.claim.claim_number for match in answer.result.claims] == ["FH00000001"]
