"""Samples of members and a pipeline that asks about them through any of the channels."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims_pipeline.cli.local.local_store import demo_payers
from claims_pipeline.model import AnsweredRow
from claims_pipeline.payers import registry
from claims_pipeline.payers.status import claim_status
from claims_pipeline.sandbox.parts import payer_settings
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import load_settings
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline_tests.pipeline import (
    ORGANIZATION,
    HastyPayers,
    Pipeline,
    hasty_definitions,
    running_pipeline,
)

ROWS = 240
SEED = 7
# Those that are asked by files have no part of the server: see test_x12_channel.
CALLED = tuple(
    name
    for name in registry.channel_names()
    if f"CLAIMS_{name.upper()}_API_URL" in payer_settings("http://127.0.0.1")
)

Answer = tuple[str, tuple[str, ...], tuple[str, ...]]


@contextmanager
def pipeline_of_channels(
    home: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    *,
    payers: HastyPayers | None = None,
) -> Iterator[Pipeline]:
    """Every channel of the sandbox, a demo payer behind each, and no wait between calls."""
    sandbox.reset()
    fast = {
        f"CLAIMS_{channel.upper()}_CALLS_PER_SECOND": "5000" for channel in registry.channel_names()
    }
    with running_pipeline(
        home, sandbox, monkeypatch, definitions=hasty_definitions(payers), settings=fast
    ) as pipeline:
        save_payers(pipeline.engine, ORGANIZATION, demo_payers(load_settings()))
        yield pipeline


def payer_of(channel: str) -> str:
    return channel if channel == "uhc" else f"{channel}-demo"


def sample_for(payer: str, rows: int = ROWS, seed: int = SEED) -> tuple[bytes, list[SampleRow]]:
    world = World(seed=seed, today=today_in("America/Chicago")())
    sample = list(Sampler(world, Shape.MEMBERS, [payer]).rows(rows))
    text = io.StringIO()
    write_sample(sample, shape=Shape.MEMBERS, sample=text, answers=None)
    return text.getvalue().encode(), sample


def told(answer: AnsweredRow) -> Answer:
    result = answer.result
    claims = sorted(
        (match.claim.claim_number, claim_status(match.claim).status.value)
        for match in result.claims
    )
    return (
        result.outcome.value,
        tuple(dict.fromkeys(number for number, _ in claims)),
        tuple(dict.fromkeys(status for _, status in claims)),
    )


def calls_of(attempt: Attempt) -> int:
    return attempt.search_calls + attempt.look_calls + attempt.detail_calls + attempt.payment_calls
