"""What a check says that asking will take, beside what it took: calls are counted, not timed."""

import io
from statistics import mean

import pytest

from benchmarks.search_calls import costs_of_workloads
from claims_pipeline.cli.local.local_store import known_facts
from claims_pipeline.model import UploadOptions
from claims_pipeline.preflight.check import check_file
from claims_pipeline.preflight.context import intake_context
from claims_pipeline.preflight.ways import ways_of
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline_tests.orchestration.conftest import pipeline, sandbox
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.pipeline import Pipeline

__all__ = ["pipeline", "sandbox"]

ROWS = 200


def estimated(pipeline: Pipeline, content: bytes) -> int:
    settings = pipeline.settings
    today = settings.payer_today()
    with known_facts(settings, "demo") as facts:
        context = intake_context(
            settings,
            provider="uhc",
            payers=facts.payers,
            practices=facts.practices,
            today=today,
        )
        found = check_file(
            io.BytesIO(content),
            context=context,
            ways=ways_of(settings, UploadOptions()),
            observations=facts.observations,
        )
    return found.plan.estimated_calls


def asked(pipeline: Pipeline, content: bytes) -> int:
    upload_id = pipeline.upload(content)
    assert pipeline.run(upload_id).success
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    return attempt.search_calls


@pytest.mark.parametrize("shape", [Shape.CLAIMS, Shape.PATIENTS])
def test_the_estimate_is_what_will_be_asked(pipeline: Pipeline, shape: Shape) -> None:
    """First of practices never asked about, then of the same ones, which are known by then."""
    content, _ = make_sample(pipeline.sandbox, shape, ROWS)
    ratios: list[float] = []
    for file in (content, content + b"\n"):
        expected = estimated(pipeline, file)
        ratios.append(expected / asked(pipeline, file))

    assert all(1 / 1.5 <= ratio <= 1.5 for ratio in ratios), ratios
    assert mean(max(ratio, 1 / ratio) for ratio in ratios) <= 1.35, ratios


def test_what_is_known_of_a_practice_makes_the_estimate_of_any_workload_right() -> None:
    """Where nothing is known, the check says a range, and which practice it is decides."""
    ratios: list[float] = []
    for one in costs_of_workloads():
        expected = one.estimates
        for calls, made in ((expected.warm, one.warm.calls), (expected.known, one.known.calls)):
            ratios.append(max(calls, made) / min(calls, made))
        assert expected.cold.least_calls / 1.5 <= one.cold.calls <= expected.cold.most_calls * 1.6
    assert max(ratios) <= 1.6, ratios
    assert mean(ratios) <= 1.1, ratios
