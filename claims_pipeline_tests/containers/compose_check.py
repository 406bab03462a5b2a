"""Builds the image, brings every service up, and uses them as people do: `make compose-check`.

Needs Docker with the compose plugin. An image that cannot be pulled is replaced by a stand-in built
here (docker/stand-ins) of the same program, which takes Go for oauth2-proxy and Maven for Keycloak,
unless its variable (POSTGRES_IMAGE, REDIS_IMAGE, KEYCLOAK_IMAGE, OAUTH2_PROXY_IMAGE) names another.
Everything is removed at the end; `--keep` leaves it running.
"""

import argparse
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from claims_pipeline_tests.containers.callers import Caller, make_worklists
from claims_pipeline_tests.containers.commands import (
    CheckFailedError,
    Environment,
    compose,
    expect,
    run,
    say,
)
from claims_pipeline_tests.containers.container_kills import every_service_may_die
from claims_pipeline_tests.containers.images import ROOT, build_ours, chosen_images
from claims_pipeline_tests.containers.page_users import Visitor

PROJECT = "claims-check"
API_PORT, PROXY_PORT = 18000, 14180
API = f"http://localhost:{API_PORT}"
PROXY = f"http://localhost:{PROXY_PORT}"
ORGANIZATION = "demo"
# What services listen on inside; from outside none of it may answer.
INNER_PORTS = (3000, 4000, 5432, 6379, 8080, 8700, 9000)
ROWS = 40


def main() -> int:
    """Run the check; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the services running")
    keep = parser.parse_args().keep
    try:
        with secrets(keep=keep) as folder:
            environment = {**os.environ, **settings(folder), **chosen_images(PROJECT)}
            build_ours(environment["CLAIMS_IMAGE"])
            with services(environment, keep=keep):
                check(environment)
    except CheckFailedError as failure:
        print(f"compose-check: {failure}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def secrets(*, keep: bool) -> Iterator[Path]:
    """A folder of secrets; containers that stay need it to start again."""
    folder = Path(tempfile.mkdtemp(prefix="claims-check-"))
    try:
        run(str(ROOT / "docker" / "make-secrets.sh"), str(folder), "sandbox")
        yield folder
    finally:
        if keep:
            say(f"the secrets stay in {folder}; docker compose -p {PROJECT} down -v ends it all")
        else:
            shutil.rmtree(folder)


def settings(folder: Path) -> dict[str, str]:
    """The environment of a stack of its own, with secrets of its own."""
    return {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "COMPOSE_PATH_SEPARATOR": ":",
        "COMPOSE_FILE": f"{ROOT}/docker/compose.yaml:{ROOT}/docker/compose.celery.yaml",
        "COMPOSE_ENV_FILES": f"{ROOT}/docker/sandbox.env",
        "CLAIMS_IMAGE": f"{PROJECT}-image",
        "CLAIMS_SECRETS": str(folder),
        "CLAIMS_API_PORT": str(API_PORT),
        "CLAIMS_PROXY_PORT": str(PROXY_PORT),
        "CLAIMS_PROXY_URL": PROXY,
        "CLAIMS_API_URL": API,
    }


@contextmanager
def services(environment: Environment, *, keep: bool) -> Iterator[None]:
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


def check(environment: Environment) -> None:
    """Use the services, from outside."""
    only_two_doors_are_open(environment)
    dagster_is_behind_the_login()
    name_the_practices(environment)
    caller = Caller(API, sign_in=PROXY, username="analyst-a")
    an_upload_comes_back_answered(environment, caller)
    every_service_may_die(environment, caller)
    say("all is well")


def only_two_doors_are_open(environment: Environment) -> None:
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


def name_the_practices(environment: Environment) -> None:
    """The sandbox's practices, for the organization of the realm's people."""
    importing = ("claims-pipeline", "practices", "import", "/dev/stdin")
    practices = (ROOT / "docker" / "sandbox-practices.csv").read_text()
    compose(
        environment,
        *("exec", "--no-TTY", "code", *importing, "--organization", ORGANIZATION),
        given=practices,
    )


def an_upload_comes_back_answered(environment: Environment, caller: Caller) -> None:
    """A CSV goes in with a token, and comes back with an answer for every row."""
    anonymous = requests.get(f"{API}/api/v1/claims/csv-jobs/", timeout=60)
    expect(anonymous.status_code == 401, "the API answers without a token")
    [worklist] = make_worklists(environment, lists=1, rows=ROWS)
    upload_id = caller.upload(worklist)
    caller.wait_for_end(upload_id)
    expect(caller.outcomes(upload_id) == worklist.outcomes, "rows are answered wrongly")
    lanes = compose(environment, "logs", "--no-log-prefix", "worker", output=True)
    expect("Traceback" not in lanes, "a worker's log holds a traceback")
    say(f"{ROWS} rows came back answered")


def answers(port: int) -> bool:
    """Whether something listens on this port of the machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
