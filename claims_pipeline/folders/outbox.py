"""Copies of an upload's files, and words on it, where the person who dropped the file looks."""

import glob
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from claims_pipeline.folders.result_files import (
    LINES_CSV,
    REJECTED_CSV,
    RESULTS_CSV,
    RESULTS_XLSX,
    ResultFiles,
)
from claims_pipeline.model import Outcome
from claims_pipeline.store.files import FileStore, make_folder
from claims_pipeline.store.uploads import Upload

_FILE_MODE = 0o640
# How the names of an organization's change reports begin.
CHANGES = "changes"
REFUSED_TXT, _STATUS = ".refused.txt", ".status.txt"
_OUTBOX_SUFFIXES = (RESULTS_CSV, RESULTS_XLSX, LINES_CSV, REJECTED_CSV, REFUSED_TXT, _STATUS)


def copy_to_outbox(files: FileStore, upload: Upload, written: ResultFiles, outbox: Path) -> None:
    """Put copies where the person who dropped the file looks; each appears by a rename."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    wanted = {
        RESULTS_CSV: written.results_csv,
        RESULTS_XLSX: written.results_xlsx,
        LINES_CSV: written.lines_csv if written.service_lines else None,
        REJECTED_CSV: written.rejected_csv,
    }
    for suffix, key in wanted.items():
        if key is None:
            continue
        with files.open(key) as source:
            _appear(stem.with_name(stem.name + suffix), source)
    _clear(stem)
    stem.with_name(stem.name + REFUSED_TXT).unlink(missing_ok=True)


def write_refusal(upload: Upload, outbox: Path, *, code: str, message: str) -> None:
    """Say in the outbox why a whole file was refused, and what to do."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    _appear(
        stem.with_name(stem.name + REFUSED_TXT),
        io.BytesIO(f"{message} [{code}]\n".encode()),
    )
    _clear(stem)


def write_status(upload: Upload, outbox: Path, *, has_workbook: bool = True) -> None:
    """Counts in words beside where the results will be, while a run is on."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    text = "".join(f"{line}\n" for line in _status_lines(upload, has_workbook=has_workbook))
    _appear(stem.with_name(stem.name + _STATUS), io.BytesIO(text.encode()))


def remove_from_outbox(upload: Upload, outbox: Path) -> None:
    """Remove every copy of the upload from the outbox; what is not there any more is no error."""
    if upload.outbox_name is None:
        return
    folder = outbox / upload.organization_id / upload.payer
    stem = folder / upload.outbox_name
    for suffix in _OUTBOX_SUFFIXES:
        stem.with_name(stem.name + suffix).unlink(missing_ok=True)
    if folder.is_dir():
        _clear(stem)


def outbox_files(outbox: Path) -> Iterator[Path]:
    """Every file that was put into the outbox, half written ones too; others are not ours."""
    yield from outbox.glob(f"*/{CHANGES}.*")
    for path in outbox.glob("*/*/*"):
        if path.name.endswith(_OUTBOX_SUFFIXES) or (
            path.name.startswith(".") and path.name.endswith(".part")
        ):
            yield path


def write_note(path: Path, text: BinaryIO) -> None:
    """Put a note of our own into a folder that may not be there yet; it appears by a rename."""
    make_folder(path.parent)
    _appear(path, text)


def _status_lines(upload: Upload, *, has_workbook: bool) -> Iterator[str]:
    counts = upload.counts
    yield f"upload {upload.id}"
    yield f"as of {upload.updated_at:%Y-%m-%d %H:%M:%S} UTC"
    percent = 100 * counts.with_outcome // counts.total if counts.total else 0
    yield f"rows {counts.total}, answered {counts.with_outcome} ({percent} %)"
    if upload.waiting_reason and upload.next_try_at:
        yield f"waiting: {upload.waiting_reason}, next try {upload.next_try_at:%Y-%m-%d %H:%M} UTC"
    for outcome in Outcome:
        yield f"{outcome.value} {getattr(counts, outcome.value)}"
    if not has_workbook:
        yield "results will come as CSV alone: there are too many rows for a workbook"


def _outbox_stem(upload: Upload, outbox: Path) -> Path:
    folder = outbox / upload.organization_id / upload.payer
    make_folder(folder)
    return folder / str(upload.outbox_name)


def _appear(path: Path, source: BinaryIO) -> None:
    # A name of its own: a run that was thought dead may be writing too.
    hidden = path.with_name(f".{path.name}.{uuid4()}.part")
    try:
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        hidden.replace(path)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def _clear(stem: Path) -> None:
    """Remove the status of the run, which is over, and what killed runs have left half written."""
    stem.with_name(stem.name + _STATUS).unlink(missing_ok=True)
    for hidden in stem.parent.glob(f".{glob.escape(stem.name)}.*.part"):
        hidden.unlink(missing_ok=True)
