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

import requests
from sqlalchemy import select

from benchmarks.held import PAYER, HeldUpload, take
from benchmarks.stage import Stage, as_csv
from claims_pipeline.model import DetailLevel, Query, UploadOptions
from claims_pipeline.names import wire_name
from claims_pipeline.payers import registry
from claims_pipeline.planning import Terms
from claims_pipeline.querying import CallLog, drain, plan_open_groups
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import SampleRow, Shape
from claims_pipeline.sandbox.uhc.payer_calls import CLIENT_ID, CLIENT_SECRET
from claims_pipeline.store import attempts, tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.ledger.entries import leased_query_of
from claims_pipeline.store.ledger.ledger import Ledger
from claims_pipeline.store.payer_caps.limiter import DatabaseLimiter
from claims_pipeline.store.rows import stored

THREADS = 16
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """One drained upload: seconds it took, and search calls it made."""

    elapsed_s: float
    search_calls: int


@contextmanager
def held_upload(stage: Stage, content: bytes) -> Iterator[HeldUpload]:
    """Keep a file as an upload and take its attempt."""
    with take(stage.settings, stage.upload(content)) as held:
        yield held


def ask(held: HeldUpload, *, threads: int, options: UploadOptions) -> Drained:
    """Plan, then drain; the time is the drain's."""
    settings, calls, stop = held.settings, CallLog(), threading.Event()
    limiter = DatabaseLimiter(
        held.engine,
        organization_id=held.hold.organization_id,
        payer=PAYER,
        max_concurrency=threads,
        calls_per_second=settings.uhc.calls_per_second,
    )
    terms = Terms(
        capabilities=registry.capabilities_of(PAYER),
        options=options,
        today=today_in(settings.payer_timezone)(),
        slack_days=settings.date_slack_days,
        threads=threads,
    )
    ledger = Ledger(held.engine, held.hold, lease_s=settings.lease_s, now=lambda: datetime.now(UTC))
    with (
        closing(limiter),
        closing(
            registry.connect(
                PAYER, settings=settings, limiter=limiter, on_call=calls.add, stop=stop
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
    attempt = attempts.get_attempt(held.engine, held.hold.attempt_id)
    return Drained(elapsed_s=elapsed_s, search_calls=attempt.search_calls if attempt else 0)


def queries_of(held: HeldUpload) -> list[Query]:
    """What was asked, in the order of the plan."""
    with reading(held.engine) as connection:
        planned = connection.execute(
            select(tables.queries)
            .where(tables.queries.c.attempt_id == held.hold.attempt_id)
            .order_by(tables.queries.c.position)
        ).all()
        return [
            leased_query_of(
                row,
                tuple(stored.load_requests(connection, held.hold.upload_id, row.row_numbers)),
            ).query
            for row in planned
        ]


def singles_drained(
    stage: Stage, sample: Sequence[SampleRow], *, threads: int = THREADS
) -> tuple[Drained, list[Query]]:
    """Ask the rows one patient at a time, as our lane does."""
    options = UploadOptions(use_sweeps=False, detail_level=DetailLevel.SUMMARY)
    with held_upload(stage, as_csv(sample, Shape.PATIENTS)) as held:
        held.store_rows()
        drained = ask(held, threads=threads, options=options)
        return drained, queries_of(held)


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
