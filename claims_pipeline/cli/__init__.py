"""The command `claims-pipeline`: parses arguments, shows errors as one line, nothing else.

Commands import what they need when they run, so that `--help` answers at once. No command shows a
traceback: what an error says of a patient must not reach a terminal's log.
"""

import importlib.metadata
import signal
import sys
from typing import Annotated

import typer

from claims_pipeline.cli import api, audit, check, database, demo, doctor, purge, run
from claims_pipeline.cli.local.processes import let_children_be_interrupted
from claims_pipeline.cli.organizations import organizations_app
from claims_pipeline.cli.partners import x12_app
from claims_pipeline.cli.payers import payers_app
from claims_pipeline.cli.remote import uploads
from claims_pipeline.cli.sandbox import app as sandbox_app
from claims_pipeline.cli.worker import worker_app
from claims_pipeline.errors import ClaimsError, FileRefusedError, described_without_values

_FAILED = 1
_FILE_REFUSED = 2
_USAGE = 2
_INTERNAL_ERROR = 70
_INTERRUPTED = 130

app = typer.Typer(
    help="A CSV of medical claims in, an answer from the payer for every row out.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(importlib.metadata.version("claims-pipeline"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(_USAGE)


app.command()(check.check)
app.command()(run.run)
app.command()(demo.demo)
app.command()(demo.dev)
app.command()(uploads.upload)
app.command("list")(uploads.list_)
app.command()(uploads.status)
app.command()(uploads.watch)
app.command()(uploads.cancel)
app.command()(uploads.retry)
app.command()(uploads.download)
app.command()(audit.audit)
app.command()(purge.purge)
app.command()(doctor.doctor)
app.add_typer(organizations_app, name="organizations")
app.add_typer(database.practices_app, name="practices")
app.add_typer(payers_app, name="payers")
app.add_typer(x12_app, name="x12")
app.add_typer(database.db_app, name="db")
app.add_typer(api.api_app, name="api")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(worker_app, name="worker")


def main() -> None:
    """Run the command of this process's arguments and exit with its code."""
    # A service manager's SIGTERM ends commands as Ctrl-C does, so that they stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    let_children_be_interrupted()
    try:
        app()
    except FileRefusedError as error:
        _fail(f"{error.message} [{error.code}]", _FILE_REFUSED)
    except ClaimsError as error:
        _fail(f"{error.message} [{error.code}]", _FAILED)
    except KeyboardInterrupt:
        _fail("interrupted", _INTERRUPTED)
    except Exception as error:
        if _is_database_away(error):
            _fail(
                "The database cannot be reached. Check CLAIMS_DATABASE_URL, and that it runs. "
                "[database_unreachable]",
                _FAILED,
            )
        _fail(described_without_values(error), _INTERNAL_ERROR)


def _is_database_away(error: Exception) -> bool:
    """Whether a connection could not be made; other errors of the database are ours."""
    # Imported by whoever could have raised it.
    alchemy = sys.modules.get("sqlalchemy.exc")
    return alchemy is not None and isinstance(error, alchemy.OperationalError)


def _fail(line: str, code: int) -> None:
    print(f"claims-pipeline: {line}", file=sys.stderr)
    sys.exit(code)
