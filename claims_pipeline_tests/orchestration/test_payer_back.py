"""What a lane does between finding its payer down and leaving: line 8."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claims_pipeline.model import DetailLevel, UploadOptions, UploadStatus
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Attempt
from claims_pipeline_tests.orchestration.samples import calls_of
from claims_pipeline_tests.pipeline import (
    HASTY,
    HastyPayers,
    Pipeline,
    hasty_definitions,
    running_pipeline,
)

THREADS = 4
FIRST = {"patient_last_name": "FIRST"}
PROBE = {"kind": "summary", "single": False}
OTHERS = {"single": True}
DOWN = {"status": 503}
# Long enough for the first query and the probe to be given up meanwhile.
IN_FLIGHT_S = 2.0


@pytest.fixture
def pipeline(
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Pipeline]:
    """A pipeline of `THREADS` threads, or of as many as the test wants, and no breaker."""
    sandbox.reset()
    with running_pipeline(
        tmp_path / "home",
        sandbox,
        monkeypatch,
        settings={"CLAIMS_QUERY_THREADS": str(getattr(request, "param", THREADS))},
        definitions=hasty_definitions(HastyPayers(breaker_failures=10_000)),
    ) as pipeline:
        yield pipeline


def worklist(*patients: str) -> bytes:
    """A row for each patient. The first one's practice, and so its query, comes first."""
    day = f"{today_in('America/Chicago')() - timedelta(days=30):%m/%d/%Y}"
    lines = ["practice_id,first_name,last_name,date_of_birth,date_of_service"]
    for number, patient in enumerate(patients):
        lines.append(f"{1 if number == 0 else 2},{patient},05/10/1975,{day}")
    return "\n".join(lines).encode()


def upload_of(pipeline: Pipeline, *patients: str) -> str:
    options = UploadOptions(use_sweeps=False, detail_level=DetailLevel.FULL)
    return pipeline.upload(worklist(*patients), options=options)


def others(count: int) -> list[str]:
    return [f"SOMEBODY,OTHER{chr(ord('A') + number)}" for number in range(count)]


def latest(pipeline: Pipeline, upload_id: str) -> Attempt:
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    return attempt


def test_a_lane_that_is_answered_again_before_it_leaves_goes_on(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    all_tries = {"times": HASTY.max_tries}
    sandbox.set_faults(
        [
            {"match": FIRST, "when": all_tries, "what": DOWN},
            {"match": PROBE, "when": all_tries, "what": DOWN},
            {"match": OTHERS, "what": {"delay_s": IN_FLIGHT_S}},
        ]
    )
    upload_id = upload_of(pipeline, "SOMEBODY,FIRST", *others(5))

    assert pipeline.run(upload_id).success

    upload = pipeline.get(upload_id)
    assert (upload.status, upload.counts.not_found) == (UploadStatus.COMPLETED, 6)
    # The one that was given up, once more; the others once.
    assert calls_of(sandbox)["summary"] == 2 * HASTY.max_tries + 6
    assert sandbox.stats()["errors_sent"] == 2 * HASTY.max_tries


def test_what_waits_for_a_thread_when_the_payer_is_found_down_is_not_asked(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    in_flight = THREADS - 1
    sandbox.set_faults(
        [
            {"match": FIRST, "what": DOWN},
            {"match": PROBE, "what": DOWN},
            {
                "match": OTHERS,
                "when": {"times": in_flight},
                "what": {**DOWN, "delay_s": IN_FLIGHT_S},
            },
            {"match": OTHERS, "what": DOWN},
        ]
    )
    upload_id = upload_of(pipeline, "SOMEBODY,FIRST", *others(9))

    assert pipeline.run(upload_id).success

    assert latest(pipeline, upload_id).state == "waiting"
    # The first, the probe, and those whose calls were out already.
    assert calls_of(sandbox)["summary"] == (2 + in_flight) * HASTY.max_tries


@pytest.mark.parametrize("pipeline", [1], indirect=True, ids=["one-thread"])
def test_the_details_of_a_claim_are_not_asked_for_when_the_payer_is_found_down(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    """Else a row would be answered without them, and never be asked again."""
    sandbox.set_faults(
        [
            {"match": {"kind": "summary"}, "when": {"from_nth": 2}, "what": DOWN},
            {"match": {"kind": "detail"}, "what": DOWN},
            {"match": {"kind": "payment"}, "what": DOWN},
        ]
    )
    upload_id = upload_of(pipeline, "ADA,EXAMPLE", *others(1))

    assert pipeline.run(upload_id).success

    assert latest(pipeline, upload_id).state == "waiting"
    assert calls_of(sandbox) == {"summary": 1 + 2 * HASTY.max_tries, "detail": 0, "payment": 0}
