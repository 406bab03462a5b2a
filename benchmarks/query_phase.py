"""The query phase beside a bare thread pool that makes the same calls.

Ours is a whole lane: leasing, asking, matching and settling in SQLite, under the payer's shared
caps. The bare pool does nothing with its answers. The ideal is calls × latency ÷ threads.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import requests
from sqlalchemy import Engine, select

from benchmarks.stage import Stage, as_csv
from claims_pipeline import intake
from claims_pipeline.model import DetailLevel, Query, UploadOptions
from claims_pipeline.names import wire_name
from claims_pipeline.payers import registry
from claims_pipeline.querying import CallLog, Terms, drain, plan_open_groups
from claims_pipeline.sandbox.payer_calls import CLIENT_ID, CLIENT_SECRET
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples import SampleRow, Shape
from claims_pipeline.store import attempts, practices, rows, tables, uploads
from claims_pipeline.store.attempts import Hold
from claims_pipeline.store.database import open_engine, reading
from claims_pipeline.store.ledger import Ledger
from claims_pipeline.store.ledger_entries import leased_query_of
from claims_pipeline.store.limits import DatabaseLimiter

THREADS = 16
_TIMEOUT_S = 30
_PAYER = "uhc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """One drained upload: seconds it took, and search calls it made."""

    elapsed_s: float
    search_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUpload:
    """An upload whose attempt we hold as a run would."""

    stage: Stage
    engine: Engine
    hold: Hold

    def store_rows(self) -> int:
        """Intake: read, validate and store the file; gives the number of rows."""
        upload = uploads.get_upload(self.engine, self.hold.upload_id)
        if upload is None:
            raise RuntimeError("the upload is gone")
        settings = self.stage.settings
        context = intake.IntakeContext(
            practices=practices.list_practices(self.engine, self.hold.organization_id),
            payer_id=registry.default_payer_id(_PAYER, settings),
            today=today_in(settings.payer_timezone)(),
            capabilities=registry.capabilities_of(_PAYER),
            max_rows=settings.max_rows,
            max_bytes=settings.max_file_bytes,
        )
        with Path(settings.resolved_files, upload.file_key).open("rb") as stream:
            reading_ = intake.read(stream, context)
            rows.begin_rows(self.engine, self.hold, reading_.header)
            for chunk in reading_.chunks():
                rows.add_rows(self.engine, self.hold, chunk.requests, chunk.rejected)
        return rows.complete_rows(self.engine, self.hold).total

    def ask(self, *, threads: int, options: UploadOptions) -> Drained:
        """Plan, then drain; the time is the drain's."""
        settings, calls, stop = self.stage.settings, CallLog(), threading.Event()
        limiter = DatabaseLimiter(
            self.engine,
            organization_id=self.hold.organization_id,
            payer=_PAYER,
            max_concurrency=threads,
            calls_per_second=settings.uhc_calls_per_second,
        )
        terms = Terms(
            options=options,
            today=today_in(settings.payer_timezone)(),
            slack_days=settings.date_slack_days,
            threads=threads,
        )
        ledger = Ledger(
            self.engine, self.hold, lease_s=settings.lease_s, now=lambda: datetime.now(UTC)
        )
        with (
            closing(limiter),
            closing(
                registry.connect(
                    _PAYER, settings=settings, limiter=limiter, on_call=calls.add, stop=stop
                )
            ) as payer,
        ):
            plan_open_groups(ledger, payer, terms)
            began = time.perf_counter()
            drain(
                ledger,
                payer,
                terms=terms,
                calls=calls,
                stop=stop,
                on_progress=lambda: None,
            )
            elapsed_s = time.perf_counter() - began
        attempt = attempts.get_attempt(self.engine, self.hold.attempt_id)
        return Drained(elapsed_s=elapsed_s, search_calls=attempt.search_calls if attempt else 0)

    def queries(self) -> list[Query]:
        """What was asked, in the order of the plan."""
        with reading(self.engine) as connection:
            planned = connection.execute(
                select(tables.queries)
                .where(tables.queries.c.attempt_id == self.hold.attempt_id)
                .order_by(tables.queries.c.position)
            ).all()
            return [
                leased_query_of(
                    row,
                    tuple(rows.load_requests(connection, self.hold.upload_id, row.row_numbers)),
                ).query
                for row in planned
            ]


@contextmanager
def held_upload(stage: Stage, content: bytes) -> Iterator[HeldUpload]:
    """Keep a file as an upload and take its attempt."""
    with take(stage, stage.upload(content)) as held:
        yield held


@contextmanager
def take(stage: Stage, upload_id: str) -> Iterator[HeldUpload]:
    """Take the attempt of an upload as a run would."""
    engine = open_engine(stage.settings.resolved_database_url)
    try:
        hold = attempts.take(
            engine,
            upload_id,
            str(uuid4()),
            ticket=None,
            has_parent=False,
            run_has_ended=lambda _: False,
            dead_after_s=stage.settings.dead_after_s,
            dead_between_steps_s=stage.settings.dead_between_steps_s,
            now=datetime.now(UTC),
        )
        if hold is None:
            raise RuntimeError("the attempt could not be taken")
        yield HeldUpload(stage=stage, engine=engine, hold=hold)
    finally:
        engine.dispose()


def singles_drained(
    stage: Stage, sample: Sequence[SampleRow], *, threads: int = THREADS
) -> tuple[Drained, list[Query]]:
    """Ask the rows one patient at a time, as our lane does."""
    options = UploadOptions(use_batch_query=False, detail_level=DetailLevel.SUMMARY)
    with held_upload(stage, as_csv(sample, Shape.PATIENTS)) as held:
        held.store_rows()
        drained = held.ask(threads=threads, options=options)
        return drained, held.queries()


class BarePool:
    """A thread pool with a `requests` session for each thread, and nothing else."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._url = f"{sandbox.url}/Claims/api/claim/summary/byprovider/v2.0"
        self._token = ""
        self._sessions = threading.local()

    def log_in(self) -> None:
        """Fetch the token, a call more."""
        self._token = _token(self._sandbox)

    def ask(self, queries: Sequence[Query], *, threads: int = THREADS) -> float:
        """Log in and make one call for each query; gives the seconds it took."""
        began = time.perf_counter()
        self.log_in()
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(self.call, queries):
                pass
        return time.perf_counter() - began

    def call(self, query: Query) -> int:
        """Make the call of a single; gives its HTTP status."""
        session = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
        headers = {"Authorization": f"Bearer {self._token}", **_headers(query)}
        reply = session.get(self._url, headers=headers, timeout=_TIMEOUT_S)
        reply.json()
        return int(reply.status_code)


def _token(sandbox: Sandbox) -> str:
    reply = requests.post(
        f"{sandbox.url}/v1/oauthtoken",
        data={
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        },
        timeout=_TIMEOUT_S,
    )
    reply.raise_for_status()
    return str(reply.json()["access_token"])


def _headers(query: Query) -> dict[str, str]:
    if query.patient is None:
        raise ValueError("only singles are compared")
    return {
        "Accept": "application/json",
        "getStandardError": "true",
        "tin": query.tin,
        "payerId": query.payer_id,
        "firstServiceDt": f"{query.window.first:%m/%d/%Y}",
        "lastServiceDt": f"{query.window.last:%m/%d/%Y}",
        "ptntFn": wire_name(query.patient.first_name),
        "ptntLn": wire_name(query.patient.last_name),
        "ptntDob": f"{query.patient.date_of_birth:%m/%d/%Y}",
    }
