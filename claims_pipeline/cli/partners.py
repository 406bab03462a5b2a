"""`claims-pipeline x12 …`: mailboxes at clearinghouses, for the channel of 276 and 277 files."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from claims_pipeline.cli.options import DEMO_ORGANIZATION, OrganizationOption
from claims_pipeline.errors import FileRefusedError
from claims_pipeline.payers.x12.partner import Partner, problems_of
from claims_pipeline.payers.x12.segments import Separators

x12_app = typer.Typer(
    help="Ask payers by 276 and 277 files, through a clearinghouse's mailbox.", no_args_is_help=True
)
partners_app = typer.Typer(help="Partners: mailboxes at clearinghouses.", no_args_is_help=True)
x12_app.add_typer(partners_app, name="partners")

_NEEDED = (
    "name",
    "sender_qualifier",
    "sender_id",
    "receiver_qualifier",
    "receiver_id",
    "submitter_id",
    "submitter_name",
    "usage",
)
_SEPARATORS = {
    "element_separator": "element",
    "component_separator": "component",
    "repetition_separator": "repetition",
    "segment_terminator": "terminator",
}
_NUMBERS = (
    "claims_per_set",
    "sets_per_file",
    "max_file_bytes",
    "deadline_days",
    "resend_minutes",
)
_SWITCHES = ("wants_ta1", "line_ends", "active")
_ANSWERS = {"yes": True, "y": True, "1": True, "true": True} | {
    "no": False,
    "n": False,
    "0": False,
    "false": False,
}


@partners_app.command("import")
def import_partners(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV of partners.")],
    *,
    organization: OrganizationOption = DEMO_ORGANIZATION,
) -> None:
    """Add or replace partners from a CSV; docs/x12.md explains its columns.

    Partners that the file does not name stay as they are, and control numbers go on.
    """
    from claims_pipeline.cli.local.local_store import open_store, opened_csv
    from claims_pipeline.store.x12.partners import save_partners

    with opened_csv(file) as stream:
        found = list(read_partners(stream.read(), organization=organization))
    save_partners(open_store().engine, organization, found)
    typer.echo(f"{len(found)} partners imported.", err=True)


@partners_app.command("list")
def list_partners(*, organization: OrganizationOption = DEMO_ORGANIZATION) -> None:
    """Print one line for each: name, usage, folders, inquiries queued, awaited and overdue."""
    from datetime import UTC, datetime

    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.store.database import reading
    from claims_pipeline.store.x12.partners import awaited, list_partners

    store = open_store()
    with reading(store.engine) as connection:
        found = awaited(connection, datetime.now(UTC))
    waiting = {one.partner: one for one in found if one.organization_id == organization}
    for partner in list_partners(store.engine, organization):
        of_partner = waiting.get(partner.name)
        counts = (of_partner.queued, of_partner.awaited, of_partner.overdue) if of_partner else ()
        queued, sent, overdue = counts or (0, 0, 0)
        usage = "production" if partner.usage == "P" else "test"
        state = usage if partner.active else "not active"
        typer.echo(
            f"{partner.name}\t{state}\t{partner.outgoing}\t{partner.incoming}"
            f"\t{queued} queued\t{sent} awaited\t{overdue} overdue"
        )


@x12_app.command()
def courier(
    partner: Annotated[str, typer.Argument(help="The partner's name.")],
    *,
    host: Annotated[str, typer.Option(help="The clearinghouse's SFTP server.")],
    user: Annotated[str, typer.Option(help="The user there.")],
    known_hosts: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="File with the server's host key.")
    ],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 22,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Private key to sign in with.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the password.")
    ] = None,
    remote_outgoing: Annotated[
        str, typer.Option(help="Folder of the server where our files go.")
    ] = "outgoing",
    remote_incoming: Annotated[
        str, typer.Option(help="Folder of the server where answers lie.")
    ] = "incoming",
    every: Annotated[float, typer.Option(min=1, help="Seconds between two rounds.")] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Carry what is there, and end.")] = False,
    organization: OrganizationOption = DEMO_ORGANIZATION,
) -> None:
    """Carry a partner's files to and from its clearinghouse by SFTP, until it is stopped."""
    import asyncio

    from claims_pipeline.cli.local.local_store import open_store
    from claims_pipeline.errors import InputError
    from claims_pipeline.folders.mailbox.courier import (
        Carried,
        Courier,
        CourierError,
        Route,
        carry_on,
    )
    from claims_pipeline.folders.mailbox.mailbox import Mailbox
    from claims_pipeline.store.x12.partners import list_partners

    store = open_store()
    known = {one.name: one for one in list_partners(store.engine, organization)}
    if partner not in known:
        raise InputError("partner_unknown", "There is no partner of this name.")
    mailbox = Mailbox(
        organization_id=organization, partner=known[partner], base=store.settings.x12_folder
    )
    route = Route(
        host=host,
        port=port,
        user=user,
        known_hosts=known_hosts,
        key=key,
        password=password_file.read_text(encoding="utf-8").strip() if password_file else None,
        remote_outgoing=remote_outgoing,
        remote_incoming=remote_incoming,
    )

    def tell(outcome: Carried | CourierError) -> None:
        if isinstance(outcome, CourierError):
            typer.echo(f"{outcome.message} [{outcome.code}]", err=True)
        elif outcome.sent or outcome.fetched or outcome.left or once:
            typer.echo(
                f"{outcome.sent} sent, {outcome.fetched} fetched, {outcome.left} left", err=True
            )

    if once:
        tell(asyncio.run(Courier(mailbox, route).carry_until_stable()))
    else:
        asyncio.run(carry_on(Courier(mailbox, route), every_s=every, on_round=tell))


def read_partners(content: bytes, *, organization: str) -> Iterator[Partner]:
    """The partners of a CSV with a header.

    Raises:
        FileRefusedError: `partners_unreadable`, `partners_columns_missing` or `partner_invalid`,
            the last naming the line.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefusedError("partners_unreadable", "Save the file as CSV UTF-8.") from None
    reader = csv.DictReader(text.splitlines(), restval="")
    header = {column.strip().lower() for column in reader.fieldnames or ()}
    if not header.issuperset(_NEEDED):
        raise FileRefusedError(
            "partners_columns_missing", f"The header must name {', '.join(_NEEDED)}."
        )
    for row in reader:
        cells = {
            column.strip().lower(): value.strip()
            for column, value in row.items()
            if isinstance(column, str) and isinstance(value, str)
        }
        yield _partner(cells, organization=organization, line_number=reader.line_num)


def _partner(cells: Mapping[str, str], *, organization: str, line_number: int) -> Partner:
    def refuse(problem: str) -> FileRefusedError:
        return FileRefusedError("partner_invalid", f"Line {line_number} {problem}.")

    name = cells["name"]
    below = name if organization == DEMO_ORGANIZATION else f"{organization}/{name}"
    usage = cells["usage"].upper()
    if usage not in {"T", "P"}:
        raise refuse("needs T (test) or P (production) in usage")
    partner = Partner(
        name=name,
        sender_qualifier=cells["sender_qualifier"],
        sender_id=cells["sender_id"],
        receiver_qualifier=cells["receiver_qualifier"],
        receiver_id=cells["receiver_id"],
        application_sender=cells.get("application_sender") or cells["sender_id"],
        application_receiver=cells.get("application_receiver") or cells["receiver_id"],
        submitter_id=cells["submitter_id"],
        submitter_name=cells["submitter_name"].upper(),
        usage="P" if usage == "P" else "T",
        outgoing=cells.get("outgoing") or f"{below}/outgoing",
        incoming=cells.get("incoming") or f"{below}/incoming",
        payers=tuple(one for one in map(str.strip, cells.get("payers", "").split("|")) if one),
    )
    signs = {
        field: _sign(cells[column]) for column, field in _SEPARATORS.items() if cells.get(column)
    }
    changes: dict[str, Any] = {"separators": replace(Separators(), **signs)}
    for column in _NUMBERS:
        if text := cells.get(column, ""):
            if not text.isdecimal():
                raise refuse(f"needs a whole number in {column}")
            changes[column] = int(text)
    for column in _SWITCHES:
        if text := cells.get(column, "").lower():
            if text not in _ANSWERS:
                raise refuse(f"needs yes or no in {column}")
            changes[column] = _ANSWERS[text]
    partner = replace(partner, **changes)
    for problem in problems_of(partner):
        raise refuse(problem)
    return partner


def _sign(text: str) -> str:
    """A separator as it is, or as 0x and two digits of its code."""
    if len(text) == 4 and text.lower().startswith("0x"):
        try:
            return chr(int(text, 16))
        except ValueError:
            return text
    return text
