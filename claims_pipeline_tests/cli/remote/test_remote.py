"""The commands that speak to the upload service, against a real API."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims_pipeline.cli.local.processes import free_port
from claims_pipeline.model import Outcome, UploadStatus
from claims_pipeline.sandbox.realm.directory import REALM
from claims_pipeline.sandbox.realm.running import running_realm
from claims_pipeline.store import attempts
from claims_pipeline_tests.cli.conftest import Command
from claims_pipeline_tests.cli.remote.sign_in_server import (
    SECRET,
    SignInServer,
    running_sign_in_server,
)
from claims_pipeline_tests.store.builders import NOW, Runs, answer, make_result, store_rows
from claims_pipeline_tests.upload_api.api import Api, running_api
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer, running_issuer

CSV = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
NAME = "QUORLYXA worklist.csv"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("home") / "home", issuer) as running:
        yield running


@pytest.fixture
def sign_in_server(
    home: Path, tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SignInServer]:
    del home
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with running_sign_in_server(issuer) as running:
        for name, value in running.settings().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def service(api: Api, sign_in_server: SignInServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API as the commands are told of it, to sign in at as a program."""
    del sign_in_server
    monkeypatch.setenv("CLAIMS_API_URL", api.url)
    monkeypatch.setenv("CLAIMS_CLI_CLIENT_SECRET", SECRET)
    return api


def worklist(folder: Path, content: bytes = CSV) -> Path:
    path = folder / NAME
    path.write_bytes(content)
    return path


def completed_upload(api: Api, *, failed: bool = False) -> str:
    """An upload of one row that has been asked."""
    upload = api.add_upload(CSV)
    hold = Runs(engine=api.engine, upload_id=upload.id).held()
    store_rows(api.engine, hold, accepted=1)
    answer(api.engine, hold, make_result(1, Outcome.FAILED if failed else Outcome.FOUND))
    assert attempts.finish(
        api.engine, upload.id, UploadStatus.COMPLETED, attempt_id=hold.attempt_id, now=NOW
    )
    return upload.id


def test_a_file_is_handed_in_and_followed(tmp_path: Path, service: Api, command: Command) -> None:
    handed_in = command("upload", worklist(tmp_path), "--json", "--start-date", "2026-01-02")
    assert handed_in.exit_code == 0, handed_in.stderr
    found = json.loads(handed_in.stdout)
    assert found["status"] == "PENDING"
    assert found["counts"]["total"] == 1
    assert NAME not in handed_in.stdout + handed_in.stderr
    kept = service.get(
        f"/api/v1/claims/csv-jobs/{found['upload_id']}",
        token=service.issuer.token(roles=["claims-operator"]),
    ).json()
    assert kept["filename"] == NAME

    status = command("status", found["upload_id"], "--json")
    assert json.loads(status.stdout) == found
    assert command("cancel", found["upload_id"]).stdout.strip() == "CANCELLED"
    ended = command("watch", found["upload_id"])
    assert ended.exit_code == 1
    assert "CANCELLED" in ended.stdout


def test_exit_codes_of_watching_are_those_of_run(service: Api, command: Command) -> None:
    complete = command("watch", completed_upload(service), "--json")
    assert complete.exit_code == 0
    assert json.loads(complete.stdout)["counts"]["found"] == 1
    assert command("watch", completed_upload(service, failed=True)).exit_code == 1


def test_a_retry_is_a_new_attempt(service: Api, command: Command) -> None:
    upload_id = completed_upload(service, failed=True)
    assert command("retry", upload_id, "--scope", "failed").exit_code == 0
    assert json.loads(command("status", upload_id, "--json").stdout)["attempt"] == 2
    again = command("retry", upload_id)
    assert again.exit_code == 1
    assert "[still_running]" in again.stderr


def test_results_are_for_their_owner_only(tmp_path: Path, service: Api, command: Command) -> None:
    upload_id = completed_upload(service)

    fetched = command("download", upload_id)

    assert fetched.exit_code == 0, fetched.stderr
    path = tmp_path / f"{upload_id}.results.csv"
    assert fetched.stdout.strip() == path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "outcome" in path.read_text(encoding="utf-8-sig")
    again = command("download", upload_id)
    assert (again.exit_code, "[file_exists]" in again.stderr) == (1, True)
    workbook = tmp_path / "workbook.xlsx"
    assert command("download", upload_id, "--format", "xlsx", "--output", workbook).exit_code == 0
    assert workbook.read_bytes().startswith(b"PK")
    rejected = json.loads(command("download", upload_id, "--format", "rejected", "--json").stdout)
    assert Path(rejected["path"]).is_file()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.usefixtures("service")
def test_a_file_that_is_refused_ends_with_2(tmp_path: Path, command: Command) -> None:
    outcome = command("upload", worklist(tmp_path, b"claim_number\n"))
    assert outcome.exit_code == 2
    assert "Traceback" not in outcome.stderr
    assert NAME not in outcome.stderr
    assert command("upload", tmp_path / "QUORLYXA.csv").exit_code == 2


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("upload_id", ["../audit", "0" * 8])
def test_an_id_that_is_none_is_unknown(command: Command, upload_id: str) -> None:
    outcome = command("status", upload_id)
    assert outcome.exit_code == 1
    assert "[upload_unknown]" in outcome.stderr


@pytest.mark.usefixtures("service")
def test_a_service_that_is_away_is_said_in_a_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claims_pipeline.cli.remote.upload_service._PAUSES_S", (0.0,))
    outcome = command("status", "0" * 8, "--api", f"http://127.0.0.1:{free_port()}")
    assert outcome.exit_code == 1
    assert outcome.stderr.strip().endswith("[api_unreachable]")


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("variable", ["CLAIMS_API_URL", "CLAIMS_KEYCLOAK_URL"])
def test_no_token_is_sent_in_the_clear(
    command: Command, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://api.example.org")
    outcome = command("status", "0" * 8)
    assert outcome.exit_code == 1
    assert f"{variable} must be https" in outcome.stderr


@pytest.mark.usefixtures("sign_in_server")
def test_handing_in_needs_a_service(tmp_path: Path, command: Command) -> None:
    outcome = command("upload", worklist(tmp_path))
    assert (outcome.exit_code, "[api_missing]" in outcome.stderr) == (1, True)


def test_a_wrong_secret_is_said(
    service: Api, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_CLI_CLIENT_SECRET", "wrong")
    outcome = command("status", completed_upload(service))
    assert (outcome.exit_code, "[client_refused]" in outcome.stderr) == (1, True)
    assert "wrong" not in outcome.stderr


def test_a_person_signs_in_once(
    tmp_path: Path,
    service: Api,
    sign_in_server: SignInServer,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLAIMS_CLI_CLIENT_SECRET")
    device = "urn:ietf:params:oauth:grant-type:device_code"
    upload_id = completed_upload(service)
    sign_in_server.refusals = ["authorization_pending"]

    first = command("status", upload_id)
    assert first.exit_code == 0, first.stderr
    assert "user_code=WXYZ" in first.stderr
    assert sign_in_server.asked == [device, device]

    second = command("status", upload_id)
    assert (second.exit_code, second.stderr) == (0, "")
    assert sign_in_server.asked == [device, device]
    kept = tmp_path / "state" / "claims-pipeline" / "token.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_the_address_of_the_sign_in_stands_on_a_line_of_its_own(
    service: Api, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAIMS_CLI_CLIENT_SECRET")
    shown = command("status", completed_upload(service)).stderr.splitlines()
    assert sum(line.startswith("http") and " " not in line for line in shown) == 1


def test_the_services_address_alone_is_enough_to_sign_in(
    tmp_path: Path, issuer: Issuer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running_realm() as realm,
        running_api(tmp_path / "api", issuer, settings=realm.settings()) as api,
    ):
        monkeypatch.setenv("CLAIMS_API_URL", api.url)
        monkeypatch.setenv("CLAIMS_CLI_CLIENT_ID", "claims-service")
        monkeypatch.setenv("CLAIMS_CLI_CLIENT_SECRET", "development-only-service-secret")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

        listed = command("list", "--json")

        told = api.get("/.well-known/oauth-protected-resource", token=None).json()
    assert (listed.exit_code, json.loads(listed.stdout)) == (0, {"uploads": []})
    assert told["authorization_servers"] == [f"{realm.url}/realms/{REALM}"]


@pytest.mark.usefixtures("sign_in_server")
def test_a_service_that_names_no_realm_is_said(
    command: Command, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAIMS_KEYCLOAK_URL")
    with running_api(tmp_path / "api", issuer) as api:
        monkeypatch.setenv("CLAIMS_API_URL", api.url)
        issuer.stop()
        try:
            away = command("list")
        finally:
            issuer.start()
    assert (away.exit_code, "[identity_unavailable]" in away.stderr) == (1, True)


def test_uploads_are_listed_newest_first_and_meant_by_eight_digits(
    tmp_path: Path, service: Api, command: Command
) -> None:
    older = json.loads(command("upload", worklist(tmp_path), "--json").stdout)["upload_id"]
    newer = completed_upload(service)

    shown = command("list", "--limit", "2").stdout
    listed = json.loads(command("list", "--json", "--limit", "2").stdout)["uploads"]

    assert [each["upload_id"] for each in listed] == [newer, older]
    assert shown.index(newer[:8]) < shown.index(older[:8])
    assert NAME.partition(" ")[0] in shown
    by_prefix = command("status", newer[:8].upper(), "--json")
    assert json.loads(by_prefix.stdout)["upload_id"] == newer


def test_a_user_of_several_organizations_names_one(
    service: Api, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAIMS_CLI_CLIENT_SECRET")
    upload_id = completed_upload(service)
    assert command("status", upload_id).exit_code == 0
    elsewhere = command("status", upload_id, "--organization", "other")
    assert "user_code=WXYZ" in elsewhere.stderr
    assert "[upload_unknown]" in elsewhere.stderr


def test_an_old_token_is_renewed_and_an_ended_session_begins_anew(
    service: Api,
    sign_in_server: SignInServer,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLAIMS_CLI_CLIENT_SECRET")
    upload_id = completed_upload(service)
    sign_in_server.lifetime_s = 5
    assert command("status", upload_id).exit_code == 0
    assert command("status", upload_id).exit_code == 0
    assert sign_in_server.asked[1:] == ["refresh_token"]

    sign_in_server.refusals = ["invalid_grant"]
    again = command("status", upload_id)
    assert again.exit_code == 0
    assert "user_code=WXYZ" in again.stderr


def test_a_sign_in_that_is_refused_ends_the_command(
    service: Api,
    sign_in_server: SignInServer,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLAIMS_CLI_CLIENT_SECRET")
    sign_in_server.refusals = ["access_denied"]
    outcome = command("status", completed_upload(service))
    assert (outcome.exit_code, "[sign_in_refused]" in outcome.stderr) == (1, True)
    assert not (Path(os.environ["XDG_STATE_HOME"]) / "claims-pipeline").exists()
