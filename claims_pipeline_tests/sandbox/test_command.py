import csv
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import requests

_COMMAND = [sys.executable, "-c", "from claims_pipeline.cli.sandbox import app; app()"]


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*_COMMAND, *arguments], capture_output=True, check=False)


def test_csv_prints_utf8_and_writes_answers(tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    done = _run("csv", "--rows", "300", "--shape", "patients", "--answers", str(answers))
    assert done.returncode == 0
    rows = list(csv.reader(io.StringIO(done.stdout.decode("utf-8"))))
    assert len(rows) == 301
    assert len(list(csv.DictReader(answers.open(encoding="utf-8")))) == 300


def test_env_prints_exports_that_lead_to_the_port() -> None:
    done = _run("env", "--port", "8701")
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert "export CLAIMS_UHC_API_URL=http://127.0.0.1:8701/Claims" in lines
    with_tokens = ("API_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET")
    needed = {
        **dict.fromkeys(("UHC", "OPTUM", "AVAILITY"), with_tokens),
        "STEDI": ("API_URL", "API_KEY"),
    }
    assert {line.split("=")[0] for line in lines} == {
        f"export CLAIMS_{channel}_{name}" for channel, names in needed.items() for name in names
    }


def test_serve_answers_until_it_is_stopped(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"match": {"kind": "token"}, "what": {"status": 503}}]')
    with subprocess.Popen(
        [*_COMMAND, "serve", "--port", "0", "--faults", str(faults)],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split(" on ")[1].split(",")[0]
        assert requests.get(f"{url}/sandbox/world", timeout=10).ok
        assert requests.post(f"{url}/v1/oauthtoken", timeout=10).status_code == 503
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_serve_refuses_a_wrong_fault_file(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"what": {"statuss": 503}}]')
    done = _run("serve", "--port", "0", "--faults", str(faults))
    assert done.returncode == 2
    assert b"statuss" in done.stderr
