"""`claims-pipeline doctor`: findings, and an exit code for scripts."""

import json

from claims_pipeline_tests.cli.conftest import Command


def test_an_installation_without_anything_has_failures(command: Command) -> None:
    outcome = command("doctor", "--json")
    findings = json.loads(outcome.stdout)["findings"]
    assert outcome.exit_code == 1
    assert {each["state"] for each in findings} == {"ok", "warning", "failed"}
    assert all(each["subject"] and each["message"] for each in findings)


def test_findings_are_shown_as_a_table(command: Command) -> None:
    outcome = command("doctor")
    assert "CLAIMS_UHC_API_URL" in outcome.stdout
    assert outcome.exit_code == 1
