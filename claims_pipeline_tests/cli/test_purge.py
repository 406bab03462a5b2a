"""`claims-pipeline purge`: counts first, then removes."""

import json
from pathlib import Path

from claims_pipeline_tests.cli.conftest import Command


def test_a_purge_of_nothing_says_so(home: Path, command: Command) -> None:
    outcome = command("purge", "--json")
    answer = json.loads(outcome.stdout)
    assert outcome.exit_code == 0
    assert answer["dry_run"] is False
    assert set(answer["removed"].values()) == {0}
    assert {"uploads", "partitions", "runs", "audit_log"} <= set(answer["removed"])
    assert home.is_dir()


def test_a_dry_run_shows_what_would_go(command: Command) -> None:
    outcome = command("purge", "--dry-run")
    assert outcome.exit_code == 0
    assert "would go" in outcome.stdout
