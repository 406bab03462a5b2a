"""`claims-pipeline status`, `cancel` and `retry`: uploads in the database of this machine."""

import json
from typing import Annotated

import typer

from claims_pipeline.cli.options import JsonOption, UploadArgument
from claims_pipeline.model import RetryScope

ScopeOption = Annotated[RetryScope, typer.Option(help="Which rows are asked again.")]


def status(upload: UploadArgument, *, as_json: JsonOption = False) -> None:
    """Show how far an upload is."""
    from rich.console import Console

    from claims_pipeline.cli.local_store import open_store
    from claims_pipeline.cli.summary import counts_as_json, show, summarise

    summary = summarise(open_store(), upload)
    if as_json:
        found = summary.upload
        typer.echo(
            json.dumps(
                {
                    "upload_id": found.id,
                    "status": found.status.value,
                    "attempt": found.attempt,
                    "counts": counts_as_json(found.counts),
                    "waiting_reason": found.waiting_reason,
                    "error_code": found.error_code,
                }
            )
        )
    else:
        show(summary, Console(highlight=False))


def cancel(upload: UploadArgument) -> None:
    """Cancel an upload; what was answered is kept. Cancelling twice changes nothing."""
    from claims_pipeline.cli.local_store import now, open_store
    from claims_pipeline.store.attempts import request_cancel

    typer.echo(request_cancel(open_store().engine, upload, now()).value)


def retry(upload: UploadArgument, *, scope: ScopeOption = RetryScope.FAILED) -> None:
    """Ask rows of an upload again, by the daemon of this machine."""
    from claims_pipeline.cli.local_store import now, open_store
    from claims_pipeline.store.attempts import request_retry

    attempt = request_retry(open_store().engine, upload, scope, now())
    typer.echo(f"Attempt {attempt.number} waits for the daemon to launch it.", err=True)
