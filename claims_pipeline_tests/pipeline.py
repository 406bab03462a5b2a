"""The pipeline in this process: a real Dagster instance, a real store, the sandbox over HTTP."""

import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from sqlalchemy import Engine

from claims_pipeline.definitions import build_defs, defs
from claims_pipeline.model import AnsweredRow, Practice, UploadOptions
from claims_pipeline.orchestration.partitions import uploads_partitions
from claims_pipeline.orchestration.resources import PayerResource
from claims_pipeline.payers import registry
from claims_pipeline.payers.base import CallRecord, Payer
from claims_pipeline.payers.policy import CallPolicy
from claims_pipeline.payers.x12.postbox import Postbox
from claims_pipeline.sandbox.running import Sandbox
from claims_pipeline.sandbox.world.world import WorldPractice
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts.launch_tags import TICKET_TAG
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import file_store_of
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.payer_caps.shares import BreakerSettings
from claims_pipeline.store.rows import results
from claims_pipeline.store.tenants.practices import ensure_organization
from claims_pipeline.store.uploads import Upload
from claims_pipeline_tests.services import wanted_postgresql

ORGANIZATION = "demo"

# As many tries as for a real payer, in hundredths of the time. An exchange has to be longer than
# a busy machine may take for one.
HASTY = CallPolicy(
    connect_s=0.5, read_s=5.0, exchange_s=5.0, backoff_s=(0.01, 0.04, 0.16), longest_pause_s=1.0
)
HASTY_BREAKER = BreakerSettings(open_s=0.05, probe_s=10.0)


class HastyPayers(PayerResource):
    """The payers, asked by the same rules with shorter waits.

    `breaker_failures` in a row open the breaker: so many that it never does, for a test that
    counts calls which it would keep back.
    """

    breaker_failures: int = HASTY_BREAKER.failures

    def connect(
        self,
        channel: str,
        *,
        settings: Settings,
        limiter: DatabaseLimiter,
        on_call: Callable[[CallRecord], None],
        stop: threading.Event,
        correlation_id: str | None,
        postbox: Postbox | None = None,
    ) -> Payer:
        return registry.connect(
            channel,
            settings=settings,
            limiter=limiter,
            on_call=on_call,
            stop=stop,
            correlation_id=correlation_id,
            policy=HASTY,
            postbox=postbox,
        )

    def limiter(
        self, engine: Engine, *, organization_id: str, channel: str, settings: Settings
    ) -> DatabaseLimiter:
        of_channel = registry.settings_of(channel, settings)
        return DatabaseLimiter(
            engine,
            organization_id=organization_id,
            payer=channel,
            max_concurrency=registry.max_concurrency_of(channel, settings),
            calls_per_second=of_channel.calls_per_second,
            breaker=replace(HASTY_BREAKER, failures=self.breaker_failures),
        )


def hasty_definitions(payers: HastyPayers | None = None) -> dg.Definitions:
    """Everything as it is, but for how long a payer is waited for."""
    return build_defs(resource_overrides={"payers": payers or HastyPayers()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One home with its database and Dagster instance."""

    settings: Settings
    engine: Engine
    instance: dg.DagsterInstance
    sandbox: Sandbox
    definitions: dg.Definitions = defs

    def upload(
        self,
        content: bytes,
        *,
        options: UploadOptions | None = None,
        with_partition: bool = True,
        payer: str = "uhc",
    ) -> str:
        """Store a file as an upload that waits for its run; the upload's id."""
        upload_id = str(uuid4())
        key = f"{ORGANIZATION}/{upload_id}/upload.csv"
        stored = file_store_of(self.settings).write(
            key, [content], max_bytes=self.settings.max_file_bytes
        )
        new = uploads.NewUpload(
            id=upload_id,
            organization_id=ORGANIZATION,
            payer=payer,
            source="cli",
            file_name="worklist.csv",
            file_key=key,
            file_size=stored.size,
            file_sha256=stored.sha256,
            options=options or UploadOptions(),
        )
        uploads.create_upload(self.engine, new, now=datetime.now(UTC))
        if with_partition:
            self.instance.add_dynamic_partitions(str(uploads_partitions.name), [upload_id])
        return upload_id

    def run(
        self,
        upload_id: str,
        *,
        ticket: str | None = None,
        job: str = "claim_status_job",
        assets: Sequence[str] | None = None,
        raise_on_error: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Run the job for the upload, as a launch with a ticket or as one from the UI.

        `assets` alone are run where they are named, as somebody may choose in the UI.
        """
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=upload_id,
            tags={TICKET_TAG: ticket} if ticket else {},
            asset_selection=None if assets is None else [dg.AssetKey(name) for name in assets],
            raise_on_error=raise_on_error,
        )

    def ticket(self, upload_id: str) -> str:
        """A fresh ticket for the upload's latest attempt."""
        latest = attempts.latest_attempt(self.engine, upload_id)
        assert latest is not None
        ticket = str(uuid4())
        assert attempts.issue_ticket(self.engine, latest.id, ticket=ticket, now=datetime.now(UTC))
        return ticket

    def get(self, upload_id: str) -> Upload:
        """The upload as people see it."""
        upload = uploads.get_upload(self.engine, upload_id)
        assert upload is not None
        return upload

    def answers(self, upload_id: str) -> list[AnsweredRow]:
        """Every row with its answer, in the file's order."""
        return list(results.iterate_answered_rows(self.engine, upload_id))


def shown(run: dg.ExecuteInProcessResult) -> list[str]:
    """What Dagster shows as done by a run: assets materialised, and checks with their verdict."""
    return [
        *(
            event.asset_key.to_user_string()
            for event in run.all_events
            if event.is_step_materialization and event.asset_key is not None
        ),
        *(
            f"{evaluation.check_name}: {'passed' if evaluation.passed else 'failed'}"
            for evaluation in run.get_asset_check_evaluations()
        ),
    ]


def sandbox_practices() -> tuple[Practice, ...]:
    """The sandbox's practices 1, the default, and 2."""
    return tuple(
        Practice(
            practice_id=practice.practice_id,
            tin=practice.tin,
            name=practice.name,
            is_default=practice.number == 1,
            npi=practice.npi,
        )
        for practice in (WorldPractice(number=number, claims_per_day=1) for number in (1, 2))
    )


@contextmanager
def running_pipeline(
    home: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    *,
    settings: Mapping[str, str] | None = None,
    definitions: dg.Definitions = defs,
) -> Iterator[Pipeline]:
    """A pipeline on a home of its own, asking `sandbox`."""
    environment = {
        "CLAIMS_HOME": str(home),
        # The sandbox bears more than a payer would.
        "CLAIMS_UHC_CALLS_PER_SECOND": "5000",
        **sandbox.settings(),
        **(settings or {}),
    }
    storage = {}
    server = wanted_postgresql()
    if server is not None and "CLAIMS_DATABASE_URL" not in environment:
        environment["CLAIMS_DATABASE_URL"] = server.create_database("claims")
        storage = {"storage": {"postgres": {"postgres_url": server.create_database("dagster")}}}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    loaded = load_settings()
    # Making both databases anew takes as long as many a test.
    shutil.copytree(_empty_home(), home, dirs_exist_ok=True)
    engine = open_engine(loaded.resolved_database_url)
    if "CLAIMS_DATABASE_URL" in environment:
        upgrade(engine)
    ensure_organization(engine, ORGANIZATION, "Demo", sandbox_practices())
    # As many lost runs are made good as by dagster.yaml; without a daemon nobody else does.
    retries = {"run_retries": {"enabled": False, "max_retries": 2}}
    with dg.instance_for_test(
        overrides={**storage, **retries}, temp_dir=str(home / "instance")
    ) as instance:
        yield Pipeline(
            settings=loaded,
            engine=engine,
            instance=instance,
            sandbox=sandbox,
            definitions=definitions,
        )
    engine.dispose()


@functools.cache
def _empty_home() -> Path:
    """A home with our database and Dagster's, on SQLite, and nothing in them; to be copied."""
    folder = tempfile.TemporaryDirectory(prefix="claims-home-")
    atexit.register(folder.cleanup)
    home = Path(folder.name)
    engine = open_engine(f"sqlite:///{home / 'claims.sqlite'}")
    upgrade(engine)
    engine.dispose()
    (home / "instance").mkdir()
    with dg.instance_for_test(temp_dir=str(home / "instance")) as instance:
        instance.get_dynamic_partitions(str(uploads_partitions.name))
    return home
