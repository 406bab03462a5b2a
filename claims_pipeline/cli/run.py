"""`claims-pipeline run`: one upload to the end, in this terminal."""

import json
import time

import typer

from claims_pipeline.cli.options import (
    DEMO_ORGANIZATION,
    BatchQueryOption,
    DetailLevelOption,
    EndDateOption,
    FileArgument,
    FollowUpOption,
    JsonOption,
    MapOption,
    OrganizationOption,
    PayerOption,
    StartDateOption,
    column_map_of,
    upload_options,
)
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.model import DEFAULT_PAYER, DetailLevel

_NOT_COMPLETE = 1
_FILE_REFUSED = 2


def run(
    file: FileArgument,
    *,
    payer: PayerOption = DEFAULT_PAYER,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    batch_query: BatchQueryOption = True,
    start_date: StartDateOption = None,
    end_date: EndDateOption = None,
    detail_level: DetailLevelOption = DetailLevel.REASONS,
    follow_up: FollowUpOption = None,
    map_: MapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the payer about every row of a file, as a real run on the local Dagster instance.

    Ctrl-C cancels the upload; answers received so far are kept.
    """
    options = upload_options(
        use_sweeps=batch_query,
        start_date=start_date,
        end_date=end_date,
        detail_level=detail_level,
        follow_up=follow_up,
    )
    column_map = column_map_of(map_)
    from rich.console import Console

    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.cli.local.running import run_to_the_end, take_in
    from claims_pipeline.cli.summary import UploadProgress, refused_as_json, show, summarise
    from claims_pipeline.intake import FILE_ERRORS

    began = time.monotonic()
    store = open_store()
    try:
        upload = take_in(
            store,
            file,
            organization_id=organization,
            payer=payer,
            options=options,
            column_map=column_map,
        )
    except FileRefusedError:
        if as_json:
            typer.echo(json.dumps(refused_as_json(duration_s=time.monotonic() - began)))
        raise
    with UploadProgress() as progress:
        run_to_the_end(store, upload.id, on_progress=progress.update)
    summary = summarise(store, upload.id)
    if as_json:
        typer.echo(json.dumps(summary.as_json(duration_s=time.monotonic() - began)))
    show(summary, Console(stderr=as_json, highlight=False))
    if summary.upload.error_code in FILE_ERRORS:
        raise typer.Exit(_FILE_REFUSED)
    if not summary.is_complete:
        raise typer.Exit(_NOT_COMPLETE)
