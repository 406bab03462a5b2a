"""A real Keycloak for tests, with the development realm, on a free port of this machine.

Its distribution is fetched once by Maven into a cache outside the repository. One server serves
every process of a test session: the first that asks starts it and stops it when the others are
done. What changes a realm gets one of its own:

    with keycloak.realm() as realm:
        token = realm.token("analyst-a")
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import requests
from keycloak import KeycloakAdmin, KeycloakOpenID

from claims_pipeline.cli.local.processes import Processes, free_port
from claims_pipeline_tests.services import skip_for_want_of

VERSION = "26.5.6"
# Of every user of the development realm.
PASSWORD = "development-only"
REALM_FILE = Path(__file__).parent.parent / "docker" / "keycloak" / "realm.json"
# Half a minute on an idle machine, and many times that on a busy one.
_START_WITHIN_S = 600.0
_FETCH_WITHIN_S = 900
_TIMEOUT_S = 60
_NAME = f"keycloak-{VERSION}"
_ADMIN = "admin"
_ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
_MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Realm:
    """A realm of the server, made from the development realm's file."""

    server_url: str
    name: str

    @property
    def url(self) -> str:
        """Where its pages and endpoints are; the `iss` of its tokens."""
        return f"{self.server_url}/realms/{self.name}"

    @property
    def admin(self) -> KeycloakAdmin:
        """What administrators may do with it."""
        return _admin(self.server_url, self.name)

    def settings(self) -> dict[str, str]:
        """Environment variables with which the API trusts this realm."""
        return {"CLAIMS_KEYCLOAK_URL": self.server_url, "CLAIMS_KEYCLOAK_REALM": self.name}

    def client(self, client_id: str, secret: str | None = None) -> KeycloakOpenID:
        """A client of the realm, as the library knows it."""
        return KeycloakOpenID(
            server_url=f"{self.server_url}/",
            realm_name=self.name,
            client_id=client_id,
            client_secret_key=secret,
            timeout=_TIMEOUT_S,
        )

    def token(self, username: str, *, scope: str = "openid profile email") -> str:
        """An access token by password, as older scripts get one."""
        answer = self.client("claims-dev").token(username, PASSWORD, scope=scope)
        token: str = answer["access_token"]
        return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Keycloak:
    """A server that is running; `url` has no slash at its end. It has the realm `claims`."""

    url: str

    @property
    def imported(self) -> Realm:
        """The realm as the server imported it from the file when it started; leave it as it is."""
        return Realm(server_url=self.url, name="claims")

    @contextmanager
    def realm(self) -> Iterator[Realm]:
        """A copy of the development realm that may be changed, and goes away."""
        realm = Realm(server_url=self.url, name=f"claims-{uuid4().hex[:8]}")
        content = REALM_FILE.read_text(encoding="utf-8")
        payload = json.loads(content.replace("default-roles-claims", f"default-roles-{realm.name}"))
        payload["realm"] = realm.name
        for organization in payload["organizations"]:
            # Ids are the server's, over all realms.
            del organization["id"]
        admin = _admin(self.url, "master")
        admin.create_realm(payload)
        try:
            yield realm
        finally:
            admin.delete_realm(realm.name)


@contextmanager
def shared_keycloak(folder: Path) -> Iterator[Keycloak]:
    """The server of all processes that name the same folder; skips where none can be had."""
    address = folder / "keycloak-address"
    with ExitStack() as owned, (folder / "keycloak-users").open("w") as users:
        is_owner = False
        with _locked(folder / "keycloak-lock"):
            if not address.exists():
                address.write_text(owned.enter_context(_running_keycloak(folder)))
                is_owner = True
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield Keycloak(url=address.read_text())
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            if is_owner:
                with _locked(folder / "keycloak-lock"):
                    # Given once the others have let go.
                    fcntl.flock(users, fcntl.LOCK_EX)
                    address.unlink()


@contextmanager
def _running_keycloak(logs: Path) -> Iterator[str]:
    if shutil.which("java") is None:
        skip_for_want_of("Keycloak (a Java runtime, 17 or newer, to run it)")
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        **os.environ,
        "KC_BOOTSTRAP_ADMIN_USERNAME": _ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        # It runs for a minute: the compiler's second look would cost more than it brings.
        "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
    }
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claims-pipeline"
    cache.mkdir(parents=True, exist_ok=True)
    with Processes(logs=logs, environment=environment) as processes:
        # It builds itself anew where it lies when it is started for the first time.
        with _locked(cache / f"{_NAME}.lock"):
            installed = _installed(cache)
            imports = installed / "data" / "import"
            imports.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REALM_FILE, imports / REALM_FILE.name)
            program = str(installed / "bin" / "kc.sh")
            listen = ("--http-host", "127.0.0.1", "--http-port", str(port))
            processes.start(
                "keycloak", [program, "start-dev", "--import-realm", "--db", "dev-mem", *listen]
            )
            processes.wait_until(
                lambda: _answers(f"{url}/realms/claims"),
                what="Keycloak",
                timeout_s=_START_WITHIN_S,
                poll_s=0.5,
            )
        yield url


def _installed(cache: Path) -> Path:
    """Where the server lies, fetched when it is not there yet."""
    installed = cache / _NAME
    if not installed.is_dir():
        if shutil.which("mvn") is None:
            skip_for_want_of("Keycloak (Maven to fetch it)")
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            command = ["mvn", "-q", "-B", _MAVEN_COPY, f"-Dartifact={_ARTIFACT}"]
            fetched = subprocess.run(
                [*command, f"-DoutputDirectory={folder}"],
                capture_output=True,
                text=True,
                timeout=_FETCH_WITHIN_S,
                check=False,
            )
            if fetched.returncode != 0:
                last_lines = " ".join(fetched.stdout.splitlines()[-3:])
                skip_for_want_of(f"Keycloak (Maven could not fetch it: {last_lines})")
            (archive,) = Path(folder).glob("*.zip")
            shutil.unpack_archive(archive, folder)
            (Path(folder) / _NAME / "bin" / "kc.sh").chmod(0o755)
            (Path(folder) / _NAME).rename(installed)
    return installed


def _admin(server_url: str, realm: str) -> KeycloakAdmin:
    return KeycloakAdmin(
        server_url=f"{server_url}/",
        username=_ADMIN,
        password=PASSWORD,
        realm_name=realm,
        user_realm_name="master",
        timeout=_TIMEOUT_S,
    )


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_TIMEOUT_S).status_code == 200
    except requests.ConnectionError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
