"""An alert goes to one place, signed, and holds opaque ids and codes only."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from claims_pipeline.cli.local.processes import free_port
from claims_pipeline.errors import SettingsError
from claims_pipeline.operations.alerts import Receiver, receiver_of
from claims_pipeline.settings import load_settings
from claims_pipeline.store.attempts.alerts import Alert, AlertKind
from claims_pipeline_tests.operations.alerts.receiver import SECRET, Listener, listening

_ALERT = Alert(
    id="00000000-0000-4000-8000-000000000001",
    organization_id="demo",
    upload_id="00000000-0000-4000-8000-000000000002",
    attempt=1,
    kind=AlertKind.FAILED,
    error_code="poison",
    created_at=datetime(2026, 3, 4, tzinfo=UTC),
    tries=0,
)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def _receiver(**settings: str) -> Receiver:
    receiver = receiver_of(load_settings(settings))
    assert receiver is not None
    return receiver


def _send(listener: Listener) -> bool:
    return _receiver(**listener.settings()).send(_ALERT, datetime.now(UTC))


def test_an_alert_arrives_signed_with_what_to_look_for(listener: Listener) -> None:
    assert _send(listener)
    assert listener.ids == [_ALERT.id]
    assert listener.messages == [
        {
            "type": "upload.failed",
            "timestamp": "2026-03-04T00:00:00+00:00",
            "data": {
                "upload_id": _ALERT.upload_id,
                "organization_id": "demo",
                "attempt": 1,
                "error_code": "poison",
            },
        }
    ]


@pytest.mark.parametrize("status", [302, 307, 400, 401, 429, 500, 503])
def test_an_answer_that_is_no_success_is_none_and_no_redirect_is_followed(
    listener: Listener, status: int
) -> None:
    listener.answers = [status]
    assert not _send(listener)
    assert len(listener.messages) == 1


def test_a_receiver_that_is_away_is_no_error() -> None:
    away = _receiver(
        CLAIMS_ALERT_WEBHOOK_URL=f"http://127.0.0.1:{free_port()}/",
        CLAIMS_ALERT_WEBHOOK_SECRET=SECRET,
    )
    assert not away.send(_ALERT, datetime.now(UTC))


def test_without_an_address_nobody_is_told() -> None:
    assert receiver_of(load_settings({})) is None


@pytest.mark.parametrize(
    ("url", "secret", "code", "named"),
    [
        ("https://alerts.example/", "", "setting_missing", "CLAIMS_ALERT_WEBHOOK_SECRET"),
        ("https://alerts.example/", "whsec_é", "setting_invalid", "CLAIMS_ALERT_WEBHOOK_SECRET"),
        ("https://alerts.example/", "whsec_", "setting_invalid", "CLAIMS_ALERT_WEBHOOK_SECRET"),
        ("http://alerts.example/", SECRET, "setting_invalid", "CLAIMS_ALERT_WEBHOOK_URL"),
        ("http://localhost.example/", SECRET, "setting_invalid", "CLAIMS_ALERT_WEBHOOK_URL"),
        ("http://localhost:@alerts.example/", SECRET, "setting_invalid", "ALERT_WEBHOOK_URL"),
        ("http://127.0.0.1:80@alerts.example/", SECRET, "setting_invalid", "ALERT_WEBHOOK_URL"),
    ],
)
def test_a_wrong_setting_is_named(url: str, secret: str, code: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _receiver(CLAIMS_ALERT_WEBHOOK_URL=url, CLAIMS_ALERT_WEBHOOK_SECRET=secret)
    assert caught.value.code == code
    assert named in caught.value.message
    assert SECRET not in caught.value.message


def test_neither_address_nor_secret_shows_when_a_receiver_is_printed() -> None:
    receiver = _receiver(
        CLAIMS_ALERT_WEBHOOK_URL="https://alerts.example/token",
        CLAIMS_ALERT_WEBHOOK_SECRET=SECRET,
    )
    assert "token" not in repr(receiver)
