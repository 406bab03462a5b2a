"""How fast the API answers: lists of many uploads, and status while a run is on.

python -m benchmarks.api
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import requests
from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Line, Pair, machine
from benchmarks.stage import ORGANIZATION, Size, Stage, as_csv, payer_process, sample, stage
from claims_pipeline.cli.local.processes import (
    Processes,
    free_port,
    installed_command,
    port_answers,
)
from claims_pipeline.model import UploadOptions
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store.database import open_engine, writing
from claims_pipeline.store.uploads import NewUpload, add_upload
from claims_pipeline_tests.upload_api.keycloak.issuer import Issuer, running_issuer

JOBS = "/api/v1/claims/csv-jobs"
_UPLOAD = "/api/v1/claims/bulk/upload"
_USER = "operator-1"
TIMEOUT_S = 60
_A_SECOND = 50
_SENDERS = 32
_WORLD = Size(practices=2, claims_per_day=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One kind of HTTP request: how long each took, in milliseconds, and what was promised.

    `processor_ms` is the API's own processor time for each.
    """

    what: str
    milliseconds: list[float]
    promised_ms: float | None = None
    processor_ms: float | None = None

    def percentile(self, percent: int) -> float:
        """The time within which that many of a hundred were answered."""
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPlan:
    """Uploads in the store, how often each list is asked, and seconds of asking for progress."""

    uploads: int
    times: int
    progress_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Calls a running API, the process `pid`, as one user."""

    url: str
    headers: Mapping[str, str]
    pid: int

    def session(self) -> requests.Session:
        """A session of one thread."""
        session = requests.Session()
        session.headers.update(self.headers)
        return session

    def timed(
        self,
        call: Callable[[requests.Session, str], requests.Response],
        *,
        due: float | None = None,
    ) -> float:
        """Milliseconds of one call on a session of its own thread, from when it was due."""
        session = _SESSIONS.__dict__.setdefault(self.url, self.session())
        began = time.perf_counter() if due is None else due
        response = call(session, self.url)
        took = time.perf_counter() - began
        response.raise_for_status()
        return took * 1000

    def asked(
        self,
        call: Callable[[requests.Session, str], requests.Response],
        *,
        what: str,
        count: int,
        promised_ms: float | None = None,
    ) -> Timed:
        """The call, so many times, one after the other."""
        before_s = self.processor_s()
        took = [self.timed(call) for _ in range(count)]
        return Timed(
            what=what,
            milliseconds=took,
            promised_ms=promised_ms,
            processor_ms=1000 * (self.processor_s() - before_s) / count,
        )

    def processor_s(self) -> float:
        """Processor time that the API has taken so far, in seconds."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        user, system = after_name.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


_SESSIONS = threading.local()


def main() -> int:
    """Measure, and print the table."""
    show(timed_api(ApiPlan(uploads=10_000, times=300, progress_s=30)))
    return 0


def timed_api(plan: ApiPlan) -> list[Timed]:
    """Everything that was promised, and uploads, on SQLite."""
    timed: list[Timed] = []
    with payer_process(latency_ms=100, size=_WORLD) as sandbox, running_issuer() as issuer:
        settings = {**issuer.settings(), "CLAIMS_API_REQUESTS_PER_MINUTE": "1000000"}
        with stage(sandbox, settings=settings) as used, served(used, issuer) as client:
            fill(used, plan.uploads)
            timed += history(client, count=plan.times)
            rows = sample(Shape.CLAIMS, rows=1000, size=_WORLD)
            timed.append(uploading(client, as_csv(rows, Shape.CLAIMS), count=plan.times // 10))
            timed.append(status_while_running(used, client, seconds=plan.progress_s))
    return timed


def api_lines(timed: Sequence[Timed]) -> Iterator[Line]:
    """For each kind of HTTP request its 95th percentile beside the one that was promised."""
    for one in timed:
        if one.promised_ms is not None:
            yield Line(
                what=f"{one.what}: p95",
                peer="what was promised",
                unit="ms",
                pairs=[Pair(ours=one.percentile(95), peer=one.promised_ms)],
                target=1.0,
                remark=f"p50 {one.percentile(50):.1f} ms, p99 {one.percentile(99):.1f} ms",
            )


@contextmanager
def served(used: Stage, issuer: Issuer) -> Iterator[Client]:
    """The API in a process of its own, as `claims-pipeline api serve` runs it."""
    port = free_port()
    command = (installed_command("claims-pipeline"), "api", "serve", "--port", str(port))
    with Processes(
        logs=used.settings.resolved_home, environment={**os.environ, **used.environment}
    ) as processes:
        api = processes.start("api", command)
        processes.wait_until(lambda: port_answers(port), what="the API", timeout_s=60)
        token = issuer.token(sub=_USER, roles=["claims-operator"], exp=int(time.time()) + 7200)
        yield Client(
            url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            pid=api.popen.pid,
        )


def fill(used: Stage, count: int) -> None:
    """A history of uploads of some months, by twenty users."""
    engine = open_engine(used.settings.resolved_database_url)
    began = datetime.now(UTC) - timedelta(days=90)
    with writing(engine) as connection:
        for number in range(count):
            upload_id = str(uuid4())
            new = NewUpload(
                id=upload_id,
                organization_id=ORGANIZATION,
                payer="uhc",
                source="api",
                file_name=f"worklist {number:05d} of clinic {number % 7}.csv",
                file_key=f"{ORGANIZATION}/{upload_id}/upload.csv",
                file_size=1000,
                file_sha256=f"{number:064x}",
                user_id=f"analyst-{number % 20}",
            )
            add_upload(connection, new, now=began + timedelta(minutes=10 * number))
    engine.dispose()


def history(client: Client, *, count: int) -> Iterator[Timed]:
    """Lists, a search and one upload, one after the other."""
    newest = client.session().get(f"{client.url}{JOBS}", timeout=TIMEOUT_S).json()["results"][0]
    queries = {
        "newest 50": "",
        "page 100": "?page=100",
        "one status": "?status=PENDING",
        "by name": "?ordering=filename",
        "of a month": f"?created_after={(datetime.now(UTC) - timedelta(days=60)):%Y-%m-%d}",
    }
    for what, query in queries.items():
        yield client.asked(
            getting(f"{JOBS}{query}"), what=f"list, {what}", count=count, promised_ms=300
        )
    yield client.asked(
        lambda session, url: session.post(
            f"{url}{JOBS}/search", json={"search": "Clinic 3"}, timeout=TIMEOUT_S
        ),
        what="search by file name",
        count=count,
        promised_ms=300,
    )
    yield client.asked(
        getting(f"{JOBS}/{newest['id']}"), what="one upload", count=count, promised_ms=50
    )


def uploading(client: Client, content: bytes, *, count: int) -> Timed:
    """Uploads of a thousand rows, without Dagster's webserver."""
    return client.asked(
        lambda session, url: session.post(
            f"{url}{_UPLOAD}", files={"file": ("a.csv", content)}, timeout=TIMEOUT_S
        ),
        what="upload of 1,000 rows",
        count=count,
    )


def status_while_running(used: Stage, client: Client, *, seconds: int) -> Timed:
    """Progress asked 50 times a second, each at its time, while the upload's run is on."""
    content = as_csv(sample(Shape.CLAIMS, rows=8_000, size=_WORLD), Shape.CLAIMS)
    upload_id = used.upload(content, options=UploadOptions(use_sweeps=False))
    command = (
        sys.executable,
        "-m",
        "claims_pipeline.cli.local.local_run",
        "claim_status_job",
        upload_id,
    )
    with (
        Processes(logs=used.settings.resolved_home, environment=used.environment) as processes,
        ThreadPoolExecutor(_SENDERS) as senders,
        client.session() as session,
    ):
        run = processes.start("run", command)
        processes.wait_until(
            lambda: _progress(session, client, upload_id)["processed_rows"] > 100,
            what="the first answers",
            timeout_s=300,
        )
        before_s, began = client.processor_s(), time.perf_counter()
        asked = []
        call = getting(f"{JOBS}/{upload_id}/progress")
        for number in range(seconds * _A_SECOND):
            due = began + number / _A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            asked.append(senders.submit(client.timed, call, due=due))
        took = [one.result() for one in asked]
        processor_ms = 1000 * (client.processor_s() - before_s) / len(took)
        if run.has_ended:
            raise RuntimeError("the run was over before the measurement; give it more rows")
    return Timed(
        what=f"progress, {_A_SECOND} a second, a run on",
        milliseconds=took,
        promised_ms=50,
        processor_ms=processor_ms,
    )


def _progress(session: requests.Session, client: Client, upload_id: str) -> dict[str, int]:
    url = f"{client.url}{JOBS}/{upload_id}/progress"
    progress: dict[str, int] = session.get(url, timeout=TIMEOUT_S).json()
    return progress


def show(timed: list[Timed]) -> None:
    """The table."""
    table = Table(title="The API, in milliseconds")
    for name in ("what", "times", "median", "p95", "p99", "promised p95", "processor"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for line in timed:
        table.add_row(
            line.what,
            str(len(line.milliseconds)),
            f"{line.percentile(50):.1f}",
            f"{line.percentile(95):.1f}",
            f"{line.percentile(99):.1f}",
            "" if line.promised_ms is None else f"{line.promised_ms:g}",
            "" if line.processor_ms is None else f"{line.processor_ms:.1f}",
        )
    console = Console()
    console.print(machine())
    console.print(table)


def getting(path: str) -> Callable[[requests.Session, str], requests.Response]:
    """A call that reads a path."""
    return lambda session, url: session.get(f"{url}{path}", timeout=TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
