"""Whole samples through the job: every row gets the answer that the sandbox knows to be right."""

import csv
from collections import Counter

import pytest

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.querying import lane
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.rows.results import count_outcomes, verify_results
from claims_pipeline_tests.orchestration.samples import calls_of, given, make_sample, right
from claims_pipeline_tests.pipeline import Pipeline

ROWS = 1000
FEW_ROWS = 60


@pytest.mark.parametrize("shape", list(Shape))
def test_a_sample_gets_exactly_the_known_answers(
    pipeline: Pipeline, sandbox: Sandbox, shape: Shape
) -> None:
    content, sample = make_sample(sandbox, shape, ROWS)
    upload_id = pipeline.upload(content)

    result = pipeline.run(upload_id)

    assert result.success
    upload = pipeline.get(upload_id)
    assert upload.status is UploadStatus.COMPLETED
    answers = pipeline.answers(upload_id)
    kinds = {number: row.kind for number, row in enumerate(sample, start=1)}
    wrong = [
        (kinds[number], expected, got)
        for number, (expected, got) in enumerate(
            zip(
                (right(number, row) for number, row in enumerate(sample, start=1)),
                (given(answer) for answer in answers),
                strict=True,
            ),
            start=1,
        )
        if expected != got
    ]
    assert wrong == []
    # I1 and I2, counted in the tables; the counters that people see agree.
    assert verify_results(pipeline.engine, upload_id) == []
    counts = count_outcomes(pipeline.engine, upload_id)
    assert counts == upload.counts
    assert counts.total == counts.with_outcome == ROWS
    # I5: the results file holds the same rows.
    [csv_path] = pipeline.settings.resolved_home.rglob("results.csv")
    with csv_path.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    primary = Counter(line["outcome"] for line in lines if line["primary"] == "Y")
    assert primary == Counter(row.outcome.value for row in sample)
    # The calls we report are the calls the payer counted.
    latest = attempts.latest_attempt(pipeline.engine, upload_id)
    assert latest is not None
    assert calls_of(sandbox) == {
        "summary": latest.search_calls,
        "detail": latest.detail_calls,
        "payment": latest.payment_calls,
    }
    assert latest.search_calls <= latest.one_per_row_calls
    assert counts.failed == 0
    assert counts.found > ROWS / 2
    assert not [a for a in answers if a.result.outcome is Outcome.UNPROCESSED]


def test_a_lane_that_may_hold_few_rows_answers_all_of_them(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As tens of thousands of rows in a practice meet the bounds that are shipped.
    monkeypatch.setattr(lane, "_MOST_ROWS_UNDER_WAY", 5)
    monkeypatch.setattr(lane, "_MOST_ROWS_SETTLED", 3)
    content, sample = make_sample(sandbox, Shape.PRACTICES, FEW_ROWS)
    upload_id = pipeline.upload(content)

    assert pipeline.run(upload_id).success

    expected = [right(number, row) for number, row in enumerate(sample, start=1)]
    assert [given(answer) for answer in pipeline.answers(upload_id)] == expected
