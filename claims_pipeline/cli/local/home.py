"""Where everything lies on this machine, and what every Dagster process is told.

`CLAIMS_HOME` holds our database, files, folders and Dagster's own home. It is the only place a
command writes to unless a setting says otherwise.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import Settings

_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A prepared home: absolute paths of folders that exist."""

    path: Path
    dagster_home: Path
    logs: Path


def shipped_file(name: str) -> Path:
    """Path of `dagster.yaml` or `workspace.yaml`, in the checkout or inside an installed package.

    Raises:
        SettingsError: `installation_incomplete` when it is in neither place.

    """
    for folder in (_PACKAGE.parent, _PACKAGE):
        if (folder / name).is_file():
            return folder / name
    raise SettingsError("installation_incomplete", f"{name} is missing; install the package again.")


def prepare_home(settings: Settings) -> Home:
    """Make the home's folders and link `dagster.yaml` into Dagster's home.

    A `dagster.yaml` that somebody put there as a file of their own is left as it is. The home
    holds patients' data, so a new one is readable by its owner and group only.

    Raises:
        SettingsError: `home_unusable` when the folders cannot be made.

    """
    home = Home(
        path=settings.resolved_home,
        dagster_home=settings.dagster_home,
        logs=settings.resolved_home / "logs",
    )
    try:
        for folder in (home.path, home.dagster_home, home.logs):
            folder.mkdir(mode=0o770, parents=True, exist_ok=True)
        _link(shipped_file("dagster.yaml"), home.dagster_home / "dagster.yaml")
    except OSError:
        raise SettingsError(
            "home_unusable", "CLAIMS_HOME must name a folder that can be written to."
        ) from None
    return home


def process_environment(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment for a Dagster process: `environ` (default: ours) and what it must have.

    Dagster's processes change directory, so the home goes to them as an absolute path.
    """
    environment = dict(os.environ if environ is None else environ)
    environment["CLAIMS_HOME"] = str(settings.resolved_home)
    environment["DAGSTER_HOME"] = str(settings.dagster_home)
    # The second wall against patients' data in Dagster's event log; ours is the first.
    environment["DAGSTER_REDACT_USER_CODE_ERRORS"] = "1"
    return environment


def _link(target: Path, link: Path) -> None:
    if link.exists() and not link.is_symlink():
        return
    if link.is_symlink() and link.readlink() == target:
        return
    # Made beside and renamed, so that a daemon that starts meanwhile always finds one.
    beside = link.with_name(f".{link.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
