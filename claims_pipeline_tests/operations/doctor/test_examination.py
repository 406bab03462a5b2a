"""The doctor finds what is wrong, names it, and shows no secret."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from claims_pipeline.cli.local.home import prepare_home
from claims_pipeline.operations.doctor import Finding, State, examine
from claims_pipeline.sandbox.running import Sandbox, running_sandbox
from claims_pipeline.settings import load_settings
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.migrating import upgrade
from claims_pipeline_tests.services import ObjectStorage, PostgresqlServer

_PAYER = {
    "CLAIMS_UHC_API_URL": "https://payer.example/api",
    "CLAIMS_UHC_TOKEN_URL": "https://payer.example/token",
    "CLAIMS_UHC_CLIENT_ID": "client",
    "CLAIMS_UHC_CLIENT_SECRET": "client-secret",
}


class Patient:
    """An installation to be looked at."""

    def __init__(self, home: Path) -> None:
        self.environment = {"CLAIMS_HOME": str(home), **_PAYER}
        settings = load_settings(self.environment)
        prepare_home(settings)
        for path in (settings.resolved_inbox, settings.resolved_outbox):
            path.mkdir(mode=0o770)
        engine = open_engine(settings.resolved_database_url)
        upgrade(engine)
        engine.dispose()
        self.home = home

    def findings(self, *, ask_payers: bool = False, **changes: str) -> list[Finding]:
        environment = {**self.environment, **changes}
        found = list(examine(load_settings(environment), environment, ask_payers=ask_payers))
        assert "client-secret" not in repr(found)
        return found

    def complaints(self, *, ask_payers: bool = False, **changes: str) -> dict[str, State]:
        """What is not as it should be; that nobody is told of failures goes without saying."""
        found = self.findings(ask_payers=ask_payers, **changes)
        return {
            each.subject: each.state
            for each in found
            if each.state is not State.OK and each.subject not in {"alerts", "disk"}
        }


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path / "home")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox(seed=7) as sandbox:
        yield sandbox


def test_a_healthy_installation_has_nothing_to_complain_of(patient: Patient) -> None:
    assert patient.complaints() == {"files": State.WARNING}  # Made when first needed.
    assert patient.complaints() == {}
    subjects = {finding.subject for finding in patient.findings()}
    assert {"environment", "home", "inbox", "outbox", "file store", "database"} <= subjects


def test_a_folder_open_to_others_is_named(patient: Patient) -> None:
    (patient.home / "inbox").chmod(0o775)
    assert patient.complaints()["inbox"] is State.FAILED


def test_a_file_in_the_place_of_a_folder_is_named(patient: Patient) -> None:
    (patient.home / "outbox").rmdir()
    (patient.home / "outbox").touch()
    assert patient.complaints()["outbox"] is State.FAILED


def test_a_secret_that_others_can_read_is_named(patient: Patient, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("client-secret")
    name = "CLAIMS_UHC_CLIENT_SECRET_FILE"
    secret.chmod(0o644)
    assert patient.complaints(**{name: str(secret)})[name] is State.WARNING
    secret.chmod(0o600)
    assert name not in patient.complaints(**{name: str(secret)})


def test_missing_settings_of_a_payer_are_named(patient: Patient) -> None:
    [finding] = [
        each for each in patient.findings(CLAIMS_UHC_CLIENT_ID="") if each.subject == "payer uhc"
    ]
    assert finding.state is State.FAILED
    assert "CLAIMS_UHC_CLIENT_ID" in finding.message


def test_a_database_without_our_schema_is_named(patient: Patient, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    assert patient.complaints(CLAIMS_DATABASE_URL=url)["database"] is State.FAILED


def test_a_database_that_is_away_is_named(patient: Patient) -> None:
    url = f"postgresql://user:{_PAYER['CLAIMS_UHC_CLIENT_SECRET']}@127.0.0.1:1/claims"
    assert patient.complaints(CLAIMS_DATABASE_URL=url)["database"] is State.FAILED


@pytest.mark.postgres
def test_a_superuser_is_warned_of(patient: Patient, postgresql: PostgresqlServer) -> None:
    url = postgresql.create_database("doctor")
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    assert patient.complaints(CLAIMS_DATABASE_URL=url)["database"] is State.WARNING


def test_sqlite_in_production_is_warned_of(patient: Patient) -> None:
    assert patient.complaints(CLAIMS_ENVIRONMENT="production")["database"] is State.WARNING


def test_an_object_storage_is_tried_and_its_plain_address_warned_of(
    patient: Patient, object_storage: ObjectStorage
) -> None:
    settings = object_storage.settings(f"test/{uuid4()}")
    assert patient.complaints(**settings)["file store"] is State.WARNING
    settings["CLAIMS_S3_SECRET_ACCESS_KEY"] = "wrong"
    assert patient.complaints(**settings)["file store"] is State.FAILED


def test_a_sandbox_is_warned_of_and_refused_in_production(
    patient: Patient, sandbox: Sandbox
) -> None:
    assert patient.complaints(**sandbox.settings())["payer uhc"] is State.WARNING
    production = {**sandbox.settings(), "CLAIMS_ENVIRONMENT": "production"}
    assert patient.complaints(**production)["payer uhc"] is State.FAILED


def test_a_payer_is_asked_for_a_token_and_nothing_else(patient: Patient, sandbox: Sandbox) -> None:
    complaints = patient.complaints(ask_payers=True, **sandbox.settings())
    assert "token of uhc" not in complaints
    assert {kind for kind, count in sandbox.calls().items() if count} == {"token"}


def test_refused_credentials_are_named(patient: Patient, sandbox: Sandbox) -> None:
    wrong = {**sandbox.settings(), "CLAIMS_UHC_CLIENT_SECRET": "wrong"}
    assert patient.complaints(ask_payers=True, **wrong)["token of uhc"] is State.FAILED


def test_a_receiver_of_alerts_without_a_key_is_named(patient: Patient) -> None:
    found = patient.findings(CLAIMS_ALERT_WEBHOOK_URL="https://alerts.example/")
    [finding] = [each for each in found if each.subject == "alerts"]
    assert finding.state is State.FAILED


@pytest.mark.parametrize(("age_s", "state"), [(5, State.OK), (600, State.FAILED)])
def test_a_file_that_waits_for_long_is_told_of_without_its_name(
    patient: Patient, age_s: float, state: State
) -> None:
    folder = load_settings(patient.environment).resolved_inbox / "demo" / "uhc"
    folder.mkdir(parents=True, mode=0o770)
    path = folder / "MARKERNAME.csv"
    path.write_bytes(b"x")
    at = time.time() - age_s
    os.utime(path, (at, at))

    found = patient.findings()

    [finding] = [each for each in found if each.subject == "waiting files"]
    assert finding.state is state
    assert "MARKERNAME" not in repr(found)
