"""The same rows through each channel: the same outcomes, the same claims, the same statuses."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.model import AnsweredRow
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.store import attempts
from claims_pipeline_tests.orchestration.channels.channels import (
    CALLED,
    SEED,
    calls_of,
    payer_of,
    pipeline_of_channels,
    sample_for,
    told,
)
from claims_pipeline_tests.orchestration.samples import given, right
from claims_pipeline_tests.pipeline import Pipeline

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=SEED) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    with pipeline_of_channels(tmp_path / "home", sandbox, monkeypatch) as pipeline:
        yield pipeline


def asked_through(pipeline: Pipeline, channel: str) -> list[AnsweredRow]:
    content, _ = sample_for(payer_of(channel))
    upload_id = pipeline.upload(content, payer=payer_of(channel))
    assert pipeline.run(upload_id).success
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    counted = pipeline.sandbox.channels()[channel]["calls"]
    made = calls_of(attempt)
    assert made == sum(count for kind, count in counted.items() if kind != "token")
    return pipeline.answers(upload_id)


@pytest.mark.parametrize("channel", [name for name in CALLED if name != "uhc"])
def test_the_same_rows_get_the_same_answers(pipeline: Pipeline, channel: str) -> None:
    _, sample = sample_for(payer_of(channel))
    by_uhc, by_channel = asked_through(pipeline, "uhc"), asked_through(pipeline, channel)
    assert [given(answer) for answer in by_channel] == [
        right(number, row) for number, row in enumerate(sample, start=1)
    ]
    assert [told(answer) for answer in by_channel] == [told(answer) for answer in by_uhc]


def test_one_file_is_asked_through_all_of_them(pipeline: Pipeline) -> None:
    content, sample = sample_for("uhc", rows=120)
    records = list(csv.DictReader(io.StringIO(content.decode())))
    channels = CALLED
    for number, record in enumerate(records):
        record["payer"] = payer_of(channels[number % len(channels)])
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0].keys(), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(records)
    good = [row.outcome.value != "rejected" for row in sample]

    upload_id = pipeline.upload(text.getvalue().encode(), payer="auto")
    assert pipeline.run(upload_id).success
    answers = [given(answer) for answer in pipeline.answers(upload_id)]
    wanted = [right(number, row) for number, row in enumerate(sample, start=1)]
    assert [a for a, ok in zip(answers, good, strict=True) if ok] == [
        w for w, ok in zip(wanted, good, strict=True) if ok
    ]
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    counted = {
        name: sum(count for kind, count in channel["calls"].items() if kind != "token")
        for name, channel in pipeline.sandbox.channels().items()
    }
    assert calls_of(attempt) == sum(counted.values())
    assert all(counted.values())
