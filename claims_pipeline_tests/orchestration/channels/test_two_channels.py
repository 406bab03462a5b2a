"""One file for two payers behind two channels, one of which is none of the package's own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claims_pipeline.model import AUTO, ListedPayer, Outcome
from claims_pipeline.payers import registry
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.sandbox.world.practices import demo_payer_id
from claims_pipeline.settings import load_settings
from claims_pipeline.store import attempts
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.orchestration.samples import calls_of
from claims_pipeline_tests.payers.sixth import adapter
from claims_pipeline_tests.payers.sixth import sandbox as sixth_sandbox
from claims_pipeline_tests.pipeline import (
    ORGANIZATION,
    Pipeline,
    hasty_definitions,
    running_pipeline,
)

SEEN = (today_in("America/Chicago")() - timedelta(days=30)).isoformat()
HEADER = (
    "payer,first_name,last_name,date_of_birth,subscriber_id,first_service_date,last_service_date"
)
ADA = f"ADA,EXAMPLE,1975-05-10,900000000,{SEEN},{SEEN}"
FILE = f"{HEADER}\nUHC,{ADA}\nSixth Insurance,{ADA}\n".encode()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, further_parts=[sixth_sandbox.PART]) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    monkeypatch.setitem(registry.CHANNELS, "sixth", adapter.channel_at(sandbox.url))
    with running_pipeline(
        tmp_path / "home", sandbox, monkeypatch, definitions=hasty_definitions()
    ) as pipeline:
        sixth = ListedPayer(
            payer="sixth-demo",
            payer_id=demo_payer_id("sixth"),
            name="Sixth Insurance",
            channel="sixth",
        )
        save_payers(
            pipeline.engine, ORGANIZATION, [*registry.built_in_payers(load_settings()), sixth]
        )
        yield pipeline


def outcomes(pipeline: Pipeline, upload_id: str) -> list[tuple[str, str | None]]:
    return [
        (answer.result.outcome.value, answer.result.error_code)
        for answer in pipeline.answers(upload_id)
    ]


def test_each_row_is_asked_through_its_payers_channel(pipeline: Pipeline) -> None:
    upload_id = pipeline.upload(FILE, payer=AUTO)
    assert pipeline.run(upload_id).success

    first, second = pipeline.answers(upload_id)
    assert first.result.outcome is second.result.outcome is Outcome.FOUND
    assert first.result.claims[0].claim.claim_number == second.result.claims[0].claim.claim_number
    channels = pipeline.sandbox.channels()
    assert channels["sixth"]["calls"] == {"search": 1}
    attempt = attempts.latest_attempt(pipeline.engine, upload_id)
    assert attempt is not None
    assert attempt.search_calls == calls_of(pipeline.sandbox)["summary"] + 1


def test_rows_of_a_channel_that_refuses_us_fail_and_the_others_are_answered(
    pipeline: Pipeline,
) -> None:
    pipeline.sandbox.set_faults([{"match": {"channel": "sixth"}, "what": {"status": 401}}])
    upload_id = pipeline.upload(FILE, payer=AUTO)
    assert pipeline.run(upload_id).success
    assert outcomes(pipeline, upload_id) == [("found", None), ("failed", "auth")]


def test_rows_of_a_channel_that_is_down_wait_and_the_others_are_answered(
    pipeline: Pipeline,
) -> None:
    pipeline.sandbox.set_faults([{"match": {"channel": "sixth"}, "what": {"status": 503}}])
    upload_id = pipeline.upload(FILE, payer=AUTO)
    assert pipeline.run(upload_id).success
    upload = pipeline.get(upload_id)
    assert (upload.counts.found, upload.waiting_reason) == (1, "payer_unavailable")

    pipeline.sandbox.set_faults([])
    waiting = attempts.latest_attempt(pipeline.engine, upload_id)
    assert waiting is not None
    assert upload.next_try_at is not None
    assert attempts.issue_ticket(pipeline.engine, waiting.id, ticket="due", now=upload.next_try_at)
    assert pipeline.run(upload_id, ticket="due").success
    assert outcomes(pipeline, upload_id) == [("found", None)] * 2
