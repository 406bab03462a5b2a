"""Builds the image, brings every service up, and uses them as people do: `make compose-check`.

Needs Docker with the compose plugin. An image that cannot be pulled is replaced by a stand-in built
here from Debian's packages (docker/stand-ins), unless its variable (POSTGRES_IMAGE, REDIS_IMAGE,
KEYCLOAK_IMAGE, OAUTH2_PROXY_IMAGE) names another. Everything is removed at the end; `--keep`
leaves it running.
"""

import argparse
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

from claims_pipeline_tests.containers.visitors import Visitor, access_token

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = ROOT / "docker" / "stand-ins"
PROJECT = "claims-check"
API_PORT, PROXY_PORT = 18000, 14180
API = f"http://localhost:{API_PORT}"
PROXY = f"http://localhost:{PROXY_PORT}"
ORGANIZATION = "demo"
# What services listen on inside; from outside none of it may answer.
INNER_PORTS = (3000, 4000, 5432, 6379, 8080, 8700, 9000)
KEYCLOAK_VERSION = "26.5.6"
ROWS = 40
IMAGES = {
    "POSTGRES_IMAGE": ("postgres:16-bookworm", "postgres"),
    "REDIS_IMAGE": ("redis:7-bookworm", "redis"),
    "KEYCLOAK_IMAGE": ("quay.io/keycloak/keycloak:26.5", "keycloak"),
    "OAUTH2_PROXY_IMAGE": ("quay.io/oauth2-proxy/oauth2-proxy:v7.12.0-alpine", "proxy"),
}


class CheckFailedError(Exception):
    """The check found something that is not as it should be."""


def main() -> int:
    """Run the check; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the services running")
    keep = parser.parse_args().keep
    try:
        with tempfile.TemporaryDirectory(prefix="claims-check-") as folder:
            environment = {**os.environ, **settings(Path(folder)), **chosen_images()}
            build_image(environment)
            with services(environment, keep=keep):
                check(environment)
    except CheckFailedError as failure:
        print(f"compose-check: {failure}", file=sys.stderr)
        return 1
    return 0


def settings(folder: Path) -> dict[str, str]:
    """The environment of a stack of its own, with secrets of its own."""
    secrets = folder / "secrets"
    subprocess.run([ROOT / "docker" / "make-secrets.sh", secrets, "sandbox"], check=True)
    return {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "COMPOSE_PATH_SEPARATOR": ":",
        "COMPOSE_FILE": f"{ROOT}/docker/compose.yaml:{ROOT}/docker/compose.celery.yaml",
        "COMPOSE_ENV_FILES": f"{ROOT}/docker/sandbox.env",
        "CLAIMS_IMAGE": f"{PROJECT}-image",
        "CLAIMS_SECRETS": str(secrets),
        "CLAIMS_API_PORT": str(API_PORT),
        "CLAIMS_PROXY_PORT": str(PROXY_PORT),
        "CLAIMS_PROXY_URL": PROXY,
        "CLAIMS_API_URL": API,
    }


def chosen_images() -> dict[str, str]:
    """The others' images: as named, as pulled, or as built here."""
    return {
        variable: os.environ.get(variable) or pulled(image) or built_stand_in(name)
        for variable, (image, name) in IMAGES.items()
    }


def pulled(image: str) -> str | None:
    """The image, if it is here or can be had."""
    if succeeds("docker", "image", "inspect", image) or succeeds("docker", "pull", "-q", image):
        return image
    return None


def built_stand_in(name: str) -> str:
    """A stand-in's tag, built unless it is here already."""
    tag = f"{PROJECT}-{name}"
    if succeeds("docker", "image", "inspect", tag):
        return tag
    say(f"building a stand-in: {name}")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        shutil.copytree(STAND_INS, context)
        if name == "keycloak":
            fetch_keycloak(context / "keycloak.zip")
        build(tag, context / f"{name}.Dockerfile", context)
    return tag


def fetch_keycloak(target: Path) -> None:
    """Keycloak's distribution, from Maven's repository."""
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "claims-pipeline"
    name = f"keycloak-quarkus-dist-{KEYCLOAK_VERSION}.zip"
    if not (kept / name).is_file():
        artifact = f"org.keycloak:keycloak-quarkus-dist:{KEYCLOAK_VERSION}:zip"
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
        run("mvn", "-q", "-B", goal, f"-Dartifact={artifact}", f"-DoutputDirectory={kept}")
    shutil.copyfile(kept / name, target)


def build_image(environment: Mapping[str, str]) -> None:
    """Our own image."""
    say("building the image")
    build(environment["CLAIMS_IMAGE"], ROOT / "docker" / "Dockerfile", ROOT)


def build(tag: str, dockerfile: Path, context: Path) -> None:
    """Build on the host's network: an engine without firewall rules gives a build no other."""
    base = os.environ.get("BASE_IMAGE", "python:3.11-slim")
    command = ["docker", "build", "-q", "--network", "host", "--build-arg", f"BASE_IMAGE={base}"]
    run(*command, "-t", tag, "-f", str(dockerfile), str(context))


@contextmanager
def services(environment: Mapping[str, str], *, keep: bool) -> Iterator[None]:
    """Everything up and well; down again at the end, with what it kept."""
    say("starting the services")
    try:
        try:
            compose(environment, "up", "--detach", "--no-build", "--wait", "--wait-timeout", "900")
            yield
        except (CheckFailedError, requests.RequestException, AssertionError) as error:
            compose(environment, "ps", "--all")
            compose(environment, "logs", "--tail", "30")
            raise CheckFailedError(f"{type(error).__name__}: {error}") from error
    finally:
        if not keep:
            began = time.monotonic()
            compose(environment, "down", "--volumes", "--timeout", "60")
            say(f"stopped in {time.monotonic() - began:.0f} s")


def check(environment: Mapping[str, str]) -> None:
    """Use the services, from outside."""
    only_two_doors_are_open(environment)
    dagster_is_behind_the_login()
    name_the_practices(environment)
    an_upload_comes_back_answered(environment)
    say("all is well")


def only_two_doors_are_open(environment: Mapping[str, str]) -> None:
    """No port but the proxy's and the API's is published, and no other answers."""
    listed = compose(environment, "ps", "--format", "json", output=True).splitlines()
    published = {
        (service["Service"], door["PublishedPort"])
        for service in map(json.loads, listed)
        for door in service["Publishers"] or ()
        if door["PublishedPort"]
    }
    expect(published == {("api", API_PORT), ("proxy", PROXY_PORT)}, f"published: {published}")
    answering = [port for port in INNER_PORTS if answers(port)]
    expect(not answering, f"ports of the inside answer: {answering}")
    say("only the proxy and the API are open")


def dagster_is_behind_the_login() -> None:
    """Nobody but an operator gets an answer of Dagster's."""
    query = {"query": "{ version }"}
    anonymous = requests.post(f"{PROXY}/graphql", json=query, timeout=60, allow_redirects=False)
    expect(anonymous.status_code in {302, 401, 403}, "GraphQL answers without a login")
    expect("version" not in anonymous.text, "GraphQL tells its version without a login")
    for path in ("/", "/runs", "/server_info", "/admin/", "/realms/master/"):
        answer = requests.get(f"{PROXY}{path}", timeout=60, allow_redirects=False)
        expect(answer.status_code != 200, f"{path} answers without a login")
    analyst = Visitor("analyst-a")
    expect(analyst.sign_in(PROXY) in {401, 403}, "somebody who is no operator gets in")
    operator = Visitor("operator-a")
    expect(operator.sign_in(PROXY) == 200, "an operator does not get in")
    answer = operator.session.post(f"{PROXY}/graphql", json=query, timeout=60)
    expect("version" in answer.json()["data"], "GraphQL does not answer an operator")
    say("Dagster is behind the login")


def name_the_practices(environment: Mapping[str, str]) -> None:
    """The sandbox's practices, for the organization of the realm's people."""
    script = """
import json, urllib.request
world = json.load(urllib.request.urlopen("http://sandbox:8700/sandbox/world", timeout=60))
print("practice_id,tin,name,is_default")
for number, one in enumerate(world["practices"][:2]):
    print(one["id"], one["tin"], one["name"], "yes" if number == 0 else "no", sep=",")
"""
    shell = f"python -c '{script}' >/tmp/practices.csv && claims-pipeline practices import"
    compose(
        environment,
        *("exec", "--no-TTY", "code", "sh", "-ec"),
        f"{shell} /tmp/practices.csv --organization {ORGANIZATION}",
    )


def an_upload_comes_back_answered(environment: Mapping[str, str]) -> None:
    """A CSV goes in with a token, and comes back with an answer for every row."""
    command = ("claims-pipeline", "sandbox", "csv", f"--rows={ROWS}", "--shape=claims", "--seed=7")
    sample = compose(environment, "exec", "--no-TTY", "sandbox", *command, output=True)
    expect(
        requests.get(f"{API}/api/v1/claims/csv-jobs/", timeout=60).status_code == 401,
        "the API answers without a token",
    )
    answer = requests.post(
        f"{API}/api/v1/claims/bulk/upload/",
        headers=bearer(),
        files={"file": ("worklist.csv", sample.encode(), "text/csv")},
        timeout=60,
    )
    expect(answer.status_code == 201, f"the upload is answered {answer.status_code}")
    job = f"{API}/api/v1/claims/csv-jobs/{answer.json()['id']}"
    began = time.monotonic()
    while (status := requests.get(f"{job}/", headers=bearer(), timeout=60).json())["status"] in {
        "PENDING",
        "PROCESSING",
    }:
        expect(time.monotonic() - began < 1800, f"the upload is still {status['status']}")
        time.sleep(5)
    expect(status["status"] == "COMPLETED", f"the upload ended {status['status']}")
    results = requests.get(f"{job}/download_results/", headers=bearer(), timeout=60)
    lines = list(csv.DictReader(io.StringIO(results.content.decode("utf-8-sig"))))
    answered = [line for line in lines if line["primary"] == "Y"]
    expect(len(answered) == ROWS, f"{len(answered)} of {ROWS} rows came back")
    expect(any(line["outcome"] == "found" for line in answered), "nothing was found")
    lanes = compose(environment, "logs", "--no-log-prefix", "worker", output=True)
    expect("Traceback" not in lanes, "a worker's log holds a traceback")
    say(f"{ROWS} rows came back answered")


def bearer() -> dict[str, str]:
    """A header with a fresh token: they are good for five minutes."""
    return {"Authorization": f"Bearer {access_token(PROXY, 'analyst-a')}"}


def answers(port: int) -> bool:
    """Whether something listens on this port of the machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def compose(environment: Mapping[str, str], *arguments: str, output: bool = False) -> str:
    """Run `docker compose`; its standard output when asked for."""
    return run("docker", "compose", *arguments, environment=environment, output=output)


def run(*command: str, environment: Mapping[str, str] | None = None, output: bool = False) -> str:
    """Run a command that has to succeed."""
    done = subprocess.run(
        command,
        env=environment,
        text=True,
        stdout=subprocess.PIPE if output else None,
        check=False,
    )
    if done.returncode:
        raise CheckFailedError(f"{' '.join(command[:4])} ended with {done.returncode}")
    return done.stdout or ""


def succeeds(*command: str) -> bool:
    """Whether a command succeeds; its output is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def expect(is_so: bool, otherwise: str) -> None:
    """Fail with a sentence unless it is so."""
    if not is_so:
        raise CheckFailedError(otherwise)


def say(what: str) -> None:
    """Tell how far the check is."""
    print(f"compose-check: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
