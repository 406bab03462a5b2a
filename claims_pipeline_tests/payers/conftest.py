"""Payers that play back a script."""

from collections.abc import Iterator

import pytest

from claims_pipeline_tests.payers.builders import Asked, connected
from claims_pipeline_tests.payers.scripted import ScriptedPayer, scripted_payer


@pytest.fixture
def script() -> Iterator[ScriptedPayer]:
    """A payer that says what the test tells it to."""
    with scripted_payer() as payer:
        yield payer


@pytest.fixture
def asked(script: ScriptedPayer) -> Iterator[Asked]:
    """An adapter connected to `script`."""
    asked = connected(script.url)
    yield asked
    asked.payer.close()
