"""`claims-pipeline sandbox …`: a payer without credentials, and a realm to sign in at."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import socket

app = typer.Typer(
    help="A payer that needs no credentials, sample files for it, and a realm to sign in at.",
    no_args_is_help=True,
)

DEFAULT_PORT = 8700

SeedOption = Annotated[
    int, typer.Option(help="Chooses the made-up claims: the same seed gives the same claims.")
]
PracticesOption = Annotated[
    int, typer.Option(min=1, max=500, help="Practices in the sandbox; the second has few claims.")
]
ClaimsPerDayOption = Annotated[
    int, typer.Option(min=1, max=5000, help="Claims a day of a busy practice, on average.")
]


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 chooses a free one.")] = (
        DEFAULT_PORT
    ),
    latency_ms: Annotated[
        float, typer.Option(min=0, help="Milliseconds that each call takes.")
    ] = 300.0,
    seed: SeedOption = 7,
    faults: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON list of fault scripts.")
    ] = None,
    practices: PracticesOption = 2,
    claims_per_day: ClaimsPerDayOption = 20,
    token_lifetime_s: Annotated[
        float, typer.Option(min=1, help="Seconds that a token is valid.")
    ] = (3600.0),
) -> None:
    """Serve the payer until it is stopped."""
    from pydantic import ValidationError

    from claims_pipeline.sandbox.faults import read_scripts
    from claims_pipeline.sandbox.part import PayerOptions
    from claims_pipeline.sandbox.running import make_server, today_in
    from claims_pipeline.settings import load_settings

    try:
        scripts = read_scripts(faults.read_bytes()) if faults else []
    except ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--faults") from None
    server = make_server(
        seed=seed,
        today=today_in(load_settings().payer_timezone),
        practices=practices,
        claims_per_day=claims_per_day,
        options=PayerOptions(token_lifetime_s=token_lifetime_s),
        latency_ms=latency_ms,
        scripts=scripts,
    )
    listener = _listening(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    typer.echo(f"Sandbox payer on {address}, client sandbox, secret sandbox", err=True)
    server.run(sockets=[listener])


@app.command(name="x12")
def clearinghouse(
    *,
    folder: Annotated[
        Path, typer.Option(help="A partner's folder, with outgoing/ and incoming/ in it.")
    ],
    seed: SeedOption = 7,
    delay: Annotated[
        float, typer.Option(min=0, help="Seconds until a 277 answers; a 999 takes a quarter.")
    ] = 2.0,
    faults: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON list of faults.")
    ] = None,
    practices: PracticesOption = 2,
    claims_per_day: ClaimsPerDayOption = 20,
) -> None:
    """Be the clearinghouse beside a partner's folder, until it is stopped."""
    import threading
    from datetime import timedelta
    from functools import partial

    from pydantic import ValidationError

    from claims_pipeline.sandbox.running import today_in
    from claims_pipeline.sandbox.world.world import World
    from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
    from claims_pipeline.sandbox.x12.faults import read_scripts
    from claims_pipeline.settings import load_settings

    try:
        scripts = read_scripts(faults.read_bytes()) if faults else []
    except ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--faults") from None
    settings = load_settings()
    make_world = partial(World, practices=practices, claims_per_day=claims_per_day)
    typer.echo(f"Sandbox clearinghouse beside {folder}", err=True)
    Clearinghouse(
        outgoing=folder / "outgoing",
        incoming=folder / "incoming",
        make_world=lambda day: make_world(seed=seed, today=day),
        today=today_in(settings.payer_timezone),
        delay=timedelta(seconds=delay),
        scripts=scripts,
    ).run(threading.Event())


@app.command()
def realm(
    *,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8710,
) -> None:
    """Serve a realm in Keycloak's place, for development, until it is stopped."""
    from claims_pipeline.sandbox.realm.running import (
        make_server,
        page_settings,
        require_sandbox_place,
    )
    from claims_pipeline.settings import load_settings

    url = require_sandbox_place(load_settings(), host=host, port=port)
    server = make_server(url)
    listener = _listening(host, port)
    typer.echo(f"Sandbox realm on {url}; an upload service signs people in there with", err=True)
    for name, value in page_settings(url).items():
        typer.echo(f"  {name}={value}", err=True)
    server.run(sockets=[listener])


@app.command(name="env")
def exports(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the sandbox payer.")] = (
        DEFAULT_PORT
    ),
) -> None:
    """Print the exports with which other commands reach a sandbox payer on this machine.

    Use them with: eval "$(claims-pipeline sandbox env)"
    """
    for line in export_lines(payer_exports(port)):
        typer.echo(line)


@app.command(name="csv")
def sample(
    *,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows without the header.")] = 200,
    shape: Annotated[
        Literal["claims", "patients", "practices", "members"],
        typer.Option(help="The kind of rows; members name every payer of the sandbox in turn."),
    ] = "claims",
    seed: SeedOption = 7,
    answers: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the right answer for each row to this file."),
    ] = None,
    practices: PracticesOption = 2,
    claims_per_day: ClaimsPerDayOption = 20,
) -> None:
    """Print a CSV that a sandbox with the same options answers."""
    import contextlib
    import sys

    from claims_pipeline.sandbox.parts import sandbox_payers
    from claims_pipeline.sandbox.running import today_in
    from claims_pipeline.sandbox.samples.samples import Sampler, Shape, write_sample
    from claims_pipeline.sandbox.world.world import World
    from claims_pipeline.settings import load_settings

    world = World(
        seed=seed,
        today=today_in(load_settings().payer_timezone)(),
        practices=practices,
        claims_per_day=claims_per_day,
    )
    chosen = Shape(shape)
    with contextlib.ExitStack() as files:
        # Not the terminal's encoding: the names have accents, and the file is to be UTF-8.
        sample_file = files.enter_context(
            open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False)
        )
        answers_file = None
        if answers is not None:
            answers_file = files.enter_context(answers.open("w", encoding="utf-8", newline=""))
        write_sample(
            Sampler(world, chosen, sandbox_payers()).rows(rows),
            shape=chosen,
            sample=sample_file,
            answers=answers_file,
        )


def payer_exports(port: int) -> dict[str, str]:
    """Environment variables that lead to a sandbox payer on this machine."""
    from claims_pipeline.sandbox.parts import payer_settings

    return payer_settings(f"http://127.0.0.1:{port}")


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """One line of a shell for each variable."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def _listening(host: str, port: int) -> "socket.socket":
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        typer.echo(f"Cannot listen on {host}:{port}: {error.strerror}.", err=True)
        raise typer.Exit(1) from None
