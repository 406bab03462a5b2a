"""`claims-pipeline doctor`: what is wrong with this installation."""

import json
from typing import Annotated

import typer

from claims_pipeline.cli.options import JsonOption

AskPayersOption = Annotated[
    bool, typer.Option("--payer", help="Also ask each payer for a token, and for nothing else.")
]


def doctor(*, ask_payers: AskPayersOption = False, as_json: JsonOption = False) -> None:
    """Check settings, folders, stores and Dagster. Exit code 1 when something has failed."""
    import os
    from datetime import UTC, datetime

    import dagster as dg
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from claims_pipeline.cli.local.home import process_environment
    from claims_pipeline.operations.doctor import State, examine
    from claims_pipeline.operations.doctor.findings import failed
    from claims_pipeline.orchestration.dagster_health import examine_dagster
    from claims_pipeline.settings import load_settings

    settings = load_settings()
    findings = list(examine(settings, os.environ, ask_payers=ask_payers))
    os.environ.update(process_environment(settings))
    if settings.dagster_home.is_dir():
        with dg.DagsterInstance.get() as instance:
            findings += examine_dagster(instance, datetime.now(UTC))
    else:
        findings.append(failed("Dagster", "It has no home folder yet: start the daemon."))
    if as_json:
        found = [
            {"subject": each.subject, "state": each.state.value, "message": each.message}
            for each in findings
        ]
        typer.echo(json.dumps({"findings": found}))
    else:
        table = Table("what", "state", "")
        for each in findings:
            table.add_row(each.subject, each.state.value, escape(each.message))
        Console(highlight=False).print(table)
    if any(each.state is State.FAILED for each in findings):
        raise typer.Exit(1)
