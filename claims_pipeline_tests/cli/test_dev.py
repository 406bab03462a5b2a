"""`claims-pipeline dev`: with a Keycloak or without one, for people and for older clients."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from claims_pipeline.cli.processes import Processes, free_port, installed_command
from claims_pipeline.sandbox.realm.directory import REALM
from claims_pipeline.sandbox.samples import Shape
from claims_pipeline_tests.keycloak import Keycloak, Realm
from claims_pipeline_tests.upload_api.pages.conftest import PAGE_SETTINGS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]

API = "/api/v1/claims"
ROWS = 20
_STARTS_WITHIN_S = 300
_ENDS_WITHIN_S = 600
_STOPS_WITHIN_S = 120
_TIMEOUT_S = 60
# What older clients do, every three seconds.
_POLL_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dev:
    """The command that is running; `page` and `realm` are addresses, `said` what it printed."""

    page: str
    realm: str
    said: str
    processes: Processes

    def token(self, username: str = "analyst-a") -> str:
        """A token by password, as older scripts get one."""
        return Realm(server_url=self.realm, name=REALM).token(username)

    def get(self, path: str) -> requests.Response:
        """GET as the analyst: 200, every time."""
        answer = requests.get(
            f"{self.page}{API}{path}",
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=_TIMEOUT_S,
        )
        assert answer.status_code == 200, answer.text
        return answer

    def wait_until_completed(self, upload_id: str) -> None:
        """Poll both families of addresses until the upload is over."""

        def is_over() -> bool:
            progress = self.get(f"/bulk/jobs/{upload_id}/progress/").json()
            job = self.get(f"/csv-jobs/{upload_id}/").json()
            assert all(isinstance(job[f"{kind}_count"], int) for kind in ("success", "failure"))
            assert progress["status"] != "FAILED", job["error_log"]
            return bool(job["status"] == "COMPLETED")

        self.processes.wait_until(
            is_over, what="the upload", timeout_s=_ENDS_WITHIN_S, poll_s=_POLL_S
        )


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
                processes=processes,
            )
        finally:
            # It has processes of its own to stop.
            dev.stop(_STOPS_WITHIN_S)


@pytest.fixture(
    scope="module", params=["sandbox", pytest.param("keycloak", marks=pytest.mark.keycloak)]
)
def dev(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """The command on a home of its own, with each kind of realm."""
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
    upload_ids = []
    for shape in Shape:
        answer = requests.post(
            f"{dev.page}{API}/bulk/upload/",
            headers={"Authorization": f"Bearer {dev.token()}"},
            files={"file": ("worklist.csv", sample_of(shape))},
            data={"provider": "uhc", "use_batch_query": "true"},
            timeout=_TIMEOUT_S,
        )
        assert answer.status_code == 201, answer.text
        upload_ids.append(answer.json()["id"])
    for upload_id in upload_ids:
        dev.wait_until_completed(upload_id)
        assert dev.get(f"/csv-jobs/{upload_id}/results/").json()["count"] >= ROWS
        content = dev.get(f"/bulk/jobs/{upload_id}/download_results/").text
        assert len(content.splitlines()) > ROWS


def sample_of(shape: Shape) -> bytes:
    command = (
        installed_command("claims-pipeline"),
        *("sandbox", "csv", "--rows", str(ROWS), "--shape", shape.value),
    )
    return subprocess.run(command, check=True, capture_output=True).stdout
