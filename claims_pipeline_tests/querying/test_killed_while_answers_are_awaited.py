"""Lanes that are killed at any moment between sending and answering: each row is answered once."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from claims_pipeline.cli.local.local_store import demo_payers
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.orchestration.channels.channels import sample_for
from claims_pipeline_tests.orchestration.samples import given, right
from claims_pipeline_tests.pipeline import ORGANIZATION, Pipeline, running_pipeline
from claims_pipeline_tests.querying import dying_lane

pytestmark = pytest.mark.timeout(300)

PAYER = "availity-demo"
ROWS = 60
THREADS = 4
KILLS = 3
# What a kill may have had sent and not written down (I8).
MOST_SENT_AGAIN = THREADS + 32
SETTINGS = {
    "CLAIMS_QUERY_THREADS": str(THREADS),
    "CLAIMS_LEASE_S": "1",
    "CLAIMS_AVAILITY_CALLS_PER_SECOND": "5000",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7, latency_ms=15, answers_after_s=0.5) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    sandbox.reset()
    with running_pipeline(tmp_path / "home", sandbox, monkeypatch, settings=SETTINGS) as pipeline:
        save_payers(pipeline.engine, ORGANIZATION, demo_payers(load_settings()))
        yield pipeline


def lane(upload_id: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, dying_lane.__file__, upload_id, str(uuid4())])


def counted(sandbox: Sandbox) -> dict[str, int]:
    calls: dict[str, int] = sandbox.channels()["availity"]["calls"]
    return calls


def all_calls(sandbox: Sandbox) -> int:
    return sum(counted(sandbox).values())


def states(pipeline: Pipeline, upload_id: str) -> dict[str, int]:
    columns = tables.queries.c
    query = (
        select(columns.state, func.count())
        .where(columns.upload_id == upload_id)
        .group_by(columns.state)
    )
    with reading(pipeline.engine) as connection:
        return dict(connection.execute(query).tuples().all())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_lane_that_is_killed_sends_nothing_again_that_was_written_down(
    pipeline: Pipeline, sandbox: Sandbox, seed: int
) -> None:
    dice = random.Random(seed)
    content, sample = sample_for(PAYER, rows=ROWS)
    upload_id = pipeline.upload(content, payer=PAYER)
    assert pipeline.run(upload_id, assets=["claim_requests"]).success

    for _ in range(KILLS):
        process = lane(upload_id)
        enough = all_calls(sandbox) + dice.randint(2, 40)
        while all_calls(sandbox) < enough and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
    assert lane(upload_id).wait(timeout=120) == 0

    assert [given(answer) for answer in pipeline.answers(upload_id)] == [
        right(number, row) for number, row in enumerate(sample, start=1)
    ]
    asked = states(pipeline, upload_id)
    assert set(asked) == {"settled"}
    assert (
        asked["settled"]
        <= counted(sandbox)["search"]
        <= asked["settled"] + (KILLS * MOST_SENT_AGAIN)
    )
