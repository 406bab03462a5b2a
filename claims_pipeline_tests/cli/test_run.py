"""`claims-pipeline run` and `demo`, as commands of their own with a real worker and daemon."""

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from claims_pipeline.cli.local.processes import installed_command
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.settings import load_settings
from claims_pipeline.store.database import open_engine
from claims_pipeline.store.uploads import get_upload, list_uploads
from claims_pipeline_tests.cli.conftest import Command

pytestmark = pytest.mark.stack

WORKLIST = (
    "claim_number,first_name,last_name,date_of_birth\n"
    "FH00000001,ADA,EXAMPLE,05/10/1975\n"
    "FH00000001,,EXAMPLE,05/10/1975\n"
)
COMMAND = installed_command("claims-pipeline")


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    del home
    with running_sandbox(seed=7) as sandbox:
        for name, value in sandbox.settings().items():
            monkeypatch.setenv(name, value)
        yield sandbox


def worklist(folder: Path, content: str = WORKLIST) -> Path:
    path = folder / "worklist.csv"
    path.write_text(content)
    return path


def wait_until(condition: Callable[[], bool], *, process: "subprocess.Popen[str]") -> None:
    """Wait for a condition while the process lives."""
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, "the command ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_file_is_asked_to_the_end(tmp_path: Path, home: Path, sandbox: Sandbox) -> None:
    ended = subprocess.run(
        [COMMAND, "run", worklist(tmp_path), "--json"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert list(found) == [
        "upload_id",
        "status",
        "attempt",
        "counts",
        "calls",
        "search_calls",
        "one_per_row_calls",
        "duration_s",
        "results_csv",
        "results_xlsx",
        "rejected_csv",
        "channels",
    ]
    assert found["status"] == "COMPLETED"
    assert found["counts"] == {
        "total": 2,
        "found": 1,
        "not_found": 0,
        "ambiguous": 0,
        "rejected": 1,
        "failed": 0,
        "unprocessed": 0,
    }
    calls = sandbox.calls()
    assert found["calls"] == calls["summary"] + calls["detail"] + calls["payment"]
    assert found["channels"] == {"uhc": {"rows": 1, "calls": found["calls"], "price": 0.0}}
    with Path(found["results_csv"]).open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["outcome"] for line in lines] == ["found", "rejected"]
    assert Path(found["results_xlsx"]).is_file()
    assert Path(found["rejected_csv"]).is_file()
    assert "Traceback" not in ended.stderr
    assert_is_a_run_like_any_other(home, found["upload_id"])


def assert_is_a_run_like_any_other(home: Path, upload_id: str) -> None:
    """Dagster knows its partition and where it came from, so that it can be re-executed."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/partition"] == upload_id
        assert run.remote_job_origin is not None


@pytest.mark.usefixtures("home")
def test_a_file_of_many_payers_says_what_each_channel_took(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_STEDI_PRICE_PER_ANSWER", "0.25")
    sample = subprocess.run(
        [COMMAND, "sandbox", "csv", "--rows", "9", "--shape", "members"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ended = subprocess.run(
        [COMMAND, "run", worklist(tmp_path, sample), "--payer", "auto", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(ended.stdout)
    assert found["status"] == "COMPLETED", ended.stderr
    counted = {
        name: sum(count for kind, count in channel["calls"].items() if kind != "token")
        for name, channel in sandbox.channels().items()
    }
    assert {name: each["calls"] for name, each in found["channels"].items()} == counted
    assert sum(counted.values()) == found["calls"]
    stedi = found["channels"]["stedi"]
    assert stedi["price"] == stedi["calls"] * 0.25 > 0


@pytest.mark.usefixtures("home")
def test_a_payer_that_is_down_for_a_moment_is_waited_for(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last try is made when the patience ends, a second after the first was in vain.
    monkeypatch.setenv("CLAIMS_PAYER_RETRY_HOURS", "0.0003")
    # Four tries of the row's only query, and four to see whether the payer is down.
    sandbox.set_faults([{"when": {"times": 8}, "what": {"status": 503}}])
    visit = today_in("America/Chicago")() - timedelta(days=30)
    row = f"ADA,EXAMPLE,05/10/1975,{visit:%m/%d/%Y}\n"
    file = worklist(tmp_path, f"first_name,last_name,date_of_birth,date_of_service\n{row}")

    ended = subprocess.run(
        [COMMAND, "run", file, "--json"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    summary = json.loads(ended.stdout)
    assert (summary["status"], summary["counts"]["found"]) == ("COMPLETED", 1)


def test_ctrl_c_cancels_and_keeps_what_was_answered(
    tmp_path: Path, home: Path, sandbox: Sandbox
) -> None:
    # The payer answers nothing until the person loses patience.
    sandbox.set_faults([{"match": {"kind": "summary"}, "what": {"delay_s": 3}}])
    process = subprocess.Popen(
        [COMMAND, "run", worklist(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CLAIMS_HEARTBEAT_S": "0.2"},
    )
    wait_until(lambda: sandbox.calls()["summary"] > 0, process=process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    found = json.loads(stdout)
    assert found["status"] == "CANCELLED"
    assert found["counts"]["total"] == 2
    assert "Traceback" not in stderr
    engine = open_engine(load_settings({"CLAIMS_HOME": str(home)}).resolved_database_url)
    upload = get_upload(engine, found["upload_id"])
    engine.dispose()
    assert upload is not None
    assert upload.status is UploadStatus.CANCELLED


def test_without_a_payers_settings_the_file_is_not_kept(
    tmp_path: Path, home: Path, command: Command
) -> None:
    ended = command("run", worklist(tmp_path))

    assert ended.exit_code == 1
    assert "CLAIMS_UHC_API_URL" in ended.stderr
    engine = open_engine(load_settings().resolved_database_url)
    assert list_uploads(engine, organization_id="demo").total == 0
    assert not any(path.is_file() for path in (home / "files").rglob("*"))


def test_a_refused_file_leaves_no_upload(tmp_path: Path, home: Path, command: Command) -> None:
    outcome = command("run", worklist(tmp_path, "claim_number\n"), "--json")
    assert outcome.exit_code == 2
    assert json.loads(outcome.stdout)["upload_id"] is None
    engine = open_engine(load_settings({"CLAIMS_HOME": str(home)}).resolved_database_url)
    assert list_uploads(engine, organization_id="demo").total == 0
    engine.dispose()


def test_the_demo_brings_results_and_leaves_nothing_running(tmp_path: Path, home: Path) -> None:
    ended = subprocess.run(
        [COMMAND, "demo", "--rows", "20"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    assert "found" in ended.stdout
    outbox = home / "outbox" / "demo" / "auto"
    assert [path.suffixes[-1] for path in sorted(outbox.glob("*.results.*"))] == [".csv", ".xlsx"]
    assert str(home).encode() not in running_commands()


def running_commands() -> bytes:
    """Command lines and environments of every process of this machine that may be read."""
    found = b""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            for name in ("cmdline", "environ"):
                try:
                    found += (process / name).read_bytes()
                except OSError:
                    continue
    return found
