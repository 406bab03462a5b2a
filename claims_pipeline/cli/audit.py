"""`claims-pipeline audit`: the log of who did what, and whether it is whole."""

import json
from typing import Annotated

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, JsonOption, OrganizationOption

_BROKEN = 1


def audit(
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no entry was changed or removed.")
    ] = False,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show an organization's newest entries, or verify the whole log (exit 1 when it is broken)."""
    if verify:
        _verify(as_json=as_json)
    else:
        _show(organization, limit, as_json=as_json)


def _verify(*, as_json: bool) -> None:
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store import audit as log

    verdict = log.verify(open_store().engine)
    if as_json:
        typer.echo(json.dumps({"entries": verdict.entries, "broken_at": verdict.broken_at}))
    elif verdict.broken_at is None:
        typer.echo(f"{verdict.entries:,} entries, none changed or missing")
    else:
        typer.echo(f"Entry {verdict.broken_at} does not fit the ones before it")
    if verdict.broken_at is not None:
        raise typer.Exit(_BROKEN)


def _show(organization: str, limit: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store import audit as log

    entries = log.list_entries(open_store().engine, organization_id=organization, page_size=limit)
    if as_json:
        shown = [asdict(entry) | {"at": entry.at.isoformat()} for entry in entries]
        typer.echo(json.dumps({"entries": shown}))
        return
    table = Table("when (UTC)", "who", "what", "upload", "outcome", "code")
    for entry in entries:
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.actor,
            entry.action,
            entry.upload_id or "",
            entry.outcome,
            entry.code or "",
        )
    Console(highlight=False).print(table)
