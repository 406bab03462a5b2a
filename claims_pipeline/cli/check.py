"""`claims-pipeline check`: what is right and wrong in a file, and what asking it would cost."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claims_pipeline.cli.options import (
    DEMO_ORGANIZATION,
    BatchQueryOption,
    EndDateOption,
    FileArgument,
    JsonOption,
    MapOption,
    OrganizationOption,
    PayerOption,
    StartDateOption,
    column_map_of,
    upload_options,
)
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.model import DEFAULT_PAYER, UploadOptions

if TYPE_CHECKING:
    from claims_pipeline.preflight.check import FileCheck

_SOME_REJECTED = 1
_FILE_REFUSED = 2
_OWNER_ONLY = 0o600


def check(
    file: FileArgument,
    *,
    payer: PayerOption = DEFAULT_PAYER,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    batch_query: BatchQueryOption = True,
    start_date: StartDateOption = None,
    end_date: EndDateOption = None,
    map_: MapOption = None,
    rejected: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the rows that cannot be asked to this CSV."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong with a file and what asking it would cost. Calls no payer."""
    options = upload_options(use_sweeps=batch_query, start_date=start_date, end_date=end_date)
    found = _check(
        file,
        payer=payer,
        organization=organization,
        options=options,
        column_map=column_map_of(map_),
    )
    if rejected is not None and found.rejected:
        _write_rejected(found, rejected)
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    else:
        from rich.console import Console

        from claims_pipeline.cli.findings import show

        show(found, Console(highlight=False))
    if found.file_error is not None:
        raise typer.Exit(_FILE_REFUSED)
    if found.rejected:
        raise typer.Exit(_SOME_REJECTED)


def _check(
    file: Path, *, payer: str, organization: str, options: UploadOptions, column_map: dict[str, str]
) -> "FileCheck":
    from claims_pipeline.cli.local.local_store import known_facts, opened_csv
    from claims_pipeline.preflight.check import FileCheck, check_file
    from claims_pipeline.preflight.context import intake_context
    from claims_pipeline.preflight.ways import ways_of
    from claims_pipeline.settings import load_settings

    settings = load_settings()
    today = settings.payer_today()
    with known_facts(settings, organization) as facts:
        context = intake_context(
            settings,
            provider=payer,
            payers=facts.payers,
            practices=facts.practices,
            today=today,
            column_map=column_map,
            remembered=facts.decisions,
        )
        ways = ways_of(settings, options, seconds_a_call=facts.seconds_a_call)
        try:
            with opened_csv(file) as stream:
                return check_file(
                    stream,
                    context=context,
                    ways=ways,
                    observations=facts.observations,
                )
        except FileRefusedError as error:
            return FileCheck(file_error=error)


def _write_rejected(found: "FileCheck", path: Path) -> None:
    """The rows that cannot be asked, with why; only the owner may read them."""
    from claims_pipeline.intake import rejected_rows_csv

    path.touch(mode=_OWNER_ONLY)
    with path.open("wb") as stream:
        stream.writelines(rejected_rows_csv(found.header, found.rejected))


def _as_json(found: "FileCheck") -> dict[str, Any]:
    error = found.file_error
    return {
        "total_rows": found.accepted + found.rejected_rows,
        "accepted_rows": found.accepted,
        "rejected_rows": found.rejected_rows,
        "file_error": error and {"code": error.code, "message": error.message},
        "columns": [
            {"header": read.header, "read_as": read.read_as} for read in found.column_readings
        ],
        "left_out": [
            {"line_number": left.line_number, "reason": left.reason} for left in found.left_out
        ],
        "errors": [
            {
                "row_number": row.row_number,
                "line_number": row.line_number,
                "column": row.column,
                "header": found.header_of(row.column),
                "code": row.code,
                "message": row.message,
            }
            for row in found.rejected
        ],
        "warnings": [
            {"code": item.code, "count": item.count, "message": item.message}
            for item in found.warnings
        ],
        "payers": [
            {
                "payer": share.payer,
                "channel": share.channel,
                "rows": share.rows,
                "calls": share.calls,
                "price": float(share.price),
            }
            for share in found.payers
        ],
        "plan": {
            "queries": found.plan.queries,
            "estimated_calls": found.plan.estimated_calls,
            "least_calls": found.plan.least_calls,
            "most_calls": found.plan.most_calls,
            "one_per_row_calls": found.plan.one_per_row_calls,
            "sweep_calls": found.plan.sweep_calls,
        },
    }
