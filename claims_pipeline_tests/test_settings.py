"""Where settings come from."""

import pytest

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
