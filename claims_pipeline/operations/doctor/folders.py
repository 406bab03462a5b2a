"""Folders and files of this machine: there, ours to write, closed to everybody else."""

import os
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from claims_pipeline.folders.untaken import TAKEN_ENDINGS, is_left_alone
from claims_pipeline.operations.doctor.findings import Finding, failed, ok, warning
from claims_pipeline.settings import Settings

_OTHERS = stat.S_IRWXO
# A complete file is ingested within two turns of the sensors' loop, five seconds each.
_LONG_IN_INBOX_S = 120.0


def folders_of(settings: Settings) -> dict[str, Path]:
    """The folders that hold patients' data, by what they are; the file store's only when local."""
    folders = {
        "home": settings.resolved_home,
        "inbox": settings.resolved_inbox,
        "outbox": settings.resolved_outbox,
        "Dagster's home": settings.dagster_home,
    }
    if "://" not in settings.resolved_files:
        folders["files"] = Path(settings.resolved_files)
    return folders


def examine_folders(folders: Mapping[str, Path]) -> Iterator[Finding]:
    """Look at each folder."""
    for subject, path in folders.items():
        yield _folder(subject, path)


def examine_waiting_files(inbox: Path, now: datetime) -> Finding:
    """How long the oldest file has lain in the watched folder; none is named."""
    written = [
        path.stat().st_mtime
        for path in inbox.glob("*/*/*")
        if path.is_file()
        and path.name.lower().endswith(TAKEN_ENDINGS)
        and not is_left_alone(path.name)
    ]
    if not written:
        return ok("waiting files", "no file waits in the watched folder")
    age_s = now.timestamp() - min(written)
    message = f"{len(written)} files wait in the watched folder, the oldest for {age_s:.0f} s"
    if age_s <= _LONG_IN_INBOX_S:
        return ok("waiting files", message)
    return failed(
        "waiting files",
        f"{message}. Check that the daemon runs and its inbox_sensor is on, that this user may "
        "read the files, and that their folders are named after an organization and a payer.",
    )


def examine_secret_files(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the files that `CLAIMS_…_FILE` settings name."""
    for name, value in sorted(environ.items()):
        if not (name.startswith("CLAIMS_") and name.endswith("_FILE") and value):
            continue
        try:
            mode = Path(value).stat().st_mode
        except OSError:
            yield failed(name, "The file does not exist or cannot be read.")
            continue
        if mode & _OTHERS:
            yield warning(name, "Every user of this machine can read the secret: chmod o-rwx.")
        else:
            yield ok(name, "closed to other users")


def examine_disk(path: Path) -> Finding:
    """Whether the disk under a folder is encrypted, as far as Linux's device mapper tells."""
    try:
        device = path.stat().st_dev
    except OSError:
        return warning("disk", "The home does not exist yet.")
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    # A volume on an encrypted disk names that disk as what it lies on.
    for mapped in (block, *block.glob("slaves/*")):
        try:
            if (mapped / "dm" / "uuid").read_text(encoding="ascii").startswith("CRYPT-"):
                return ok("disk", "the disk under the home is encrypted")
        except OSError:
            continue
    return warning(
        "disk",
        "The disk under the home does not look encrypted; a cloud provider's disk may still be.",
    )


def _folder(subject: str, path: Path) -> Finding:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return warning(subject, "It does not exist yet; it is made when it is needed.")
    except OSError:
        return failed(subject, "It cannot be read; check the permissions of the folders above it.")
    if not stat.S_ISDIR(mode):
        return failed(subject, "It is not a folder.")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return failed(subject, "This user cannot write there.")
    if mode & _OTHERS:
        return failed(subject, "Every user of this machine can open it: chmod o-rwx.")
    return ok(subject, "writable, and closed to other users")
