"""How many examples a property is tried with: a fifth, and all in `make test-properties`.

    @settings(max_examples=examples(300), deadline=None)

Hypothesis keeps what has failed before, and tries it first with either.
"""

import os

# Set by `make test-properties` and `make test-postgresql`, which CI runs.
WITH_ALL = os.environ.get("TEST_EXAMPLES") == "all"
_SHARE = 5


def examples(all_of_them: int) -> int:
    """How many of these to try now."""
    return all_of_them if WITH_ALL else max(1, all_of_them // _SHARE)
