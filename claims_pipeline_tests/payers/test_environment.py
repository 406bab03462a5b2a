"""A sandbox shows by its answers too, wherever it runs."""

import pytest

from claims_pipeline.errors import SettingsError
from claims_pipeline.payers.environment import PayerEnvironment

URL = "https://payer.example/Claims"
MARK = {"x-payer-environment": "Sandbox"}


def test_an_answer_with_the_sandboxs_mark_makes_it_a_sandbox() -> None:
    environment = PayerEnvironment(URL, is_production=False)
    environment.observe({})
    assert environment.name == "production"
    environment.observe(MARK)
    environment.observe({})
    assert environment.name == "sandbox"


def test_production_stops_at_the_first_marked_answer() -> None:
    environment = PayerEnvironment(URL, is_production=True)
    with pytest.raises(SettingsError) as caught:
        environment.observe(MARK)
    assert caught.value.code == "sandbox_in_production"
