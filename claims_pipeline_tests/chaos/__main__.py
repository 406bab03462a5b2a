"""`make chaos COUNT=n SEED=s`: rounds of kills and cancellations on one real stack.

    python -m claims_pipeline_tests.chaos COUNT [SEED]

Prints the seed and what it does; ends with 1 at the first broken promise.
"""

import random
import sys
import tempfile
from pathlib import Path

from claims_pipeline.cli.local.processes import ProcessError
from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline_tests.chaos.plans import rounds
from claims_pipeline_tests.chaos.rounds import LATENCY_MS, SETTINGS, BrokenPromiseError, Chaos
from claims_pipeline_tests.end_to_end.drops import running_drop_stack


def main(count: int, seed: int) -> int:
    """Play the rounds; the exit code."""
    home = Path(tempfile.mkdtemp(prefix="claims-chaos-")) / "home"
    print(f"{count} rounds of seed {seed}; home {home}", flush=True)
    with (
        running_sandbox(seed=seed, latency_ms=LATENCY_MS) as sandbox,
        running_drop_stack(home, sandbox, settings=SETTINGS) as drops,
    ):
        chaos = Chaos(drops)
        for round_ in rounds(seed, count):
            print(round_, flush=True)
            try:
                print(f"  {chaos.play(round_)}", flush=True)
            except (BrokenPromiseError, ProcessError) as broken:
                print(f"  BROKEN: {broken}\nRepeat: make chaos COUNT={round_.number} SEED={seed}")
                return 1
    print(f"{count} rounds, every promise kept")
    return 0


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    sys.exit(
        main(
            arguments[0] if arguments else 10,
            arguments[1] if len(arguments) > 1 else random.SystemRandom().randrange(1_000_000),
        )
    )
