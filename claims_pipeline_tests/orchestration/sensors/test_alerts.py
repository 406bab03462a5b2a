"""Operators hear of an upload that failed, even if they were away, and of no patient."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.orchestration.resources import StoreResource
from claims_pipeline.orchestration.sensors.alerts import alerts_sensor
from claims_pipeline_tests.operations.alerts.receiver import Listener, listening
from claims_pipeline_tests.pipeline import Pipeline

_UNREADABLE = b"PATIENTMARKER\nPATIENTMARKER\n"


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    with listening() as listener:
        for name, value in listener.settings().items():
            monkeypatch.setenv(name, value)
        yield listener


def _tick(pipeline: Pipeline) -> str:
    answer = alerts_sensor(
        dg.build_sensor_context(instance=pipeline.instance), store=StoreResource()
    )
    if isinstance(answer, dg.SkipReason):
        return answer.skip_message or ""
    assert answer.skip_reason is not None
    sent = [event.metadata["sent"].value for event in answer.asset_events or []]
    said = answer.skip_reason.skip_message or ""
    assert sent == ([] if said.startswith("0 ") else [int(said.split()[0])])
    return said


def _fail_an_upload(pipeline: Pipeline) -> str:
    upload_id = pipeline.upload(_UNREADABLE)
    assert not pipeline.run(upload_id, raise_on_error=False).success
    assert pipeline.get(upload_id).status is UploadStatus.FAILED
    return upload_id


def test_a_failed_upload_is_told_of_once(pipeline: Pipeline, listener: Listener) -> None:
    upload_id = _fail_an_upload(pipeline)
    assert _tick(pipeline) == "1 alerts sent, 0 to be sent later"
    assert _tick(pipeline) == "0 alerts sent, 0 to be sent later"
    [message] = listener.messages
    assert message["data"]["upload_id"] == upload_id
    assert message["data"]["error_code"] == pipeline.get(upload_id).error_code
    assert b"PATIENTMARKER" not in b"".join(listener.bodies)


def test_a_receiver_that_was_away_hears_of_it_later(
    pipeline: Pipeline, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_an_upload(pipeline)
    listener.answers = [503]
    assert _tick(pipeline) == "0 alerts sent, 1 to be sent later"
    assert _tick(pipeline) == "0 alerts sent, 0 to be sent later"
    monkeypatch.setattr(
        "claims_pipeline.orchestration.sensors.alerts.now",
        lambda: datetime.now(UTC) + timedelta(seconds=11),
    )
    assert _tick(pipeline) == "1 alerts sent, 0 to be sent later"
    first, second = listener.ids
    assert first == second


def test_without_a_receiver_nothing_is_sent_and_nothing_breaks(pipeline: Pipeline) -> None:
    assert "CLAIMS_ALERT_WEBHOOK_URL" in _tick(pipeline)


def test_a_wrong_setting_is_shown_by_its_code(
    pipeline: Pipeline, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAIMS_ALERT_WEBHOOK_SECRET")
    assert _tick(pipeline) == "not configured: setting_missing"
    assert listener.messages == []
