"""Writes an upload's files: results CSV and XLSX, rejected rows, and the outbox's copies."""

import csv
import glob
import io
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO
from uuid import uuid4
from zipfile import ZipFile

from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.folders.inbox import make_folder
from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline.model import Outcome, OutcomeCounts
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import Upload

_FILE_MODE = 0o640
_CHUNK_BYTES = 1 << 20
_RESULTS_CSV, _RESULTS_XLSX, _REJECTED_CSV = ".results.csv", ".results.xlsx", ".rejected.csv"
_REFUSED, _STATUS = ".refused.txt", ".status.txt"
_OUTBOX_SUFFIXES = (_RESULTS_CSV, _RESULTS_XLSX, _REJECTED_CSV, _REFUSED, _STATUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFiles:
    """Keys in the file store; `rejected_csv` is None when no row was rejected."""

    results_csv: str
    results_xlsx: str
    rejected_csv: str | None
    lines: int


def file_keys(upload: Upload) -> ResultFiles:
    """Where an upload's files lie, whether they are written yet or not."""
    folder = f"{upload.organization_id}/{upload.id}"
    return ResultFiles(
        results_csv=f"{folder}/results.csv",
        results_xlsx=f"{folder}/results.xlsx",
        rejected_csv=f"{folder}/rejected.csv" if upload.counts.rejected else None,
        lines=0,
    )


def write_files(engine: Engine, files: FileStore, upload: Upload, *, bom: bool) -> ResultFiles:
    """Write all files of the upload from its results table, each visible only when whole."""
    keys = file_keys(upload)
    header = upload.header or ()
    with files.writer(keys.results_csv) as stream:
        lines = exports.write_csv(
            results.iterate_answered_rows(engine, upload.id),
            header,
            stream,
            next_actions=NEXT_ACTIONS,
            bom=bom,
        )
    with files.scratch() as scratch, files.writer(keys.results_xlsx) as stream:
        exports.write_xlsx(
            results.iterate_answered_rows(engine, upload.id),
            header,
            stream,
            next_actions=NEXT_ACTIONS,
            scratch=scratch,
        )
    if keys.rejected_csv:
        with files.writer(keys.rejected_csv) as stream:
            for chunk in rejected_rows_csv(header, stored.iterate_rejected_rows(engine, upload.id)):
                stream.write(chunk)
    return ResultFiles(
        results_csv=keys.results_csv,
        results_xlsx=keys.results_xlsx,
        rejected_csv=keys.rejected_csv,
        lines=lines,
    )


def outcomes_in_file(files: FileStore, key: str) -> Counter[str]:
    """Count the input rows of a results CSV by outcome: its primary lines."""
    with files.open(key) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = csv.DictReader(text)
        return Counter(line["outcome"] for line in reader if line["primary"] == "Y")


def files_that_differ(files: FileStore, written: ResultFiles, counts: OutcomeCounts) -> list[str]:
    """Read the written files back; the endings of those that do not hold the table's rows (I5)."""
    in_table = {outcome.value: getattr(counts, outcome.value) for outcome in Outcome}
    expected = {outcome: rows for outcome, rows in in_table.items() if rows}
    differ = []
    if dict(outcomes_in_file(files, written.results_csv)) != expected:
        differ.append(_RESULTS_CSV)
    if _lines_in_workbook(files, written.results_xlsx) != written.lines:
        differ.append(_RESULTS_XLSX)
    if written.rejected_csv and _lines_in_csv(files, written.rejected_csv) != counts.rejected:
        differ.append(_REJECTED_CSV)
    return differ


def _lines_in_csv(files: FileStore, key: str) -> int:
    with files.open(key) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        return sum(1 for _ in csv.reader(text)) - 1


def _lines_in_workbook(files: FileStore, key: str) -> int:
    """Rows of all sheets but their headers; not one cell is read, which would take minutes."""
    lines = 0
    with files.open(key) as stream, ZipFile(stream) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                with archive.open(name) as sheet:
                    lines += _count(sheet, b"<row ") - 1
    return lines


def _count(stream: IO[bytes], wanted: bytes) -> int:
    found, rest = 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        chunk = rest + chunk
        found += chunk.count(wanted)
        rest = chunk[-(len(wanted) - 1) :]
    return found


def copy_to_outbox(files: FileStore, upload: Upload, written: ResultFiles, outbox: Path) -> None:
    """Put copies where the person who dropped the file looks; each appears by a rename."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    wanted = {_RESULTS_CSV: written.results_csv, _RESULTS_XLSX: written.results_xlsx}
    if written.rejected_csv:
        wanted[_REJECTED_CSV] = written.rejected_csv
    for suffix, key in wanted.items():
        with files.open(key) as source:
            _appear(stem.with_name(stem.name + suffix), source)
    _clear(stem)
    stem.with_name(stem.name + _REFUSED).unlink(missing_ok=True)


def write_refusal(upload: Upload, outbox: Path, *, code: str, message: str) -> None:
    """Say in the outbox why a whole file was refused, and what to do."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    _appear(
        stem.with_name(stem.name + _REFUSED),
        io.BytesIO(f"{message} [{code}]\n".encode()),
    )
    _clear(stem)


def write_status(upload: Upload, outbox: Path) -> None:
    """Counts in words beside where the results will be, while a run is on."""
    if upload.outbox_name is None:
        return
    stem = _outbox_stem(upload, outbox)
    text = "".join(f"{line}\n" for line in _status_lines(upload))
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
    for path in outbox.glob("*/*/*"):
        if path.name.endswith(_OUTBOX_SUFFIXES) or (
            path.name.startswith(".") and path.name.endswith(".part")
        ):
            yield path


def _status_lines(upload: Upload) -> Iterator[str]:
    counts = upload.counts
    yield f"rows {counts.total}, answered {counts.with_outcome}"
    if upload.waiting_reason and upload.next_try_at:
        yield f"waiting: {upload.waiting_reason}, next try {upload.next_try_at:%Y-%m-%d %H:%M} UTC"
    for outcome in Outcome:
        yield f"{outcome.value} {getattr(counts, outcome.value)}"


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
