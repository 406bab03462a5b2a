"""`claims-pipeline check`: what is right and wrong in a file, and what asking it would cost."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from claims_pipeline.cli.options import (
    DEMO_ORGANIZATION,
    BatchQueryOption,
    EndDateOption,
    FileArgument,
    JsonOption,
    OrganizationOption,
    PayerOption,
    StartDateOption,
    upload_options,
)
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.model import UploadOptions

if TYPE_CHECKING:
    from claims_pipeline.preflight.check import FileCheck

_ERRORS_SHOWN = 20
_SOME_REJECTED = 1
_FILE_REFUSED = 2


def check(
    file: FileArgument,
    *,
    payer: PayerOption = "uhc",
    organization: OrganizationOption = DEMO_ORGANIZATION,
    batch_query: BatchQueryOption = True,
    start_date: StartDateOption = None,
    end_date: EndDateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is wrong with a file and what asking it would cost. Calls no payer."""
    options = upload_options(use_sweeps=batch_query, start_date=start_date, end_date=end_date)
    found = _check(file, payer=payer, organization=organization, options=options)
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    else:
        _show(found)
    if found.file_error is not None:
        raise typer.Exit(_FILE_REFUSED)
    if found.rejected:
        raise typer.Exit(_SOME_REJECTED)


def _check(file: Path, *, payer: str, organization: str, options: UploadOptions) -> "FileCheck":
    from claims_pipeline.cli.local.local_store import known_facts, opened_csv
    from claims_pipeline.payers import registry
    from claims_pipeline.planning import Terms
    from claims_pipeline.preflight.check import FileCheck, check_file
    from claims_pipeline.preflight.context import intake_context
    from claims_pipeline.settings import load_settings

    settings = load_settings()
    today = settings.payer_today()
    with known_facts(settings, organization) as facts:
        context = intake_context(settings, payer=payer, practices=facts.practices, today=today)
        capabilities = registry.capabilities_of(payer)
        terms = Terms.of(settings, capabilities=capabilities, options=options, today=today)
        try:
            with opened_csv(file) as stream:
                return check_file(
                    stream, context=context, terms=terms, observations=facts.observations
                )
        except FileRefusedError as error:
            return FileCheck(file_error=error)


def _as_json(found: "FileCheck") -> dict[str, Any]:
    error = found.file_error
    return {
        "total_rows": found.accepted + found.rejected_rows,
        "accepted_rows": found.accepted,
        "rejected_rows": found.rejected_rows,
        "file_error": error and {"code": error.code, "message": error.message},
        "errors": [
            {
                "row_number": row.row_number,
                "line_number": row.line_number,
                "column": row.column,
                "code": row.code,
                "message": row.message,
            }
            for row in found.rejected
        ],
        "warnings": [
            {"code": item.code, "count": item.count, "message": item.message}
            for item in found.warnings
        ],
        "plan": {
            "queries": found.plan.queries,
            "estimated_calls": found.plan.estimated_calls,
            "one_per_row_calls": found.plan.one_per_row_calls,
            "sweep_calls": found.plan.sweep_calls,
        },
    }


def _show(found: "FileCheck") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    if found.file_error is not None:
        console.print(escape(f"File refused: {found.file_error.message} [{found.file_error.code}]"))
        return
    total, refused = found.accepted + found.rejected_rows, found.rejected_rows
    console.print(f"{total:,} rows: {found.accepted:,} can be asked, {refused:,} cannot")
    if found.rejected:
        table = Table("row", "line", "column", "code", "what to do")
        for row in found.rejected[:_ERRORS_SHOWN]:
            table.add_row(
                str(row.row_number),
                str(row.line_number),
                row.column or "",
                row.code,
                escape(row.message),
            )
        console.print(table)
        if refused > _ERRORS_SHOWN:
            console.print(f"… and {refused - _ERRORS_SHOWN:,} more (--json shows all)")
    for item in found.warnings:
        console.print(escape(f"Note, {item.count:,} × {item.code}: {item.message}"))
    plan = found.plan
    console.print(
        f"Plan: {plan.queries:,} queries, about {plan.estimated_calls:,} calls "
        f"(one per row: {plan.one_per_row_calls:,}; sweeps only: {plan.sweep_calls:,})"
    )
    console.print(f"Waiting for the payer: {_minutes(plan.minutes)}, at a usual 7 seconds a call")
    for reason, count in plan.reasons:
        console.print(escape(f"  {count:,} × {reason}"))


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    whole = round(minutes)
    return f"about {whole} minute" + ("s" if whole > 1 else "")
