"""Services that tests start for themselves from the machine's programs."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import psycopg
import pytest

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
        return f"postgresql://tester@/{name}?host={self.socket}"


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
