"""A few rounds of chaos; `make chaos COUNT=n` plays many."""

import pytest

from claims_pipeline_tests.chaos.plans import rounds
from claims_pipeline_tests.chaos.rounds import Chaos
from claims_pipeline_tests.end_to_end.drops import DropStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

# Loses the machine, ends the workers, cancels and lets two people retry, each in mid-run.
SEED = 2424


def test_every_promise_holds_after_five_rounds_of_chaos(mortal_drops: DropStack) -> None:
    chaos = Chaos(mortal_drops)
    for round_ in rounds(SEED, 5):
        chaos.play(round_)
