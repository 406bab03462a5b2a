"""The files that containers and clusters are made from, read without an engine and a cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from claims_pipeline.cli.database import read_practices
from claims_pipeline.cli.local.processes import installed_command
from claims_pipeline.upload_api.pages.addresses import CALLBACK
from claims_pipeline_tests.pipeline import sandbox_practices

DOCKER = Path(__file__).resolve().parents[2] / "docker"
KUBERNETES = DOCKER / "kubernetes"
COMPOSE = DOCKER / "compose.yaml"
COMPOSE_CELERY = DOCKER / "compose.celery.yaml"
KUBERNETES_VERSION = "1.31"
SCRIPTS = sorted(DOCKER.rglob("*.sh"))


class _Loader(yaml.SafeLoader):
    """Reads compose's own tags as what they stand before."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None
    ),
)


def services(*files: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, service in yaml.load(file.read_text(), _Loader)["services"].items():  # noqa: S506
            found[name] = {**found.get(name, {}), **service}
    return found


@pytest.mark.parametrize("file", sorted(DOCKER.rglob("*Dockerfile")), ids=lambda path: path.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    # Versions of Debian's packages are the base image's.
    command = (installed_command("hadolint"), "--ignore", "DL3008", str(file))
    assert subprocess.run(command, capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.parametrize("files", [[COMPOSE], [COMPOSE, COMPOSE_CELERY]], ids=["plain", "celery"])
def test_compose_takes_the_files(files: list[Path]) -> None:
    chosen = [part for file in files for part in ("--file", str(file))]
    command = (installed_command("docker-compose"), *chosen, "config", "--quiet")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("files", "told"), [([COMPOSE], {"code"}), ([COMPOSE, COMPOSE_CELERY], set())]
)
def test_a_stop_tells_the_runs_that_ask_for_themselves(files: list[Path], told: set[str]) -> None:
    chosen = [part for file in files for part in ("--file", str(file))]
    command = (installed_command("docker-compose"), *chosen, "config", "--format", "json")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["services"]
    tells_group = {
        name for name in found if "TINI_KILL_PROCESS_GROUP" in found[name].get("environment", {})
    }
    assert tells_group == told


def test_only_the_proxy_and_the_api_publish_ports() -> None:
    published = {
        name for name, service in services(COMPOSE, COMPOSE_CELERY).items() if service.get("ports")
    }
    assert published == {"proxy", "api"}


def test_every_service_has_a_healthcheck_of_its_own_a_memory_limit_and_no_rights_to_gain() -> None:
    for name, service in services(COMPOSE, COMPOSE_CELERY).items():
        assert service.get("healthcheck"), name
        assert service.get("mem_limit"), name
        if "extends" not in service:
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_what_keeps_nothing_has_a_read_only_root() -> None:
    writing = {
        name
        for name, service in services(COMPOSE, COMPOSE_CELERY).items()
        if "extends" not in service and not service.get("read_only")
    }
    # Their images write beside their volumes.
    assert writing == {"postgres", "keycloak"}


def test_the_practices_to_try_it_with_are_the_sandboxs() -> None:
    named = read_practices((DOCKER / "sandbox-practices.csv").read_bytes())
    assert list(named) == list(sandbox_practices())


def test_no_secret_stands_in_a_file_for_production() -> None:
    for file in (COMPOSE, COMPOSE_CELERY, DOCKER / "keycloak" / "production.json"):
        assert "development-only" not in file.read_text(), file.name


def test_runs_queue_alike_everywhere() -> None:
    here = yaml.safe_load((DOCKER.parent / "dagster.yaml").read_text())
    containers = yaml.safe_load((DOCKER / "dagster.yaml").read_text())
    del containers["storage"]
    assert containers == here
    values = yaml.safe_load((KUBERNETES / "dagster-values.yaml").read_text())
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == here["concurrency"]["runs"]["max_concurrent_runs"]
    assert queue["tagConcurrencyLimits"] == here["concurrency"]["runs"]["tag_concurrency_limits"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run_and_read(script: Path) -> None:
    assert os.access(script, os.X_OK)
    interpreter = script.read_text().splitlines()[0].removeprefix("#!")
    subprocess.run((interpreter, "-n", str(script)), check=True)


def test_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = (str(DOCKER / "make-secrets.sh"), str(folder), "sandbox")
    subprocess.run(command, check=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(command, check=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert folder.stat().st_mode & 0o777 == 0o700
    mounted = {
        Path(secret["file"]).name
        for file in (COMPOSE, COMPOSE_CELERY)
        for secret in yaml.load(file.read_text(), _Loader)["secrets"].values()  # noqa: S506
    }
    assert {name for name in mounted if not made.get(name)} == set()


def test_manifests_are_what_the_cluster_takes() -> None:
    manifests = list(yaml.safe_load_all((KUBERNETES / "claims.yaml").read_text()))
    assert manifests
    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)


def test_pods_run_without_rights_and_within_limits() -> None:
    for manifest in yaml.safe_load_all((KUBERNETES / "claims.yaml").read_text()):
        if manifest["kind"] not in {"Deployment", "Job"}:
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]


def test_the_sandboxs_secrets_are_refused_elsewhere(tmp_path: Path) -> None:
    script, folder = str(DOCKER / "make-secrets.sh"), str(tmp_path / "secrets")
    subprocess.run((script, folder, "sandbox"), check=True)

    again = subprocess.run((script, folder), check=False, capture_output=True, text=True)

    assert again.returncode == 1
    assert "take another folder" in again.stderr


def test_the_sandbox_shares_no_container_volume_or_secret_with_production() -> None:
    settings = dict(
        line.split("=", 1)
        for line in (DOCKER / "sandbox.env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    compose = yaml.load(COMPOSE.read_text(), _Loader)  # noqa: S506
    assert settings["COMPOSE_PROJECT_NAME"] != compose["name"]
    assert settings["CLAIMS_SECRETS"] != "./secrets"
    assert not any(compose["volumes"].values()), "a volume with a name of its own would be shared"


def test_a_realm_for_production_gives_each_client_only_what_it_needs() -> None:
    realm = json.loads((DOCKER / "keycloak" / "production.json").read_text())
    clients = {client["clientId"]: client for client in realm["clients"]}
    has_api = {
        name for name, each in clients.items() if "claims-api" in each["defaultClientScopes"]
    }
    assert has_api == {"claims-page", "claims-cli"}
    assert "claims-api" not in realm["defaultDefaultClientScopes"]
    assert clients["claims-page"]["redirectUris"] == [f"${{CLAIMS_API_URL}}{CALLBACK}"]
    assert not any("*" in uri for each in clients.values() for uri in each.get("redirectUris", ()))
    assert realm["eventsEnabled"]
    assert realm["adminEventsEnabled"]
    assert not realm["adminEventsDetailsEnabled"], "what was changed may be a person's"
    assert "length(12)" in realm["passwordPolicy"]


def test_the_package_does_without_the_sandbox_realm_that_the_image_lacks() -> None:
    script = (
        "import sys\n"
        "sys.modules['claims_pipeline.sandbox.realm'] = None\n"
        "import claims_pipeline.cli, claims_pipeline.definitions\n"
        "from claims_pipeline.sandbox import running\n"
        "from claims_pipeline.upload_api.app import create_app\n"
        "create_app()\n"
    )
    subprocess.run((sys.executable, "-c", script), check=True)
    assert "sandbox/realm" in (DOCKER / "Dockerfile").read_text()
