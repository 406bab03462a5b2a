"""What clients of the service that this one replaces do, against `claims-pipeline dev`."""

import csv
import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from claims_pipeline.cli.processes import Processes, free_port, installed_command, port_answers
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples import Shape
from claims_pipeline_tests.end_to_end.drops import FAST
from claims_pipeline_tests.keycloak import Keycloak
from claims_pipeline_tests.orchestration.test_samples import make_sample

pytestmark = [pytest.mark.stack, pytest.mark.keycloak, pytest.mark.timeout(1800)]

FAMILIES = ("/api/v1/claims/csv-jobs", "/api/v1/claims/bulk/jobs")
UPLOAD = "/api/v1/claims/bulk/upload/"
ROWS = 20
POLL_S = 3
# Twenty polls are the minute that is promised; a machine that tests run on may be much busier.
POLLS = 200
COUNTS = ("total_rows", "processed_rows", "success_count", "failure_count", "progress_percentage")
_STARTS_WITHIN_S = 600.0
_STOPS_WITHIN_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderClient:
    """A script that knows the development client, a user and a password, and nothing else."""

    url: str
    token_url: str
    sandbox: Sandbox

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One exchange with a fresh token, as scripts that run for long take one now and then."""
        granted = requests.post(
            self.token_url,
            data={
                "grant_type": "password",
                "client_id": "claims-dev",
                "username": "analyst-a",
                "password": "development-only",
                "scope": "openid profile email",
            },
            timeout=60,
        )
        assert granted.status_code == 200, granted.text
        signed = {"Authorization": f"Bearer {granted.json()['access_token']}"}
        return requests.request(method, f"{self.url}{path}", headers=signed, timeout=60, **options)

    def upload(self, content: bytes, **fields: str) -> str:
        """Hand a file in; its id."""
        answer = self.call(
            "POST",
            UPLOAD,
            files={"file": ("worklist.csv", content, "text/csv")},
            data={"provider": "uhc", "use_batch_query": "true", **fields},
        )
        assert answer.status_code == 201, answer.text
        upload_id: str = answer.json()["id"]
        return upload_id

    def poll(self, upload_id: str, *, until: set[str]) -> dict[str, Any]:
        """Ask both addresses every three seconds; the upload once its status is one of these."""
        pause = threading.Event()
        for _ in range(POLLS):
            jobs, progress = (
                self.call("GET", f"{family}/{upload_id}/{path}")
                for family, path in zip(FAMILIES, ("", "progress/"), strict=True)
            )
            for answer in (jobs, progress):
                assert answer.status_code == 200, answer.text
                assert all(isinstance(answer.json()[count], int | float) for count in COUNTS)
            upload: dict[str, Any] = jobs.json()
            if upload["status"] in until:
                return upload
            assert upload["status"] in {"PENDING", "PROCESSING", "CANCELLING"}, upload["error_log"]
            pause.wait(POLL_S)
        pytest.fail(f"the upload did not become one of {until}")


@contextmanager
def running_dev(home: Path, settings: dict[str, str]) -> Iterator[tuple[str, int]]:
    """`claims-pipeline dev` on free ports; the upload service's address, the sandbox's port."""
    ports = {name: free_port() for name in ("--port", "--sandbox-port", "--api-port")}
    options = [part for name, port in ports.items() for part in (name, str(port))]
    home.mkdir()
    environment = {**os.environ, **FAST, "CLAIMS_HOME": str(home), **settings}
    with Processes(logs=home, environment=environment) as processes:
        dev = processes.start("dev", [installed_command("claims-pipeline"), "dev", *options])
        try:
            processes.wait_until(
                lambda: all(port_answers(port) for port in ports.values()),
                what="dev",
                timeout_s=_STARTS_WITHIN_S,
            )
            yield f"http://127.0.0.1:{ports['--api-port']}", ports["--sandbox-port"]
        finally:
            processes.forget(dev)
            _interrupt(dev.popen)
            assert not any(port_answers(port) for port in ports.values())


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does; it stops what it has started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOPS_WITHIN_S)
    finally:
        process.kill()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, keycloak: Keycloak) -> Iterator[OlderClient]:
    realm = keycloak.imported
    home = tmp_path_factory.mktemp("dev") / "home"
    with running_dev(home, realm.settings()) as (url, sandbox_port):
        yield OlderClient(
            url=url,
            token_url=f"{realm.url}/protocol/openid-connect/token",
            sandbox=Sandbox(url=f"http://127.0.0.1:{sandbox_port}", seed=7),
        )


def dates_of(days: int) -> dict[str, str]:
    """The last days, by this machine's own calendar."""
    today = datetime.now().astimezone().date()
    return {
        "start_date": (today - timedelta(days=days)).isoformat(),
        "end_date": today.strftime("%m/%d/%Y"),
    }


@pytest.mark.parametrize("has_dates", [False, True], ids=["no dates", "dates"])
@pytest.mark.parametrize("shape", list(Shape))
def test_a_file_is_uploaded_polled_and_fetched(
    client: OlderClient, shape: Shape, has_dates: bool
) -> None:
    content, _ = make_sample(client.sandbox, shape, ROWS)
    upload_id = client.upload(content, **(dates_of(90) if has_dates else {}))

    upload = client.poll(upload_id, until={"COMPLETED"})

    assert upload["progress_percentage"] == 100
    assert upload["total_rows"] == upload["processed_rows"] == ROWS
    assert upload["celery_task_id"] == upload["run_id"]
    for family in FAMILIES:
        page = client.call("GET", f"{family}/{upload_id}/results/", params={"page_size": 100})
        assert page.status_code == 200
        assert {row["row_number"] for row in page.json()["results"]} == set(range(1, ROWS + 1))
        fetched = client.call("GET", f"{family}/{upload_id}/download_results/")
        assert fetched.status_code == 200
        lines = csv.DictReader(io.StringIO(fetched.content.decode("utf-8-sig")))
        assert sum(line["primary"] == "Y" for line in lines) == ROWS


def test_a_running_one_is_cancelled_and_tried_again(client: OlderClient) -> None:
    content, _ = make_sample(client.sandbox, Shape.PATIENTS, 400)
    client.sandbox.set_faults([{"match": {"kind": "summary"}, "what": {"delay_s": 1.0}}])
    upload_id = client.upload(content, use_batch_query="false")
    client.poll(upload_id, until={"PROCESSING"})

    cancelled = client.call("POST", f"{FAMILIES[0]}/{upload_id}/cancel/")
    assert cancelled.status_code == 202, cancelled.text
    upload = client.poll(upload_id, until={"CANCELLED"})
    assert upload["unprocessed_count"] > 0

    client.sandbox.reset()
    retried = client.call("POST", f"{FAMILIES[1]}/{upload_id}/retry/")
    assert retried.status_code == 202, retried.text
    upload = client.poll(upload_id, until={"COMPLETED"})
    assert (upload["attempt"], upload["unprocessed_count"]) == (2, 0)


def test_the_error_log_of_a_failed_one_is_text(client: OlderClient) -> None:
    header = b"claim_number,first_name,last_name,date_of_birth\n"
    row = b"FH00000001,ADA,EXAMPLE,05/10/1975\n"
    # Beyond what is looked at while it comes, bytes that are not of the encoding before them.
    content = header + row * 4000 + "FH00000002,ZOÉ,EXAMPLE,05/10/1975\n".encode() + b"\xff\xfe,"
    upload_id = client.upload(content)

    upload = client.poll(upload_id, until={"FAILED"})

    assert isinstance(upload["error_log"], str)
    assert upload["error_log"]
    assert "EXAMPLE" not in upload["error_log"]
