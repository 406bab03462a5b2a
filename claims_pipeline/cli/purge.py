"""`claims-pipeline purge`: removes what was kept for as long as the settings say."""

import json
from typing import Annotated

import typer

from claims_pipeline.cli.options import JsonOption

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only count what would be removed.")]


def purge(*, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Remove uploads older than CLAIMS_RETENTION_DAYS, as the daemon does every day."""
    import os

    import dagster as dg
    from rich.console import Console
    from rich.table import Table

    from claims_pipeline.cli.local.home import process_environment
    from claims_pipeline.cli.local.local_store import now, open_store
    from claims_pipeline.operations.retention import Purge
    from claims_pipeline.orchestration.purging import purge_everything

    store = open_store()
    os.environ.update(process_environment(store.settings))
    with dg.DagsterInstance.get() as instance:
        work = Purge.of(store.settings, store.engine, now=now(), dry_run=dry_run)
        gone = purge_everything(instance, work)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "removed": gone}))
        return
    table = Table("what", "would go" if dry_run else "gone")
    table.columns[1].justify = "right"
    for kind, count in gone.items():
        table.add_row(kind.replace("_", " "), f"{count:,}")
    Console(highlight=False).print(table)
