"""Where settings come from."""

import pytest

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import load_settings


def test_only_the_environment_that_was_given_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMS_UHC_PAYER_ID", "99999")
    assert load_settings({}).uhc_payer_id == "87726"
    assert load_settings().uhc_payer_id == "99999"


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
