"""Where settings come from."""

import pytest

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import load_settings


def test_only_the_environment_that_was_given_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMS_UHC_PAYER_ID", "99999")
    assert load_settings({}).uhc.payer_id == "87726"
    assert load_settings().uhc.payer_id == "99999"


def test_an_empty_variable_leaves_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMS_INBOX", "")
    monkeypatch.setenv("CLAIMS_QUERY_THREADS", "")
    settings = load_settings()
    assert settings.inbox is None
    assert settings.query_threads == 16


def test_more_lanes_than_the_runs_own_process_can_have_are_refused_with_a_sentence() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"CLAIMS_QUERY_LANES": "2"})
    assert refused.value.code == "setting_invalid"
    assert "CLAIMS_QUERY_LANES above 1 needs workers: set CLAIMS_EXECUTOR=celery" in str(
        refused.value.message
    )
    assert load_settings({"CLAIMS_QUERY_LANES": "2", "CLAIMS_EXECUTOR": "celery"}).query_lanes == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLAIMS_UHC_CLIENT_SECRET", "sandbox"),
        ("CLAIMS_KEYCLOAK_CLIENT_SECRET", "development-only-page-secret"),
        ("CLAIMS_CLI_CLIENT_SECRET", "development-only-service-secret"),
    ],
)
def test_production_refuses_every_secret_that_the_sandbox_uses(name: str, value: str) -> None:
    settings = {name: value}
    load_settings(settings).refuse_known_secrets()
    with pytest.raises(SettingsError) as refused:
        load_settings({**settings, "CLAIMS_ENVIRONMENT": "production"}).refuse_known_secrets()
    assert refused.value.code == "secret_known"
    assert name in refused.value.message
    assert value not in refused.value.message.replace("the sandbox's", "")
