"""`/healthz` and `/readyz` with parts of the service away."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from claims_pipeline.cli.local.processes import free_port
from claims_pipeline.store.database import writing
from claims_pipeline.upload_api.health import ReadinessProbe
from claims_pipeline_tests.end_to_end.drops import DropStack, dagster_settings
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer

ALL_PARTS = ["database", "file_store", "webserver", "sensor_daemon", "run_queue_daemon"]


class Webserver:
    """Answers, as Dagster's webserver does, when each daemon was last heard of."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Held, no question is answered.
        self.hold = threading.Lock()
        self.is_asked = threading.Event()
        self.ages_s: dict[str, float | None] = {"SENSOR": 1, "QUEUED_RUN_COORDINATOR": 1}

    def answer(self) -> bytes:
        if self.hold.locked():
            self.is_asked.set()
        with self.hold:
            return self._answer()

    def _answer(self) -> bytes:
        statuses = [
            {"daemonType": daemon, "lastHeartbeatTime": age and time.time() - age}
            for daemon, age in self.ages_s.items()
        ]
        health = {"allDaemonStatuses": statuses}
        answer = {"__typename": "Instance", "daemonHealth": health}
        return json.dumps({"data": {"answer": answer}}).encode()


@contextmanager
def running_webserver() -> Iterator[Webserver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = webserver.answer()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webserver = Webserver(f"http://127.0.0.1:{server.server_port}/graphql")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield webserver
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def webserver() -> Iterator[Webserver]:
    with running_webserver() as running:
        yield running


@pytest.fixture
def watched_api(tmp_path: Path, issuer: Issuer, webserver: Webserver) -> Iterator[Api]:
    settings = {"CLAIMS_DAGSTER_GRAPHQL_URL": webserver.url}
    with running_api(tmp_path / "home", issuer, settings=settings) as running:
        yield running


def parts_away(answer: requests.Response) -> list[str]:
    body = answer.json()
    assert list(body["parts"]) == ALL_PARTS
    away = [name for name, state in body["parts"].items() if state == "away"]
    assert answer.status_code == (503 if away else 200)
    assert body["status"] == ("not ready" if away else "ready")
    return away


def test_a_process_that_answers_is_live(api: Api) -> None:
    assert api.get("/healthz").json() == {"status": "live"}


def test_with_every_part_there_it_is_ready(watched_api: Api) -> None:
    assert parts_away(watched_api.get("/readyz")) == []
    assert not list(Path(watched_api.settings.resolved_files).rglob("probe*"))


def test_without_an_address_dagster_is_not_looked_at(api: Api) -> None:
    answer = api.get("/readyz")
    assert parts_away(answer) == []
    assert answer.json()["parts"]["webserver"] == "not configured"


@pytest.mark.parametrize(
    ("daemon", "age_s", "away"),
    [
        ("SENSOR", 88, []),
        ("SENSOR", 95, ["sensor_daemon"]),
        ("SENSOR", None, ["sensor_daemon"]),
        ("QUEUED_RUN_COORDINATOR", 95, ["run_queue_daemon"]),
    ],
)
def test_a_daemon_that_is_silent_for_90_seconds_is_away(
    watched_api: Api, webserver: Webserver, daemon: str, age_s: float | None, away: list[str]
) -> None:
    webserver.ages_s[daemon] = age_s
    assert parts_away(watched_api.get("/readyz")) == away


def test_without_the_webserver_nothing_is_known_of_the_daemons(
    tmp_path: Path, issuer: Issuer
) -> None:
    settings = {"CLAIMS_DAGSTER_GRAPHQL_URL": f"http://127.0.0.1:{free_port()}/graphql"}
    with running_api(tmp_path / "home", issuer, settings=settings) as api:
        assert parts_away(api.get("/readyz")) == ["webserver", "sensor_daemon", "run_queue_daemon"]
        assert api.get("/healthz").status_code == 200


def test_without_its_tables_the_database_is_away(watched_api: Api) -> None:
    with writing(watched_api.engine) as connection:
        connection.execute(text("ALTER TABLE uploads RENAME TO elsewhere"))
    answer = watched_api.get("/readyz")
    assert parts_away(answer) == ["database"]
    assert str(watched_api.settings.resolved_home) not in answer.text


def test_a_file_store_that_cannot_be_written_to_is_away(watched_api: Api) -> None:
    # A file where a folder has to be: not even root can write below it.
    Path(watched_api.settings.resolved_files).write_text("")
    assert parts_away(watched_api.get("/readyz")) == ["file_store"]


@pytest.mark.stack
def test_a_real_stack_is_ready_until_its_webserver_ends(
    mortal_drops: DropStack, issuer: Issuer
) -> None:
    stack = mortal_drops.stack
    settings = dagster_settings(stack.dagster.url)
    with running_api(stack.home, issuer, settings=settings) as api:
        assert parts_away(api.get("/readyz")) == []
        stack.stop("webserver")
        try:
            stack.wait_until(
                lambda: "webserver" in parts_away(api.get("/readyz")), what="the loss to be seen"
            )
        finally:
            stack.start_webserver()


def test_while_somebody_looks_the_others_get_what_was_seen_before(
    watched_api: Api, webserver: Webserver
) -> None:
    probe = ReadinessProbe(watched_api.app.state.services, keep_s=0)
    assert probe.look().is_ready
    webserver.hold.acquire()
    try:
        slow = threading.Thread(target=probe.look)
        slow.start()
        assert webserver.is_asked.wait(timeout=30)
        assert probe.look().is_ready
    finally:
        webserver.hold.release()
    slow.join()
