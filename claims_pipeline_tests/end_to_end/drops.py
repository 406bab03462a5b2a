"""Files into a real stack, dropped or launched at once, and waiting for what becomes of them."""

import csv
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import yaml
from sqlalchemy import Engine, exists, select

from claims_pipeline.cli.local.home import shipped_file
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.settings import load_settings
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import open_engine, reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import NewUpload, Upload, create_upload, list_uploads
from claims_pipeline.upload_api.dagster_client import DagsterClient, Launch
from claims_pipeline_tests.pipeline import ORGANIZATION, sandbox_practices
from claims_pipeline_tests.services import PostgresqlServer, wanted_postgresql
from claims_pipeline_tests.stack import Stack, running_stack

_TIMEOUT_S = 180.0
# Nobody is writing a file of that age any more: it is taken when it is first seen.
_LONG_AGO = (0.0, 0.0)

# Short, so that tests see what else takes half a minute.
FAST = {
    "CLAIMS_HEARTBEAT_S": "1",
    "CLAIMS_LEASE_S": "5",
    "CLAIMS_DEAD_AFTER_S": "6",
    "CLAIMS_UHC_CALLS_PER_SECOND": "5000",
}


class DropStack:
    """A running stack with its watched folder and store."""

    def __init__(self, stack: Stack, engine: Engine, sandbox: Sandbox) -> None:
        self.stack = stack
        self.engine = engine
        self.sandbox = sandbox
        self._files = open_file_store(str(stack.home / "files"))
        self._dagster = DagsterClient(load_settings(dagster_settings(stack.dagster.url)))

    @property
    def inbox(self) -> Path:
        return self.stack.home / "inbox" / ORGANIZATION / "uhc"

    @property
    def outbox(self) -> Path:
        return self.stack.home / "outbox" / ORGANIZATION / "uhc"

    def drop(self, name: str, content: bytes, *, is_new: bool = False) -> None:
        """As a person's file manager copies a file: beside, with its time, then renamed."""
        self.stack.wait_until(self.inbox.is_dir, what="the watched folder")
        part = self.inbox / f"{name}.part"
        part.write_bytes(content)
        if not is_new:
            os.utime(part, times=_LONG_AGO)
        part.rename(self.inbox / name)

    def hand_in(self, name: str, content: bytes) -> Upload:
        """As if it had been dropped, but launched at once, as the upload service launches.

        A dropped file waits for two sensors: ten seconds in which nothing is tested.
        """
        upload_id = str(uuid4())
        key = f"{ORGANIZATION}/{upload_id}/upload.csv"
        stored = self._files.write(key, [content], max_bytes=len(content))
        now = datetime.now(UTC)
        new = NewUpload(
            id=upload_id,
            organization_id=ORGANIZATION,
            payer="uhc",
            source="inbox",
            file_name=name,
            file_key=key,
            file_size=stored.size,
            file_sha256=stored.sha256,
            outbox_name=f"{Path(name).stem}.{now:%Y%m%dT%H%M%SZ}-{upload_id[:8]}",
        )
        upload = create_upload(self.engine, new, now=now)
        ticket = str(uuid4())
        # A sensor that was faster has launched it.
        if attempts.issue_ticket(self.engine, upload.attempt_id, ticket=ticket, now=now):
            launched = self._dagster.launch(
                upload_id,
                ticket=ticket,
                organization_id=ORGANIZATION,
                attempt_number=upload.attempt,
            )
            assert launched is Launch.LAUNCHED
        return upload

    def wait_for_rest(self) -> None:
        """Wait until no run is under way, as tests that share a stack have to begin."""
        self.stack.wait_until(lambda: not self.stack.worker_pids(), what="all runs to end")

    def upload_named(self, name: str) -> Upload | None:
        page = list_uploads(self.engine, organization_id=ORGANIZATION, page_size=1000)
        return next((upload for upload in page.uploads if upload.file_name == name), None)

    def wait_for_taken(self, name: str) -> Upload:
        self.stack.wait_until(
            lambda: self.upload_named(name) is not None, what="the file to be taken"
        )
        upload = self.upload_named(name)
        assert upload is not None
        return upload

    def wait_for_status(self, name: str, status: UploadStatus) -> Upload:
        def is_there() -> bool:
            upload = self.upload_named(name)
            if upload is not None and upload.status.is_terminal:
                assert upload.status is status, upload.error_code
            return upload is not None and upload.status is status

        self.stack.wait_until(is_there, what=f"the upload to be {status}", timeout_s=_TIMEOUT_S)
        upload = self.upload_named(name)
        assert upload is not None
        return upload

    def wait_for_end(self, name: str) -> Upload:
        """Wait for any terminal status."""

        def has_ended() -> bool:
            upload = self.upload_named(name)
            return upload is not None and upload.status.is_terminal

        self.stack.wait_until(has_ended, what="the upload's end", timeout_s=_TIMEOUT_S)
        upload = self.upload_named(name)
        assert upload is not None
        return upload

    def wait_for_asking(self, name: str) -> Upload:
        """Wait until a query of the upload is leased: its lane is asking."""
        self.wait_for_taken(name)
        upload = self.upload_named(name)
        assert upload is not None
        leased = exists().where(
            tables.queries.c.upload_id == upload.id, tables.queries.c.state == "leased"
        )

        def is_asking() -> bool:
            with reading(self.engine) as connection:
                return bool(connection.execute(select(leased)).scalar_one())

        self.stack.wait_until(is_asking, what="a query to be asked", timeout_s=_TIMEOUT_S)
        return upload

    def wait_for_found(self, name: str, rows: int) -> Upload:
        """Wait until at least that many rows are found, so that something would be lost."""

        def has_them() -> bool:
            upload = self.upload_named(name)
            return upload is not None and upload.counts.found >= rows

        self.stack.wait_until(has_them, what=f"{rows} rows to be found", timeout_s=_TIMEOUT_S)
        upload = self.upload_named(name)
        assert upload is not None
        return upload

    def results_in_outbox(self, name: str) -> list[dict[str, str]]:
        stem = Path(name).stem

        def found() -> list[Path]:
            return list(self.outbox.glob(f"{stem}.*.results.csv"))

        self.stack.wait_until(lambda: bool(found()), what="the results in the outbox")
        [path] = found()
        return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def postgresql_settings(home: Path, server: PostgresqlServer) -> dict[str, str]:
    """Settings for a stack on `home` with two databases of the server: Dagster's and ours."""
    configuration = yaml.safe_load(shipped_file("dagster.yaml").read_text(encoding="utf-8"))
    url = server.create_database("dagster")
    configuration["storage"] = {"postgres": {"postgres_url": url}}
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return {"CLAIMS_DATABASE_URL": server.create_database("claims")}


def stack_settings(
    home: Path, sandbox: Sandbox, settings: Mapping[str, str] | None
) -> dict[str, str]:
    """Settings for a stack on `home` that asks `sandbox`, on the database that is wanted."""
    chosen = {**FAST, **sandbox.settings(), **(settings or {})}
    server = wanted_postgresql()
    if server is not None and "CLAIMS_DATABASE_URL" not in chosen:
        chosen.update(postgresql_settings(home, server))
    return chosen


def dagster_settings(url: str) -> dict[str, str]:
    """Where the upload service finds this webserver."""
    return {"CLAIMS_DAGSTER_GRAPHQL_URL": f"{url}/graphql", "CLAIMS_DAGSTER_UI_URL": url}


@contextmanager
def running_drop_stack(
    home: Path,
    sandbox: Sandbox,
    *,
    settings: Mapping[str, str] | None = None,
    code_server: bool = True,
    webserver: bool = True,
) -> Iterator[DropStack]:
    """Everything that watches a folder, asking `sandbox`."""
    chosen = stack_settings(home, sandbox, settings)
    home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(load_settings({**chosen, "CLAIMS_HOME": str(home)}).resolved_database_url)
    upgrade(engine)
    ensure_organization(engine, ORGANIZATION, "Demo", sandbox_practices())
    try:
        with running_stack(
            home, settings=chosen, code_server=code_server, webserver=webserver
        ) as stack:
            yield DropStack(stack, engine, sandbox)
    finally:
        engine.dispose()
