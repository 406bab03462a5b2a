"""`claims-pipeline dev`: with a Keycloak or without one, for people and for older clients."""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from claims_pipeline.cli.local.processes import Processes, free_port, installed_command
from claims_pipeline.intake.reading.lines import MAX_LINE_CHARACTERS
from claims_pipeline.sandbox.realm.directory import REALM
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline_tests.keycloak import Keycloak, Realm
from claims_pipeline_tests.orchestration.samples import make_sample
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]

API = "/api/v1/claims"
FAMILIES = ("/csv-jobs", "/bulk/jobs")
ROWS = 20
_STARTS_WITHIN_S = 300
_ENDS_WITHIN_S = 600
_STOPS_WITHIN_S = 120
_TIMEOUT_S = 60
# Older clients ask every three seconds.
_POLL_S = 1.0
_SEED = 7
_COUNTS = ("total_rows", "processed_rows", "success_count", "failure_count")
# Who signed the token makes no difference to these.
_WITHOUT_KEYCLOAK = pytest.mark.parametrize("dev", ["sandbox"], indirect=True)
_UNDER_WAY = {"PENDING", "PROCESSING", "CANCELLING"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dev:
    """The command that is running; `page` and `realm` are addresses, `said` what it printed."""

    page: str
    realm: str
    said: str
    payer: Sandbox
    processes: Processes
    has_keycloak: bool

    def token(self, username: str = "analyst-a") -> str:
        """A token by password, as older scripts get one."""
        return Realm(server_url=self.realm, name=REALM).token(username)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One exchange with the API as the analyst, with a fresh token."""
        signed = {"Authorization": f"Bearer {self.token()}"}
        return requests.request(
            method, f"{self.page}{API}{path}", headers=signed, timeout=_TIMEOUT_S, **options
        )

    def get(self, path: str) -> requests.Response:
        """GET: 200, every time."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer

    def upload(self, content: bytes, **fields: str) -> str:
        """Hand a file in, as older clients do; its id."""
        answer = self.call(
            "POST",
            "/bulk/upload/",
            files={"file": ("worklist.csv", content)},
            data={"provider": "uhc", "use_batch_query": "true", **fields},
        )
        assert answer.status_code == 201, answer.text
        upload_id: str = answer.json()["id"]
        return upload_id

    def poll(self, upload_id: str, status: str) -> dict[str, Any]:
        """Poll both families of addresses until the upload has this status; the upload then."""
        upload: dict[str, Any] = {}

        def has_it() -> bool:
            upload.update(self.get(f"/csv-jobs/{upload_id}/").json())
            progress = self.get(f"/bulk/jobs/{upload_id}/progress/").json()
            for answer in (upload, progress):
                assert all(isinstance(answer[count], int) for count in _COUNTS)
            assert upload["status"] in {status, *_UNDER_WAY}, upload["error_log"]
            return bool(upload["status"] == status)

        self.processes.wait_until(
            has_it, what=f"the upload to be {status}", timeout_s=_ENDS_WITHIN_S, poll_s=_POLL_S
        )
        return upload


@contextmanager
def running_dev(folder: Path, settings: dict[str, str], realm: str | None) -> Iterator[Dev]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("CLAIMS_")}
    ports = {name: free_port() for name in ("port", "sandbox-port", "api-port", "realm-port")}
    options = [part for name, port in ports.items() for part in (f"--{name}", str(port))]
    environment = {**own, "CLAIMS_HOME": str(folder / "home"), **settings}
    with Processes(logs=folder, environment=environment) as processes:
        dev = processes.start("dev", [installed_command("claims-pipeline"), "dev", *options])
        try:
            processes.wait_until(
                lambda: "Ctrl-C stops everything." in dev.log.read_text(),
                what="dev",
                timeout_s=_STARTS_WITHIN_S,
            )
            yield Dev(
                page=f"http://127.0.0.1:{ports['api-port']}",
                realm=realm or f"http://127.0.0.1:{ports['realm-port']}",
                said=dev.log.read_text(),
                payer=Sandbox(url=f"http://127.0.0.1:{ports['sandbox-port']}", seed=_SEED),
                processes=processes,
                has_keycloak=realm is not None,
            )
        finally:
            # It has processes of its own to stop.
            dev.stop(_STOPS_WITHIN_S)


@pytest.fixture(
    scope="module", params=["sandbox", pytest.param("keycloak", marks=pytest.mark.keycloak)]
)
def dev(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """The command on a home of its own, with each kind of realm where a test does not say which."""
    settings: dict[str, str] = {}
    realm = None
    if request.param == "keycloak":
        keycloak: Keycloak = request.getfixturevalue("keycloak")
        settings, realm = {**keycloak.imported.settings(), **PAGE_SETTINGS}, keycloak.url
    with running_dev(tmp_path_factory.mktemp("dev"), settings, realm) as running:
        yield running


def test_it_says_first_where_the_page_is_and_the_page_asks_who_is_there(dev: Dev) -> None:
    assert dev.said.splitlines()[0] == f"Upload page:    {dev.page}/"
    answer = requests.get(f"{dev.page}/", timeout=_TIMEOUT_S)
    assert answer.status_code == 200
    assert answer.url.startswith(f"{dev.realm}/realms/{REALM}/protocol/openid-connect/auth")


def test_older_clients_upload_poll_and_fetch_results(dev: Dev) -> None:
    """Every shape, with dates and without; once where a Keycloak signs the token."""
    # By this machine's own calendar, which may be a day ahead of the payer's.
    today = datetime.now().astimezone().date()
    dates = {
        "start_date": (today - timedelta(days=90)).isoformat(),
        "end_date": f"{today:%m/%d/%Y}",
    }
    kinds: list[tuple[Shape, dict[str, str]]]
    kinds = [
        (Shape.CLAIMS, {}),
        (Shape.PATIENTS, dates),
        (Shape.PRACTICES, {}),
        (Shape.MEMBERS, {"provider": "auto"}),
    ]
    assert {shape for shape, _ in kinds} == set(Shape)
    if dev.has_keycloak:
        kinds = kinds[:1]
    upload_ids = [dev.upload(sample_of(dev, shape, ROWS), **fields) for shape, fields in kinds]
    for upload_id in upload_ids:
        upload = dev.poll(upload_id, "COMPLETED")
        assert upload["total_rows"] == upload["processed_rows"] == ROWS
        assert upload["celery_task_id"] == upload["run_id"]
        for family in FAMILIES:
            page = dev.get(f"{family}/{upload_id}/results/?page_size=100").json()
            assert {row["row_number"] for row in page["results"]} == set(range(1, ROWS + 1))
            content = dev.get(f"{family}/{upload_id}/download_results/").content
            lines = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
            assert sum(line["primary"] == "Y" for line in lines) == ROWS


@_WITHOUT_KEYCLOAK
def test_older_clients_cancel_a_running_one_and_try_it_again(dev: Dev) -> None:
    dev.payer.set_faults([{"match": {"kind": "summary"}, "what": {"delay_s": 1.0}}])
    upload_id = dev.upload(sample_of(dev, Shape.PATIENTS, 200), use_batch_query="false")
    dev.poll(upload_id, "PROCESSING")

    assert dev.call("POST", f"/csv-jobs/{upload_id}/cancel/").status_code == 202
    assert dev.poll(upload_id, "CANCELLED")["unprocessed_count"] > 0

    dev.payer.reset()
    assert dev.call("POST", f"/bulk/jobs/{upload_id}/retry/").status_code == 202
    upload = dev.poll(upload_id, "COMPLETED")
    assert (upload["attempt"], upload["unprocessed_count"]) == (2, 0)


@_WITHOUT_KEYCLOAK
def test_older_clients_read_in_words_why_one_failed(dev: Dev) -> None:
    header = "claim_number,first_name,last_name,date_of_birth\n"
    row = "FH00000001,ADA,EXAMPLE,05/10/1975\n"
    # Beyond what is looked at while it comes, a line that is longer than any may be.
    content = f"{header}{row * 4000}".encode() + b"x" * (MAX_LINE_CHARACTERS + 1)

    upload = dev.poll(dev.upload(content), "FAILED")

    assert isinstance(upload["error_log"], str)
    assert upload["error_log"]
    assert "EXAMPLE" not in upload["error_log"]


def sample_of(dev: Dev, shape: Shape, rows: int) -> bytes:
    content, _ = make_sample(dev.payer, shape, rows)
    return content
