"""`claims-pipeline demo` and `dev`: everything on one machine, with the sandbox as the payer."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims_pipeline.cli.local.ports import WantedPort, require_free_ports
from claims_pipeline.cli.local.processes import (
    Processes,
    free_port,
    installed_command,
    port_answers,
)
from claims_pipeline.cli.options import DEMO_ORGANIZATION, shown_path
from claims_pipeline.cli.sandbox import DEFAULT_PORT, export_lines, payer_exports
from claims_pipeline.model import AUTO, DEFAULT_PAYER

if TYPE_CHECKING:
    from rich.console import Console

    from claims_pipeline.cli.local.local_store import LocalStore

_SEED = 7
_PAYER = DEFAULT_PAYER
# The sample names the payer of each of its rows.
_SAMPLE_FOLDER = AUTO
_LOCATION = "claims_pipeline"
_STARTS_WITHIN_S = 120.0
_TAKEN_WITHIN_S = 180.0
_DONE_WITHIN_S = 600.0


def demo(
    rows: Annotated[int, typer.Option(min=1, max=100_000, help="Rows in the sample.")] = 200,
) -> None:
    """Drop a sample CSV into the watched folder of a real daemon, with the sandbox as the payer."""
    from rich.console import Console

    from claims_pipeline.cli.local.home import shipped_file

    console = Console(stderr=True, highlight=False)
    port = free_port()
    with _stack(port=port, home=_demo_home()) as (store, processes):
        console.print(f"Home of this demo: {shown_path(store.home.path)}", soft_wrap=True)
        # Started before the sandbox answers: each of them takes seconds to import.
        _start_daemon(processes, shipped_file("workspace.yaml"))
        _wait_for_port(processes, port, "the sandbox")
        earlier = _newest_upload(store)
        _drop_sample(store, rows, console)
        upload_id = _watch(store, processes, earlier=earlier)
    _report(store, upload_id)


def dev(
    port: Annotated[int, typer.Option(help="Port of Dagster's UI.")] = 3000,
    sandbox_port: Annotated[int, typer.Option(help="Port of the sandbox payer.")] = DEFAULT_PORT,
    api_port: Annotated[int, typer.Option(help="Port of the upload page and its API.")] = 8000,
    realm_port: Annotated[int, typer.Option(help="Port of the sandbox realm.")] = 8710,
) -> None:
    """Run the upload page, Dagster's UI, its daemon and a sandbox payer until Ctrl-C.

    People sign in at the Keycloak of the settings, or without one at a sandbox realm.
    """
    from rich.console import Console

    from claims_pipeline.cli.local.local_store import demo_practices
    from claims_pipeline.settings import load_settings
    from claims_pipeline.store.tenants.practices import ensure_organization

    console = Console(stderr=True, highlight=False)
    has_keycloak = load_settings().keycloak_url is not None
    realm = WantedPort(number=realm_port, what="the sandbox realm", variable="REALM_PORT")
    require_free_ports(
        "dev",
        [
            WantedPort(number=api_port, what="the upload page", variable="API_PORT"),
            WantedPort(number=port, what="Dagster's UI", variable="PORT"),
            WantedPort(number=sandbox_port, what="the sandbox payer", variable="SANDBOX_PORT"),
            *([] if has_keycloak else [realm]),
        ],
    )
    with _stack(port=sandbox_port, home=None) as (store, processes):
        workspace = _start_code_server(
            processes, store.home.path, page_url=f"http://127.0.0.1:{api_port}"
        )
        processes.start(
            "webserver",
            (
                *(sys.executable, "-m", "claims_pipeline.orchestration.webserver"),
                *("--host", "127.0.0.1", "--port", str(port), "--workspace", str(workspace)),
            ),
        )
        # The development realms have users of two organizations.
        ensure_organization(store.engine, "other", "Other", demo_practices())
        sign_in = {} if has_keycloak else _start_realm(processes, realm_port)
        _start_api(processes, api_port, dagster_url=f"http://127.0.0.1:{port}", sign_in=sign_in)
        _wait_for_port(processes, sandbox_port, "the sandbox")
        if not has_keycloak:
            _wait_for_port(processes, realm_port, "the sandbox realm")
        _wait_for_port(processes, api_port, "the upload service")
        _wait_for_port(processes, port, "Dagster's UI")
        _start_clearinghouse(store, processes)
        # Not before: in a new home both make Dagster's SQLite tables, and one of them would end.
        _start_daemon(processes, workspace)
        _tell_where(store, console, port=port, api_port=api_port, realm=sign_in)
        console.print(f"Sandbox payer:  http://127.0.0.1:{sandbox_port}")
        console.print(f"Clearinghouse:  {_demo_mailbox(store)}", soft_wrap=True)
        _tell_how_to_join(store, console, sandbox_port=sandbox_port)
        console.print("Ctrl-C stops everything.")
        processes.wait_until(lambda: False, what="Ctrl-C", timeout_s=float("inf"), poll_s=0.5)


def _tell_where(
    store: "LocalStore", console: "Console", *, port: int, api_port: int, realm: Mapping[str, str]
) -> None:
    """Print the addresses, the page's first; `realm` has the settings of the sandbox realm."""
    page, settings = f"http://127.0.0.1:{api_port}", store.settings
    if realm or settings.keycloak_client_id is not None:
        console.print(f"Upload page:    {page}/")
    else:
        console.print("Upload page:    needs CLAIMS_KEYCLOAK_CLIENT_ID, the page's own client")
    where = realm.get("CLAIMS_KEYCLOAK_URL") or settings.keycloak_url
    console.print(
        f"Sign in at:     {where}{' (as anybody you like)' if realm else ''}", soft_wrap=True
    )
    console.print(f"API:            {page}/api/v1/claims/")
    console.print(f"Dagster:        http://127.0.0.1:{port}")
    folder = settings.resolved_inbox / DEMO_ORGANIZATION / _PAYER
    console.print(f"Drop files in:  {folder}", soft_wrap=True)
    console.print(f"Logs:           {store.home.logs}", soft_wrap=True)


def _tell_how_to_join(store: "LocalStore", console: "Console", *, sandbox_port: int) -> None:
    """Print what a second terminal needs: the exports, and where files to try come from."""
    home = {"CLAIMS_HOME": str(store.home.path)}
    console.print("\nCommands in another terminal work with this home and payer after")
    for line in export_lines({**home, **payer_exports(sandbox_port)}):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    console.print("Sample files:")
    console.print(
        f"  {shown_path(Path(installed_command('claims-pipeline')))} sandbox csv --rows 200 "
        "--shape patients > sample.csv\n",
        soft_wrap=True,
        markup=False,
    )


@contextmanager
def _stack(*, port: int, home: Path | None) -> "Iterator[tuple[LocalStore, Processes]]":
    """The sandbox on `port`, the store of the demo organization, and room for processes."""
    from claims_pipeline.cli.local.home import process_environment
    from claims_pipeline.cli.local.local_store import open_store, practices_of
    from claims_pipeline.errors import SettingsError
    from claims_pipeline.settings import load_settings

    if load_settings().environment == "production":
        raise SettingsError(
            "sandbox_in_production",
            "The sandbox cannot be used with CLAIMS_ENVIRONMENT=production.",
        )
    os.environ.update(payer_exports(port))
    if home is not None:
        os.environ["CLAIMS_HOME"] = str(home)
    store = open_store()
    practices_of(store, DEMO_ORGANIZATION)
    with Processes(
        logs=store.home.logs, environment=process_environment(store.settings)
    ) as processes:
        processes.start(
            "sandbox",
            (
                installed_command("claims-pipeline"),
                *("sandbox", "serve", "--port", str(port), "--seed", str(_SEED)),
            ),
        )
        yield store, processes


def _wait_for_port(processes: Processes, port: int, what: str) -> None:
    processes.wait_until(lambda: port_answers(port), what=what, timeout_s=_STARTS_WITHIN_S)


def _demo_home() -> Path | None:
    """A new home for each demo, unless the person has named one."""
    if os.environ.get("CLAIMS_HOME"):
        return None
    parent = Path(".claims").absolute()
    parent.mkdir(mode=0o770, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir=parent))


def _start_daemon(processes: Processes, workspace: Path) -> None:
    processes.start(
        "daemon", (installed_command("dagster-daemon"), "run", "--workspace", str(workspace))
    )


def _start_code_server(processes: Processes, home: Path, *, page_url: str) -> Path:
    """Start the process that holds the definitions; the workspace file that leads there.

    Without it webserver and daemon load them each for itself, and the daemon anew every minute.
    """
    port = free_port()
    processes.start(
        "code-server",
        (
            # Not `code-server start`: its inner server ends for good once a busy machine leaves it
            # without a heartbeat for 30 seconds, and no run can be launched any more.
            *(sys.executable, "-m", "claims_pipeline.orchestration.code_server"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ),
        # Runs inherit it, and link each upload to its page.
        environment={"CLAIMS_API_URL": page_url},
    )
    _wait_for_port(processes, port, "the code server")
    workspace = home / "workspace.yaml"
    workspace.write_text(
        "load_from:\n"
        f"  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {_LOCATION}}}\n",
        encoding="utf-8",
    )
    return workspace


def _demo_mailbox(store: "LocalStore") -> Path:
    """The folder of the demo organization's partner."""
    return store.settings.x12_folder / DEMO_ORGANIZATION


def _start_clearinghouse(store: "LocalStore", processes: Processes) -> None:
    """Start the clearinghouse beside the demo organization's partner, with the sandbox's world."""
    processes.start(
        "clearinghouse",
        (
            installed_command("claims-pipeline"),
            *("sandbox", "x12", "--folder", str(_demo_mailbox(store)), "--seed", str(_SEED)),
        ),
    )


def _start_realm(processes: Processes, port: int) -> dict[str, str]:
    """Start the sandbox realm; the settings with which the upload service signs people in there."""
    from claims_pipeline.sandbox.realm.running import page_settings, require_sandbox_place
    from claims_pipeline.settings import load_settings

    url = require_sandbox_place(load_settings(), host="127.0.0.1", port=port)
    processes.start(
        "realm",
        (installed_command("claims-pipeline"), "sandbox", "realm", "--port", str(port)),
    )
    return page_settings(url)


def _start_api(
    processes: Processes, port: int, *, dagster_url: str, sign_in: Mapping[str, str]
) -> None:
    processes.start(
        "api",
        (installed_command("claims-pipeline"), "api", "serve", "--port", str(port)),
        environment={
            "CLAIMS_DAGSTER_GRAPHQL_URL": f"{dagster_url}/graphql",
            "CLAIMS_DAGSTER_UI_URL": dagster_url,
            **sign_in,
        },
    )


def _drop_sample(store: "LocalStore", rows: int, console: "Console") -> None:
    import subprocess

    from claims_pipeline.store.files import make_folder

    sample = subprocess.run(  # noqa: S603 - our own command
        (
            installed_command("claims-pipeline"),
            *("sandbox", "csv", "--rows", str(rows), "--shape", "members", "--seed", str(_SEED)),
        ),
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    folder = store.settings.resolved_inbox / DEMO_ORGANIZATION / _SAMPLE_FOLDER
    make_folder(folder)
    # Written under another name first: the watched folder takes whole files only.
    part = folder / "sample.csv.part"
    part.write_bytes(sample)
    part.rename(folder / "sample.csv")
    console.print(f"Dropped:           {shown_path(folder / 'sample.csv')}", soft_wrap=True)


def _newest_upload(store: "LocalStore") -> str | None:
    from claims_pipeline.store.uploads import list_uploads

    page = list_uploads(store.engine, organization_id=DEMO_ORGANIZATION, page_size=1)
    return page.uploads[0].id if page.uploads else None


def _watch(store: "LocalStore", processes: Processes, *, earlier: str | None) -> str:
    """Show progress until the dropped file's upload has ended, files and all; its id."""
    from claims_pipeline.cli.local.running import existing_upload, is_over
    from claims_pipeline.cli.summary import UploadProgress

    with UploadProgress() as progress:
        progress.say("daemon")
        processes.wait_until(
            lambda: _newest_upload(store) != earlier,
            what="the daemon to take the file",
            timeout_s=_TAKEN_WITHIN_S,
        )
        upload_id = _newest_upload(store) or ""

        def has_ended() -> bool:
            upload = existing_upload(store, upload_id)
            progress.update(upload)
            return is_over(store, upload)

        processes.wait_until(has_ended, what="the results", timeout_s=_DONE_WITHIN_S)
    return upload_id


def _report(store: "LocalStore", upload_id: str) -> None:
    from rich.console import Console

    from claims_pipeline.cli.summary import show, summarise

    show(summarise(store, upload_id), Console(highlight=False))
    outbox = store.settings.resolved_outbox / DEMO_ORGANIZATION / _SAMPLE_FOLDER
    typer.echo(f"outbox: {shown_path(outbox)}")
