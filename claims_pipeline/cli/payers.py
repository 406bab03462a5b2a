"""`claims-pipeline payers import` and `list`."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, OrganizationOption
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.model import AUTO, ListedPayer

payers_app = typer.Typer(help="The payers of an organization.", no_args_is_help=True)

_COLUMNS = ("payer", "payer_id", "name", "channel")
# It names folders, and stands in forms.
_SHORT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PAYER_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_TRUE = frozenset({"", "1", "y", "yes", "true"})
_FALSE = frozenset({"0", "n", "no", "false"})


@payers_app.callback()
def payers() -> None:
    """The payers that files may name, and how each is asked."""


@payers_app.command("import")
def import_payers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV of payers.")],
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
) -> None:
    """Add or replace payers from a CSV: payer (short name), payer_id, name, channel.

    It may have aliases (further names and ids, separated by |; one that ends in * stands for all
    names that begin so), channel_payer_id, timezone and active, too. Payers that the file does not
    name stay as they are.
    """
    from claims_pipeline.cli.local.local_store import open_store, opened_csv
    from claims_pipeline.store.tenants.payers import save_payers

    with opened_csv(file) as stream:
        found = list(read_payers(stream.read()))
    save_payers(open_store().engine, organization, found)
    typer.echo(f"{len(found)} payers imported.", err=True)


@payers_app.command("list")
def list_payers(*, organization: OrganizationOption = DEMO_ORGANIZATION) -> None:
    """Print one line for each: short name, payer id, name, channel, and whether it can be asked."""
    from claims_pipeline.cli.local.local_store import known_facts
    from claims_pipeline.preflight.payer_table import is_connected
    from claims_pipeline.settings import load_settings

    with known_facts(load_settings(), organization) as facts:
        for payer in facts.payers.payers:
            state = "connected" if is_connected(payer) else "not connected"
            typer.echo(f"{payer.payer}\t{payer.payer_id}\t{payer.name}\t{payer.channel}\t{state}")


def read_payers(content: bytes) -> Iterator[ListedPayer]:
    """The payers of a CSV with a header.

    Raises:
        FileRefusedError: `payers_unreadable`, `payers_columns_missing` or `payer_invalid`, the
            last naming the line.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefusedError("payers_unreadable", "Save the file as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(), restval="")
    header = {column.strip().lower() for column in reader.fieldnames or ()}
    if not header.issuperset(_COLUMNS):
        raise FileRefusedError(
            "payers_columns_missing", f"The header must name {', '.join(_COLUMNS)}."
        )
    for row in reader:
        cells = {
            column.strip().lower(): value.strip()
            for column, value in row.items()
            if isinstance(column, str) and isinstance(value, str)
        }
        yield _payer(cells, line_number=reader.line_num)


def _payer(cells: dict[str, str], *, line_number: int) -> ListedPayer:
    active = cells.get("active", "").lower()
    problem = None
    if not _SHORT_NAME.fullmatch(cells["payer"]) or cells["payer"] == AUTO:
        problem = "needs a short name of small letters, digits and hyphens, and not auto"
    elif not _PAYER_ID.fullmatch(cells["payer_id"]):
        problem = "needs a payer_id of at most 32 letters and digits"
    elif not cells["name"] or not _SHORT_NAME.fullmatch(cells["channel"]):
        problem = "needs a name and a channel"
    elif active not in _TRUE | _FALSE:
        problem = "needs yes or no in active"
    elif not _is_timezone(cells.get("timezone", "")):
        problem = "needs a timezone such as America/Chicago"
    if problem:
        raise FileRefusedError("payer_invalid", f"Line {line_number} {problem}.")
    aliases = (alias.strip() for alias in cells.get("aliases", "").split("|"))
    return ListedPayer(
        payer=cells["payer"],
        payer_id=cells["payer_id"],
        name=cells["name"],
        aliases=tuple(alias for alias in aliases if alias),
        channel=cells["channel"],
        channel_payer_id=cells.get("channel_payer_id") or None,
        timezone=cells.get("timezone") or None,
        active=active in _TRUE,
    )


def _is_timezone(name: str) -> bool:
    try:
        return not name or bool(ZoneInfo(name))
    except (KeyError, OSError, ValueError):
        return False
