"""`claims-pipeline upload`, `list`, `status`, `watch`, `cancel`, `retry` and `download`.

With CLAIMS_API_URL set, or `--api`, they speak to the upload service; without, `list`, `status`,
`watch`, `cancel` and `retry` work on the database of this machine.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from claims_pipeline.cli.options import (
    ApiOption,
    ApiOrganizationOption,
    BatchQueryOption,
    DetailLevelOption,
    EndDateOption,
    FileArgument,
    FollowUpOption,
    JsonOption,
    MapOption,
    PayerOption,
    StartDateOption,
    UploadArgument,
    column_map_of,
    upload_options,
)
from claims_pipeline.model import DEFAULT_PAYER, DetailLevel, RetryScope

if TYPE_CHECKING:
    from claims_pipeline.cli.local.local_store import LocalStore
    from claims_pipeline.cli.remote.upload_service import RemoteUpload, UploadService
    from claims_pipeline.cli.summary import ListedUpload, Summary

ScopeOption = Annotated[RetryScope, typer.Option(help="Which rows are asked again.")]
_NOT_COMPLETE = 1
_FILE_REFUSED = 2


def upload(
    file: FileArgument,
    *,
    payer: PayerOption = DEFAULT_PAYER,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
    batch_query: BatchQueryOption = True,
    start_date: StartDateOption = None,
    end_date: EndDateOption = None,
    detail_level: DetailLevelOption = DetailLevel.REASONS,
    follow_up: FollowUpOption = None,
    map_: MapOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Wait until the upload has ended.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Upload a file to the upload service."""
    from claims_pipeline.cli.remote import remote
    from claims_pipeline.cli.summary import sending_progress, status_as_json

    options = upload_options(
        use_sweeps=batch_query,
        start_date=start_date,
        end_date=end_date,
        detail_level=detail_level,
        follow_up=follow_up,
    )
    column_map = column_map_of(map_)
    service = remote.required_upload_service(api, organization)
    with sending_progress() as on_sent:
        found = service.upload(
            file, payer=payer, options=options, column_map=column_map, on_sent=on_sent
        )
    if watch:
        _watch_at_service(service, found.id, as_json=as_json)
    elif as_json:
        typer.echo(json.dumps(status_as_json(found)))
    else:
        typer.echo(found.id)


def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
    as_json: JsonOption = False,
) -> None:
    """List uploads, the newest first."""
    from rich.console import Console

    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.cli.options import DEMO_ORGANIZATION
    from claims_pipeline.cli.remote import remote
    from claims_pipeline.cli.summary import status_as_json, uploads_table
    from claims_pipeline.store.uploads import list_uploads

    found: Sequence[ListedUpload]
    if service := remote.upload_service(api, organization):
        found = service.newest(at_most=limit)
    else:
        found = list_uploads(
            open_store().engine,
            organization_id=organization or DEMO_ORGANIZATION,
            page_size=limit,
        ).uploads
    if as_json:
        typer.echo(json.dumps({"uploads": [status_as_json(each) for each in found]}))
    else:
        Console(highlight=False).print(uploads_table(found))


def status(
    upload: UploadArgument,
    *,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the progress of an upload."""
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.cli.remote import remote
    from claims_pipeline.cli.summary import summarise

    if service := remote.upload_service(api, organization):
        _print_remote(service.get(_at_service(service, upload)), as_json=as_json)
    else:
        store = open_store()
        _print_local(summarise(store, _here(store, upload)), as_json=as_json)


def watch(
    upload: UploadArgument,
    *,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow an upload until it has ended. Ctrl-C stops watching, not the upload."""
    from claims_pipeline.cli.remote import remote

    if service := remote.upload_service(api, organization):
        _watch_at_service(service, _at_service(service, upload), as_json=as_json)
    else:
        _watch_here(upload, as_json=as_json)


def cancel(
    upload: UploadArgument, *, api: ApiOption = None, organization: ApiOrganizationOption = None
) -> None:
    """Cancel an upload; answers received so far are kept. Cancelling twice changes nothing."""
    from claims_pipeline.cli.local.local_store import now, open_store
    from claims_pipeline.cli.remote import remote
    from claims_pipeline.store.attempts import request_cancel

    if service := remote.upload_service(api, organization):
        typer.echo(service.cancel(_at_service(service, upload)).status.value)
    else:
        store = open_store()
        typer.echo(request_cancel(store.engine, _here(store, upload), now()).value)


def retry(
    upload: UploadArgument,
    *,
    scope: ScopeOption = RetryScope.FAILED,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
) -> None:
    """Ask rows of an upload again."""
    from claims_pipeline.cli.local.local_store import now, open_store
    from claims_pipeline.cli.remote import remote
    from claims_pipeline.store.attempts import request_retry

    if service := remote.upload_service(api, organization):
        retried = service.retry(_at_service(service, upload), scope)
        typer.echo(f"Attempt {retried.attempt} has started.", err=True)
    else:
        store = open_store()
        attempt = request_retry(store.engine, _here(store, upload), scope, now())
        typer.echo(f"Attempt {attempt.number} waits for the daemon to launch it.", err=True)


def download(
    upload: UploadArgument,
    *,
    what: Annotated[
        Literal["csv", "xlsx", "lines", "rejected"],
        typer.Option(
            "--format", help="Results as CSV or workbook, service lines, or the rejected rows."
        ),
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="File to write. Default: the upload's id, in this folder."
        ),
    ] = None,
    api: ApiOption = None,
    organization: ApiOrganizationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch results from the upload service, at any time; only the owner may read the file."""
    from claims_pipeline.cli.remote import remote

    service = remote.required_upload_service(api, organization)
    upload_id = _at_service(service, upload)
    path = remote.download(service, upload_id, what=what, output=output)
    typer.echo(json.dumps({"upload_id": upload_id, "path": str(path)}) if as_json else path)


def _at_service(service: "UploadService", upload: str) -> str:
    from claims_pipeline.cli.upload_ids import whole_id

    return whole_id(
        upload, lambda prefix: [each.id for each in service.newest(at_most=2, id_prefix=prefix)]
    )


def _here(store: "LocalStore", upload: str) -> str:
    from claims_pipeline.cli.upload_ids import whole_id
    from claims_pipeline.store.uploads import ids_beginning_with

    return whole_id(upload, lambda prefix: ids_beginning_with(store.engine, prefix, at_most=2))


def _watch_at_service(service: "UploadService", upload_id: str, *, as_json: bool) -> None:
    from claims_pipeline.cli.remote import remote

    found = remote.watch_with_a_bar(service, upload_id)
    _print_remote(found, as_json=as_json)
    _exit_as_run(found.error_code, is_complete=remote.is_complete(found))


def _watch_here(upload: str, *, as_json: bool) -> None:
    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.cli.local.running import watch_until_over
    from claims_pipeline.cli.summary import UploadProgress, summarise

    store = open_store()
    upload_id = _here(store, upload)
    with UploadProgress() as progress:
        watch_until_over(store, upload_id, progress.update)
    summary = summarise(store, upload_id)
    _print_local(summary, as_json=as_json)
    _exit_as_run(summary.upload.error_code, is_complete=summary.is_complete)


def _exit_as_run(error_code: str | None, *, is_complete: bool) -> None:
    """End with the code with which `claims-pipeline run` would."""
    from claims_pipeline.intake import FILE_ERRORS

    if error_code in FILE_ERRORS:
        raise typer.Exit(_FILE_REFUSED)
    if not is_complete:
        raise typer.Exit(_NOT_COMPLETE)


def _print_remote(found: "RemoteUpload", *, as_json: bool) -> None:
    from rich.console import Console

    from claims_pipeline.cli.remote import remote
    from claims_pipeline.cli.summary import status_as_json

    if as_json:
        typer.echo(json.dumps(status_as_json(found)))
    else:
        remote.show(found, Console(highlight=False))


def _print_local(summary: "Summary", *, as_json: bool) -> None:
    from rich.console import Console

    from claims_pipeline.cli.summary import show, status_as_json

    if as_json:
        typer.echo(json.dumps(status_as_json(summary.upload)))
    else:
        show(summary, Console(highlight=False))
