"""What operators must hear of is written with what has happened, and kept until they heard."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from claims_pipeline.model import UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts.alerts import (
    Alert,
    AlertKind,
    due_alerts,
    mark_sent,
    try_again_later,
)
from claims_pipeline_tests.store.builders import NOW, Runs, make_upload, seconds_later

_LATER = seconds_later(1)


def _failed(engine: Engine) -> Alert:
    upload = make_upload(engine)
    hold = Runs(engine, upload.id).held()
    attempts.finish(
        engine,
        upload.id,
        UploadStatus.FAILED,
        attempt_id=hold.attempt_id,
        error_code="poison",
        now=NOW,
    )
    [alert] = due_alerts(engine, _LATER, limit=10)
    return alert


def test_an_upload_that_fails_is_told_of(engine: Engine) -> None:
    alert = _failed(engine)
    assert (alert.kind, alert.error_code, alert.attempt) == (AlertKind.FAILED, "poison", 1)
    assert (alert.organization_id, alert.created_at, alert.tries) == ("demo", NOW, 0)


@pytest.mark.parametrize("status", [UploadStatus.COMPLETED, UploadStatus.CANCELLED])
def test_an_upload_that_ends_otherwise_is_not(engine: Engine, status: UploadStatus) -> None:
    upload = make_upload(engine)
    hold = Runs(engine, upload.id).held()
    attempts.finish(engine, upload.id, status, attempt_id=hold.attempt_id, now=NOW)
    assert due_alerts(engine, _LATER, limit=10) == []


def test_an_upload_that_waits_for_its_payer_is_told_of_once(engine: Engine) -> None:
    upload = make_upload(engine)
    runs = Runs(engine, upload.id)
    for number in range(3):
        then = seconds_later(60 * number)
        hold = runs.held(f"run-{number}", now=then)
        attempts.wait_for_payer(
            engine, hold, reason="payer_unavailable", next_try_at=then, now=then
        )
    [alert] = due_alerts(engine, seconds_later(600), limit=10)
    assert (alert.kind, alert.error_code) == (AlertKind.WAITING, "payer_unavailable")
    assert alert.upload_id == upload.id


def test_an_alert_that_was_heard_is_not_sent_again(engine: Engine) -> None:
    mark_sent(engine, _failed(engine), _LATER)
    assert due_alerts(engine, seconds_later(3600), limit=10) == []


def test_an_alert_that_was_not_heard_is_tried_again_at_growing_distances_for_a_day(
    engine: Engine,
) -> None:
    alert, now = _failed(engine), NOW
    pauses = []
    while True:
        try_again_later(engine, alert, now)
        assert due_alerts(engine, now, limit=10) == []
        due_at = next(
            (
                now + timedelta(seconds=pause)
                for pause in (10, 60, 300, 900, 1800, 3600)
                if due_alerts(engine, now + timedelta(seconds=pause), limit=10)
            ),
            None,
        )
        if due_at is None:
            break
        pauses.append((due_at - now).total_seconds())
        now = due_at
        [alert] = due_alerts(engine, now, limit=10)
    assert pauses[:6] == [10, 60, 300, 900, 1800, 3600]
    assert set(pauses[6:]) == {3600}
    assert timedelta(hours=23) < now - NOW < timedelta(hours=24)


def test_the_oldest_alerts_are_sent_first(engine: Engine) -> None:
    for number in (2, 0, 1):
        upload = make_upload(engine)
        hold = Runs(engine, upload.id).held()
        attempts.finish(
            engine,
            upload.id,
            UploadStatus.FAILED,
            attempt_id=hold.attempt_id,
            error_code=f"code-{number}",
            now=seconds_later(number),
        )
    due = due_alerts(engine, seconds_later(10), limit=2)
    assert [alert.error_code for alert in due] == ["code-0", "code-1"]
