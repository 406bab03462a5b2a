"""What a measurement runs on: a sandbox payer in a process of its own, and a home with a store."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from claims_pipeline.cli.local.home import prepare_home, process_environment
from claims_pipeline.cli.local.processes import (
    Processes,
    free_port,
    installed_command,
    port_answers,
)
from claims_pipeline.model import Practice, UploadOptions
from claims_pipeline.sandbox.running import Sandbox, today_in
from claims_pipeline.sandbox.samples.samples import Sampler, SampleRow, Shape, write_sample
from claims_pipeline.sandbox.world.practices import WorldPractice
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import Settings, load_settings
from claims_pipeline.store import uploads
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.migrating import upgrade
from claims_pipeline.store.tenants.practices import ensure_organization

ORGANIZATION = "demo"
SEED = 7
_START_TIMEOUT_S = 30.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the sandbox's world is."""

    practices: int = 2
    claims_per_day: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process has used: elapsed and processor seconds, and its peak memory.

    Processor seconds are compared, for they say the same on a busy machine.
    """

    elapsed_s: float
    processor_s: float
    peak_mib: float


@contextmanager
def payer_process(*, latency_ms: float, size: Size, seed: int = SEED) -> Iterator[Sandbox]:
    """Run a sandbox in a process of its own, so that it takes no processor time from ours."""
    port = free_port()
    command = (
        *(installed_command("claims-pipeline"), "sandbox", "serve"),
        *("--port", str(port), "--latency-ms", str(latency_ms), "--seed", str(seed)),
        *("--practices", str(size.practices), "--claims-per-day", str(size.claims_per_day)),
    )
    with (
        tempfile.TemporaryDirectory(prefix="claims-bench-") as logs,
        Processes(logs=Path(logs), environment=os.environ) as processes,
    ):
        processes.start("payer", command)
        processes.wait_until(
            lambda: port_answers(port), what="the sandbox", timeout_s=_START_TIMEOUT_S
        )
        yield Sandbox(url=f"http://127.0.0.1:{port}", seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A home with a migrated store, and the environment of the processes that work on it."""

    settings: Settings
    environment: Mapping[str, str]

    def upload(
        self, content: bytes, *, options: UploadOptions | None = None, payer: str = "uhc"
    ) -> str:
        """Keep a file as an upload that waits for its run; the upload's id."""
        upload_id = str(uuid.uuid4())
        key = f"{ORGANIZATION}/{upload_id}/upload.csv"
        stored = open_file_store(self.settings.resolved_files).write(
            key, [content], max_bytes=self.settings.max_file_bytes
        )
        engine = open_engine(self.settings.resolved_database_url)
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
        uploads.create_upload(engine, new, now=datetime.now(UTC))
        engine.dispose()
        return upload_id

    def run(self, upload_id: str) -> Usage:
        """Run the job for the upload as `claims-pipeline run` does, in a process of its own."""
        arguments = ("claims_pipeline.cli.local.local_run", "claim_status_job", upload_id)
        return used_by(("-m", *arguments), environment=self.environment)


@contextmanager
def stage(
    sandbox: Sandbox, *, practices: int = 2, settings: Mapping[str, str] | None = None
) -> Iterator[Stage]:
    """A new home, gone at the end; the payer's calls for each second are not capped."""
    with tempfile.TemporaryDirectory(prefix="claims-bench-") as folder:
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("CLAIMS_")},
            **sandbox.settings(),
            "CLAIMS_HOME": folder,
            "CLAIMS_UHC_CALLS_PER_SECOND": "100000",
            **(settings or {}),
        }
        loaded = load_settings(environment)
        prepare_home(loaded)
        engine = open_engine(loaded.resolved_database_url)
        upgrade(engine)
        ensure_organization(engine, ORGANIZATION, "Demo", practices_of_world(practices))
        engine.dispose()
        environment["PYTHONPATH"] = os.pathsep.join(
            (str(_without_hypothesis(loaded.resolved_home)), str(Path(__file__).parents[1]))
        )
        yield Stage(settings=loaded, environment=process_environment(loaded, environment))


def _without_hypothesis(home: Path) -> Path:
    """A folder for PYTHONPATH that hides a tool for tests, which pandera imports where it is."""
    folder = home / "as_deployed"
    folder.mkdir()
    (folder / "hypothesis.py").write_text("raise ImportError\n", encoding="utf-8")
    return folder


def practices_of_world(count: int) -> tuple[Practice, ...]:
    """The first practices of any sandbox, the first of them the default."""
    numbered = (WorldPractice(number=number, claims_per_day=1) for number in range(1, count + 1))
    return tuple(
        Practice(
            practice_id=practice.practice_id,
            tin=practice.tin,
            name=practice.name,
            is_default=practice.number == 1,
        )
        for practice in numbered
    )


def sample(shape: Shape, *, rows: int, size: Size, seed: int = SEED) -> list[SampleRow]:
    """Rows that a sandbox of this size and seed answers, with what is right for each."""
    world = World(
        seed=seed,
        today=today_in("America/Chicago")(),
        practices=size.practices,
        claims_per_day=size.claims_per_day,
    )
    return list(Sampler(world, shape).rows(rows))


def as_csv(rows: Sequence[SampleRow], shape: Shape) -> bytes:
    """The rows as an analyst would hand them in."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as text:
        write_sample(rows, shape=shape, sample=text, answers=None)
        text.seek(0)
        return text.read().encode()


def used_by(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Usage:
    """Run Python with these arguments to its end.

    Raises:
        RuntimeError: it did not end well; what it said went to our own standard error.

    """
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603 - commands are ours
            [sys.executable, *arguments], env=dict(environment), stdout=said, stderr=said
        )
        peak_mib, ended = 0.0, 0
        while not ended:
            time.sleep(_POLL_S)
            peak_mib = max(peak_mib, _peak_mib(child.pid))
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
        elapsed_s = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise RuntimeError("a measured process failed")
    return Usage(
        elapsed_s=elapsed_s,
        processor_s=used.ru_utime + used.ru_stime,
        peak_mib=peak_mib,
    )


def _peak_mib(pid: int) -> float:
    """The most memory the process has had so far; 0 where there is no /proc.

    The kernel's `ru_maxrss` will not do: it begins with the memory of the process that forked.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return max(
        (int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), default=0.0
    )
