"""Which payers there are, and what it takes to connect to one."""

import threading

import pytest

from claims_pipeline.errors import InputError, SettingsError
from claims_pipeline.payers import registry
from claims_pipeline.payers.limiter import LocalLimiter
from claims_pipeline.settings import load_settings
from claims_pipeline_tests.payers.builders import claim_json, connected, sweep
from claims_pipeline_tests.payers.scripted import ScriptedPayer, json_http

PRODUCTION = {"CLAIMS_ENVIRONMENT": "production"}


def connect(environ: dict[str, str], payer: str = "uhc") -> None:
    registry.connect(
        payer,
        settings=load_settings(environ),
        limiter=LocalLimiter(max_concurrency=1),
        on_call=lambda _record: None,
        stop=threading.Event(),
    )


def uhc_settings(url: str, *, token_url: str | None = None, **more: str) -> dict[str, str]:
    return {
        "CLAIMS_UHC_API_URL": f"{url}/Claims",
        "CLAIMS_UHC_TOKEN_URL": token_url or f"{url}/v1/oauthtoken",
        "CLAIMS_UHC_CLIENT_ID": "id",
        "CLAIMS_UHC_CLIENT_SECRET": "secret",
        **more,
    }


def test_a_payer_can_be_described_without_credentials() -> None:
    assert "uhc" in registry.channel_names()
    assert registry.payer_label("uhc") == "UnitedHealthcare"
    assert registry.capabilities_of("uhc").max_window_days == 90
    assert [payer.payer_id for payer in registry.built_in_payers(load_settings({}))] == ["87726"]


def test_an_unknown_payer_is_named_an_input_error() -> None:
    with pytest.raises(InputError) as caught:
        registry.capabilities_of("nobody")
    assert caught.value.code == "payer_unknown"
    assert "nobody" not in str(caught.value)


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        connect({"CLAIMS_UHC_CLIENT_ID": "id"})
    message = str(caught.value)
    for name in ("CLAIMS_UHC_API_URL", "CLAIMS_UHC_TOKEN_URL", "CLAIMS_UHC_CLIENT_SECRET"):
        assert name in message
    assert "CLAIMS_UHC_CLIENT_ID " not in message


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:8700", "sandbox_in_production"),
        ("https://localhost:8700", "sandbox_in_production"),
        ("https://[::1]:8700", "sandbox_in_production"),
        ("http://payer.example", "payer_url_insecure"),
        ("payer.example", "payer_url_invalid"),
        ("ftp://payer.example", "payer_url_invalid"),
        ("https://[payer.example", "payer_url_invalid"),
    ],
)
def test_production_refuses_an_address_that_is_no_payer(url: str, code: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(uhc_settings(url, **PRODUCTION))
    assert caught.value.code == code


def test_production_refuses_a_sandbox_that_only_gives_the_token() -> None:
    environ = uhc_settings(
        "https://payer.example", token_url="http://localhost:1/token", **PRODUCTION
    )
    with pytest.raises(SettingsError) as caught:
        connect(environ)
    assert caught.value.code == "sandbox_in_production"


def test_a_payer_on_this_machine_is_a_sandbox(script: ScriptedPayer) -> None:
    assert connected(script.url).payer.environment == "sandbox"


def test_a_payer_elsewhere_is_production_until_it_says_otherwise() -> None:
    assert connected("https://payer.example").payer.environment == "production"
    assert connected("http://payer.example").payer.environment == "sandbox"


def test_a_payer_can_be_asked_again_after_it_was_closed(script: ScriptedPayer) -> None:
    script.say(json_http({"claims": [claim_json()]}))
    payer = connected(script.url).payer
    for _ in range(2):
        assert payer.search(sweep()).complete
        payer.close()


def test_every_call_tells_the_payer_what_it_is_for(script: ScriptedPayer) -> None:
    script.say(json_http({"claims": [claim_json()]}))
    connected(script.url, correlation_id="asked-0001").payer.search(sweep())
    told = [call.headers["x-correlation-id"] for call in [*script.token_calls, *script.calls]]
    assert told == ["asked-0001"] * 2


def test_without_an_id_nothing_is_told(script: ScriptedPayer) -> None:
    script.say(json_http({"claims": [claim_json()]}))
    connected(script.url).payer.search(sweep())
    assert "x-correlation-id" not in script.calls[0].headers
