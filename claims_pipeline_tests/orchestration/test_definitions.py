"""The definitions load anywhere, and loading them opens nothing."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from claims_pipeline.cli.local.processes import installed_command
from claims_pipeline.definitions import build_defs
from claims_pipeline.orchestration.resources import StoreResource

ROOT = Path(__file__).resolve().parents[2]
# Nothing of ours is set, and Dagster has nowhere to write.
BARE = {"PATH": os.environ["PATH"]}


def run_bare(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=BARE, capture_output=True, text=True, timeout=120, check=False
    )


def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    validated = run_bare(
        installed_command("dagster"),
        "definitions",
        "validate",
        "-w",
        str(ROOT / "workspace.yaml"),
        folder=tmp_path,
    )

    assert validated.returncode == 0, validated.stderr


def test_loading_the_definitions_writes_and_reads_nothing_of_ours(tmp_path: Path) -> None:
    loaded = run_bare(
        sys.executable,
        "-c",
        "from claims_pipeline.definitions import defs; assert defs.assets and defs.sensors",
        folder=tmp_path,
    )

    assert loaded.returncode == 0, loaded.stderr
    assert list(tmp_path.iterdir()) == []


def test_definitions_are_fresh_and_take_other_resources() -> None:
    class OtherStore(StoreResource):
        pass

    other = build_defs(resource_overrides={"store": OtherStore()})

    assert other is not build_defs()
    assert isinstance(other.resources["store"], OtherStore)
    dg.Definitions.validate_loadable(other)
