"""`claims-pipeline audit`: the log of who did what, and whether it is whole."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, JsonOption, OrganizationOption

if TYPE_CHECKING:
    from claims_pipeline.store.audit import AuditVerdict

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
    from claims_pipeline.operations.audit_heads import copied_heads
    from claims_pipeline.store import audit as log

    store = open_store()
    verdict = log.verify(store.engine, copied_heads(store.settings.resolved_audit_heads))
    if as_json:
        told = {
            "entries": verdict.entries,
            "newest": verdict.newest.isoformat() if verdict.newest else None,
            "broken_at": verdict.broken_at,
            "faults": verdict.faults,
            "sealed": bool(store.settings.audit_keys),
            "heads": {head.organization_id: head.hash for head in verdict.heads},
        }
        typer.echo(json.dumps(told))
    else:
        _say(verdict, is_sealed=bool(store.settings.audit_keys))
    if not verdict.is_whole:
        raise typer.Exit(_BROKEN)


def _say(verdict: "AuditVerdict", *, is_sealed: bool) -> None:
    if verdict.broken_at is not None:
        typer.echo(f"Entry {verdict.broken_at} does not fit the ones before it")
    for fault in verdict.faults:
        typer.echo(fault)
    if not verdict.is_whole:
        return
    newest = f", the newest of {verdict.newest:%Y-%m-%d %H:%M:%S} UTC" if verdict.newest else ""
    typer.echo(f"{verdict.entries:,} entries{newest}; none changed or missing")
    for head in verdict.heads:
        typer.echo(f"{head.organization_id}: {head.entries:,} entries, head {head.hash}")
    if not is_sealed:
        typer.echo("Not sealed: without CLAIMS_AUDIT_KEY a log that was written anew looks whole.")


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
