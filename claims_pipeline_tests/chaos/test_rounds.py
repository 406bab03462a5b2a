"""A few rounds of chaos; CI plays five on PostgreSQL, `make chaos COUNT=n` many."""

import pytest

from claims_pipeline_tests.chaos.plans import rounds
from claims_pipeline_tests.chaos.rounds import Chaos
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.thoroughness import WITH_ALL

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

# Loses the machine, ends the workers, cancels and lets two people retry, each in mid-run; then the
# machine again, and while a cancelled run stops.
SEED = 2424
ROUNDS = 5 if WITH_ALL else 3


def test_every_promise_holds_after_rounds_of_chaos(mortal_drops: DropStack) -> None:
    chaos = Chaos(mortal_drops)
    for round_ in rounds(SEED, ROUNDS):
        chaos.play(round_)
