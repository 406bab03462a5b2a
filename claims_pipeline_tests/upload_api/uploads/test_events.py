"""Progress as server-sent events."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import anyio
import pytest
import requests

from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.uploads import get_upload
from claims_pipeline.upload_api.streams import progress_events
from claims_pipeline_tests.store.builders import Runs, answer, make_result, store_rows
from claims_pipeline_tests.upload_api.api import Api

JOBS = "/api/v1/claims/csv-jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as a client has it."""

    name: str
    id: str | None
    data: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running upload of three rows, none answered yet."""

    api: Api
    hold: Hold
    user_id: str
    token: str

    @contextmanager
    def stream(
        self, *, token: str | None = None, seen: str | None = None
    ) -> Iterator[Iterator[Event]]:
        """The events as they come."""
        headers = {} if seen is None else {"Last-Event-ID": seen}
        path = f"{JOBS}/{self.hold.upload_id}/events/"
        with self.api.get(
            path, token=token or self.token, headers=headers, stream=True
        ) as response:
            assert response.status_code == 200
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield _events(response)

    def open(self) -> requests.Response:
        return self.api.get(f"{JOBS}/{self.hold.upload_id}/events/", token=self.token, stream=True)

    def answer(self, row_number: int, outcome: Outcome = Outcome.FOUND) -> None:
        answer(self.api.engine, self.hold, make_result(row_number, outcome))

    def finish(self) -> None:
        attempts.finish(
            self.api.engine,
            self.hold.upload_id,
            UploadStatus.CANCELLED,
            attempt_id=self.hold.attempt_id,
            now=datetime.now(UTC),
        )


def _events(response: requests.Response) -> Iterator[Event]:
    block = b""
    for byte in response.iter_content(1):
        block += byte
        if not block.endswith(b"\r\n\r\n"):
            continue
        fields = dict(line.split(": ", 1) for line in block.decode().split("\r\n") if line)
        block = b""
        if "event" in fields:
            yield Event(name=fields["event"], id=fields.get("id"), data=json.loads(fields["data"]))


@pytest.fixture
def running(shared_api: Api) -> Running:
    user_id = f"analyst-{uuid4()}"
    upload = shared_api.add_upload(user_id=user_id)
    hold = Runs(engine=shared_api.engine, upload_id=upload.id).held(str(uuid4()))
    store_rows(shared_api.engine, hold, accepted=3)
    return Running(
        api=shared_api,
        hold=hold,
        user_id=user_id,
        token=shared_api.issuer.token(sub=user_id),
    )


def test_each_change_is_an_event_until_the_upload_ends(running: Running) -> None:
    with running.stream() as events:
        assert next(events).data["processed_rows"] == 0
        running.answer(1)
        first = next(events)
        assert (first.name, first.data["processed_rows"]) == ("progress", 1)
        assert first.data["job_id"] == running.hold.upload_id
        running.answer(2, Outcome.NOT_FOUND)
        assert next(events).data["not_found_count"] == 1
        running.finish()
        last = list(events)[-1]
    assert (last.data["status"], last.data["unprocessed_count"]) == ("CANCELLED", 1)


def test_a_client_that_comes_back_gets_only_what_changed_since(running: Running) -> None:
    with running.stream() as events:
        seen = next(events).id
    with running.stream(seen=seen) as events:
        running.answer(1)
        assert next(events).data["processed_rows"] == 1


def test_a_client_that_knows_the_end_is_told_not_to_come_back(running: Running) -> None:
    running.finish()
    with running.stream() as events:
        [last] = events
    path = f"{JOBS}/{running.hold.upload_id}/events/"
    again = running.api.get(path, token=running.token, headers={"Last-Event-ID": last.id})
    assert (again.status_code, again.content) == (204, b"")


def test_a_stream_ends_with_the_token(running: Running) -> None:
    token = running.api.issuer.token(sub=running.user_id, exp=int(time.time()) + 2)
    with running.stream(token=token) as events:
        assert len(list(events)) <= 1


def test_a_stream_ends_when_the_upload_is_deleted(running: Running) -> None:
    upload = get_upload(running.api.engine, running.hold.upload_id)
    looks = iter([upload, None])

    async def all_events() -> list[str | None]:
        stream = progress_events(lambda: next(looks), seen=None, ends_at=None)
        return [event.event async for event in stream]

    assert anyio.run(all_events) == ["progress", "deleted"]


def test_streams_are_bounded_and_a_closed_one_makes_room(running: Running) -> None:
    with ExitStack() as opened:
        responses = [opened.enter_context(running.open()) for _ in range(9)]
        assert [response.status_code for response in responses] == [200] * 8 + [429]
        assert responses[-1].json()["code"] == "too_many_streams"
        assert responses[-1].headers["Retry-After"] == "10"
        responses[0].close()
        deadline = time.monotonic() + 60
        while (again := running.open()).status_code == 429 and time.monotonic() < deadline:
            again.close()
            time.sleep(0.1)
        with again:
            assert again.status_code == 200
