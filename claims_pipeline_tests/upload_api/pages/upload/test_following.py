"""How the page of an upload stays true while it runs: events, or asking now and then."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from claims_pipeline.model import UploadStatus
from claims_pipeline_tests.store.builders import answer, make_result
from claims_pipeline_tests.upload_api.api import Api
from claims_pipeline_tests.upload_api.pages.readers import Reader, words_of
from claims_pipeline_tests.upload_api.pages.uploads import (
    HOSTILE_NAME,
    done_upload,
    running_upload,
    waiting_upload,
)


@pytest.fixture
def api(shared_page_api: Api) -> Api:
    return shared_page_api


@pytest.fixture
def reader(api: Api) -> Reader:
    return Reader(api)


def _news(response: requests.Response) -> Iterator[dict[str, object]]:
    """The data of each event, as they come."""
    lines: list[str] = []
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("data: "):
            lines.append(line.removeprefix("data: "))
        elif not line and lines:
            yield json.loads("\n".join(lines))
            lines.clear()


def test_events_bring_what_the_page_shows_until_the_end(api: Api, reader: Reader) -> None:
    made = running_upload(api)
    with reader.get(
        f"/uploads/{made.id}/events", stream=True, headers={"Accept": "text/event-stream"}
    ) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = _news(response)
        first = next(events)
        assert first["is_live"] is True
        assert "13 of 14 rows" in words_of(str(first["html"]))
        answer(api.engine, made.hold, make_result(12))
        second = next(events)
        assert "14 of 14 rows" in words_of(str(second["html"]))
        made.end(UploadStatus.COMPLETED)
        last = next(events)
        assert (last["is_live"], last["status"]) == (False, "COMPLETED")
        assert list(events) == []
        assert HOSTILE_NAME not in json.dumps([first, second, last])


def test_a_browser_that_knows_the_end_is_told_not_to_come_back(api: Api, reader: Reader) -> None:
    made = done_upload(api)
    address = f"/uploads/{made.id}/events"
    state = reader.get(f"/uploads/{made.id}/progress").json()["state"]
    assert reader.get(address, headers={"Last-Event-ID": state}).status_code == 204


def test_asking_brings_the_same_as_the_page(api: Api, reader: Reader) -> None:
    made = waiting_upload(api)
    answered = reader.get(f"/uploads/{made.id}/progress")
    assert answered.headers["Cache-Control"] == "no-store"
    news = answered.json()
    assert news["is_live"] is True
    assert news["html"].strip() in reader.page(f"/uploads/{made.id}")
    assert f"{datetime.now(UTC):%Y-%m-%d}" in words_of(news["html"])  # of the next try


def test_what_the_script_asks_over_and_over_is_not_counted(api: Api, reader: Reader) -> None:
    made = running_upload(api)
    by_script = {"X-Requested-With": "claims-page"}
    answers = [
        reader.get(f"/uploads/{made.id}/progress", headers=by_script).status_code
        for _ in range(api.settings.api_requests_per_minute + 1)
    ]
    assert set(answers) == {200}
