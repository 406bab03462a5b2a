"""What holds for every command: version, help, completion, and one line for whatever goes wrong."""

import importlib.metadata

import pytest

from claims_pipeline.cli.local.processes import free_port
from claims_pipeline_tests.cli.conftest import Command


def test_the_version_is_that_of_the_package(command: Command) -> None:
    shown = command("--version")
    assert (shown.exit_code, shown.stdout.strip()) == (
        0,
        importlib.metadata.version("claims-pipeline"),
    )


@pytest.mark.parametrize("name", ["run", "check", "upload"])
def test_help_shows_dates_as_people_write_them(command: Command, name: str) -> None:
    shown = command(name, "--help").stdout
    assert "%" not in shown
    assert "DATE" in shown


def test_shells_complete_commands(command: Command) -> None:
    assert "--install-completion" in command("--help").stdout


@pytest.mark.parametrize("name", ["list", "status"])
def test_a_database_that_is_away_is_a_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(
        "CLAIMS_DATABASE_URL", f"postgresql+psycopg://marker:secret@127.0.0.1:{free_port()}/claims"
    )
    ended = command(*([name] if name == "list" else [name, "0" * 8]))
    assert ended.exit_code == 1
    assert ended.stderr.strip().endswith("[database_unreachable]")
    assert "CLAIMS_DATABASE_URL" in ended.stderr
    assert "marker" not in ended.stderr
