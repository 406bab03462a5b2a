"""A few rounds of chaos; `make chaos COUNT=n` plays many."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline_tests.chaos.plans import rounds
from claims_pipeline_tests.chaos.rounds import LATENCY_MS, SETTINGS, Chaos
from claims_pipeline_tests.end_to_end.drops import running_drop_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

# Loses the machine, ends the workers, cancels and lets two people retry, each in mid-run.
SEED = 2424


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    home: Path = tmp_path_factory.mktemp("chaos") / "home"
    with (
        running_sandbox(seed=SEED, latency_ms=LATENCY_MS) as sandbox,
        running_drop_stack(home, sandbox, settings=SETTINGS) as drops,
    ):
        yield Chaos(drops)


def test_every_promise_holds_after_five_rounds_of_chaos(chaos: Chaos) -> None:
    for round_ in rounds(SEED, 5):
        chaos.play(round_)
