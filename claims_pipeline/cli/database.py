"""`claims-pipeline db upgrade` and `claims-pipeline practices import`."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, OrganizationOption
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake.cells.people import is_npi
from claims_pipeline.model import Practice

db_app = typer.Typer(help="The database.", no_args_is_help=True)
practices_app = typer.Typer(help="The practices of an organization.", no_args_is_help=True)

_COLUMNS = ("practice_id", "tin", "name")
_TRUE = frozenset({"1", "y", "yes", "true"})
_FALSE = frozenset({"", "0", "n", "no", "false"})


@db_app.callback()
def db() -> None:
    """The database."""


@practices_app.callback()
def practices() -> None:
    """The practices of an organization."""


@db_app.command("upgrade")
def upgrade_database() -> None:
    """Create the tables, or bring them up to date. Safe to run at any time."""
    from claims_pipeline.cli.local.home import prepare_home
    from claims_pipeline.settings import load_settings
    from claims_pipeline.store.database import open_engine
    from claims_pipeline.store.migrating import upgrade

    settings = load_settings()
    prepare_home(settings)
    engine = open_engine(settings.resolved_database_url)
    upgrade(engine)
    engine.dispose()
    typer.echo("The database is up to date.", err=True)


@practices_app.command("import")
def import_practices(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV of practices.")],
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
    name: Annotated[str | None, typer.Option(help="The organization's name, if it is new.")] = None,
) -> None:
    """Add or replace practices from a CSV: practice_id, tin, name.

    It may have payer_id, is_default, npi and wire_name (the name that payers know), too.

    Practices that the file does not name stay as they are.
    """
    from claims_pipeline.cli.local.local_store import open_store, opened_csv
    from claims_pipeline.store.tenants.practices import ensure_organization

    with opened_csv(file) as stream:
        text = stream.read()
    practices = list(read_practices(text))
    store = open_store()
    ensure_organization(store.engine, organization, name or organization, practices)
    typer.echo(f"{len(practices)} practices imported.", err=True)


def read_practices(content: bytes) -> Iterator[Practice]:
    """The practices of a CSV with a header.

    Raises:
        FileRefusedError: `practices_unreadable`, `practices_columns_missing` or
            `practice_invalid`, the last naming the line.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefusedError("practices_unreadable", "Save the file as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(), restval="")
    header = {column.strip().lower() for column in reader.fieldnames or ()}
    if not header.issuperset(_COLUMNS):
        raise FileRefusedError(
            "practices_columns_missing", f"The header must name {', '.join(_COLUMNS)}."
        )
    for row in reader:
        cells = {
            column.strip().lower(): value.strip()
            for column, value in row.items()
            if isinstance(column, str) and isinstance(value, str)
        }
        yield _practice(cells, line_number=reader.line_num)


def _practice(cells: dict[str, str], *, line_number: int) -> Practice:
    tin = cells["tin"].replace("-", "")
    is_default = cells.get("is_default", "").lower()
    npi = cells.get("npi", "")
    problem = None
    if not cells["practice_id"] or not cells["name"]:
        problem = "needs a practice_id and a name"
    elif not (tin.isascii() and tin.isdigit() and len(tin) == 9):
        problem = "needs a TIN of 9 digits; spreadsheets drop leading zeros"
    elif is_default not in _TRUE | _FALSE:
        problem = "needs yes or no in is_default"
    elif npi and not is_npi(npi):
        problem = "has an NPI that cannot be right"
    if problem:
        raise FileRefusedError("practice_invalid", f"Line {line_number} {problem}.")
    return Practice(
        practice_id=cells["practice_id"],
        tin=tin,
        name=cells["name"],
        payer_id=cells.get("payer_id") or None,
        is_default=is_default in _TRUE,
        npi=npi or None,
        wire_name=cells.get("wire_name") or None,
    )
