"""`claims-pipeline api serve` as a process of its own: what it logs, and how it ends."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from fastapi import FastAPI
from sqlalchemy import text

from claims_pipeline.cli.local.local_store import demo_practices
from claims_pipeline.cli.local.processes import (
    Processes,
    RunningProcess,
    free_port,
    installed_command,
)
from claims_pipeline.settings import load_settings
from claims_pipeline.store.database import open_engine, writing
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline_tests.upload_api.api import ORGANIZATION, Api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer
from claims_pipeline_tests.upload_api.receiving.forms import CSV, half_sent, multipart, post_csv

JOBS = "/api/v1/claims/csv-jobs"
MARKERS = ("QUORLYXA", "ZEBRATHORNE", "1931", "MARK77", "markedworklist")
MARKED_CSV = (
    b"claim_number,first_name,last_name,date_of_birth\n"
    b"FH77MARK77,QUORLYXA,ZEBRATHORNE,02/03/1931\n"
    b"FH77MARK77,QUORLYXA,ZEBRATHORNE,31/31/1931\n"
)
MARKED_NAME = "markedworklist QUORLYXA.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A serving process, and its API as tests call it."""

    api: Api
    process: RunningProcess
    internal_url: str

    def log(self) -> str:
        return self.process.log.read_text(encoding="utf-8")

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines()]


@contextmanager
def serving(
    home: Path,
    issuer: Issuer,
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    port, internal_port = free_port(), free_port()
    chosen = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLAIMS_")},
        **issuer.settings(),
        "CLAIMS_HOME": str(home),
        "CLAIMS_API_INTERNAL_PORT": str(internal_port),
        **(settings or {}),
    }
    used = load_settings(chosen)
    home.mkdir(parents=True)
    engine = open_engine(used.resolved_database_url)
    upgrade(engine)
    ensure_organization(engine, ORGANIZATION, "Demo", demo_practices())
    with Processes(logs=home, environment=chosen) as processes:
        command = (installed_command("claims-pipeline"), "api", "serve")
        options = ("--port", str(port), "--workers", str(workers))
        process = processes.start("api", (*command, *options))
        url = f"http://127.0.0.1:{port}"
        processes.wait_until(lambda: answers(url), what="the API", timeout_s=180)
        yield Served(
            api=Api(
                url=url,
                app=FastAPI(),
                issuer=issuer,
                settings=used,
                engine=engine,
                files=open_file_store(used.resolved_files),
            ),
            process=process,
            internal_url=f"http://127.0.0.1:{internal_port}",
        )
        processes.forget(process)
        process.stop()
    engine.dispose()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def test_no_marker_reaches_the_log_or_an_error(tmp_path: Path, issuer: Issuer) -> None:
    token = issuer.token(roles=["claims-operator"])
    errors = []
    with serving(tmp_path / "home", issuer) as served:
        api = served.api
        taken = post_csv(api, MARKED_CSV, token=token, file_name=MARKED_NAME)
        assert taken.status_code == 201
        upload_id = taken.json()["id"]

        # Refused for their content, their address, their parameters, their token.
        errors.append(post_csv(api, b"%PDF ZEBRATHORNE", token=token, file_name=MARKED_NAME))
        errors.append(post_csv(api, MARKED_CSV, token=token, provider="ZEBRATHORNE"))
        errors.append(post_csv(api, MARKED_CSV, token="ZEBRATHORNE", file_name=MARKED_NAME))
        errors.append(api.get("/ZEBRATHORNE/QUORLYXA?name=MARK77", token=token))
        errors.append(api.get(f"{JOBS}/ZEBRATHORNE/progress", token=token))
        errors.append(api.get(f"{JOBS}?page=ZEBRATHORNE", token=token))
        errors.append(api.post(f"{JOBS}/search", token=token, json={"search": ["ZEBRATHORNE"]}))
        found = api.get(f"{JOBS}?search=markedworklist", token=token)
        assert found.json()["count"] == 1
        # A client that goes away with half of its file sent.
        body = multipart((f'name="file"; filename="{MARKED_NAME}"', MARKED_CSV))
        with half_sent(api, token, announced=len(body), sent=body[:-20]):
            pass

        # What nobody thought of: a value in the database that no code can read.
        with writing(api.engine) as connection:
            connection.execute(text("UPDATE uploads SET status = 'ZEBRATHORNE'"))
        errors.append(api.get(f"{JOBS}/{upload_id}", token=token))
        assert errors[-1].status_code == 500
        assert errors[-1].json()["code"] == "internal_error"

    assert all(answer.status_code >= 400 for answer in errors)
    for marker in MARKERS:
        assert marker not in served.log()
        assert not [answer.status_code for answer in errors if marker in answer.text]
    assert len([line for line in served.log_lines() if "ValueError" in line["message"]]) == 1


def test_a_log_line_says_who_asked_for_what_and_how_it_ended(
    tmp_path: Path, issuer: Issuer
) -> None:
    with serving(tmp_path / "home", issuer) as served:
        request_id = "0123456789abcdef" * 2
        upload = served.api.add_upload()
        served.api.get(
            f"{JOBS}/{upload.id}/?a=b", token=issuer.token(), headers={"X-Request-ID": request_id}
        )
        metrics = requests.get(f"{served.internal_url}/metrics", timeout=10).text
        ready = requests.get(f"{served.internal_url}/readyz", timeout=10)
        refused = served.api.get("/metrics", token=issuer.token())

    [line] = [line for line in served.log_lines() if line["request_id"] == request_id]
    assert line.pop("time").endswith("+00:00")
    assert line.pop("duration_ms") > 0
    assert line == {
        "level": "info",
        "logger": "claims_pipeline.upload_api.http.middleware",
        "message": "answered",
        "request_id": request_id,
        "method": "GET",
        "route": f"{JOBS}/{{upload_id}}",
        "status": 200,
        "user_id": "analyst-1",
        "organization": "demo",
    }
    counted = f'_count{{method="GET",route="{JOBS}/{{upload_id}}",status="200"}} 1.0'
    assert f"claims_http_request_duration_seconds{counted}" in metrics
    assert "claims_database_up 1.0" in metrics
    assert ready.json()["status"] == "ready"
    assert refused.status_code == 404


def test_a_process_that_is_asked_to_end_finishes_the_upload_under_way(
    tmp_path: Path, issuer: Issuer
) -> None:
    with serving(tmp_path / "home", issuer) as served:
        header, row = CSV.splitlines(keepends=True)
        body = multipart(('name="file"; filename="worklist.csv"', header + 100_000 * row))
        half = len(body) // 2
        token = issuer.token()
        with half_sent(served.api, token, announced=len(body), sent=body[:half]) as connection:
            connection.settimeout(60)
            stored = Path(served.api.settings.resolved_files)
            wait_until(lambda: any(stored.rglob(".unfinished-*")), served)
            served.process.popen.send_signal(signal.SIGTERM)
            wait_until(lambda: not answers(served.api.url), served)
            connection.sendall(body[half:])
            reply = b""
            while chunk := connection.recv(65536):
                reply += chunk
        assert reply.startswith(b"HTTP/1.1 201 ")
        assert served.process.popen.wait(timeout=60) == 0
    assert served.log_lines()[-1]["message"] == "stopped"


def test_several_processes_share_a_port_and_count_together(tmp_path: Path, issuer: Issuer) -> None:
    with serving(tmp_path / "home", issuer, workers=2) as served:
        for _ in range(20):
            assert served.api.get("/nowhere").status_code == 404
        metrics = requests.get(f"{served.internal_url}/metrics", timeout=10).text
        counted = '_count{method="GET",route="unmatched",status="404"} 20.0'
        assert f"claims_http_request_duration_seconds{counted}" in metrics
        workers = psutil.Process(served.process.pid).children(recursive=True)
        served.process.popen.send_signal(signal.SIGTERM)
        assert served.process.popen.wait(timeout=60) == 0
        assert psutil.wait_procs(workers, timeout=60)[1] == []


def test_a_setting_that_is_missing_is_named(tmp_path: Path, issuer: Issuer) -> None:
    setting = "CLAIMS_KEYCLOAK_URL"
    processes = Processes(
        logs=tmp_path,
        environment={
            **os.environ,
            **issuer.settings(),
            "CLAIMS_HOME": str(tmp_path / "home"),
            setting: "",
        },
    )
    with processes:
        process = processes.start("api", (installed_command("claims-pipeline"), "api", "serve"))
        processes.forget(process)
        assert process.popen.wait(timeout=60) == 1
    [line] = process.log.read_text().splitlines()
    assert setting in line


def wait_until(condition: Callable[[], bool], served: Served) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.05)
