"""An upload's files in the file store: results as CSV and XLSX, and the rejected rows."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from typing import IO
from zipfile import ZipFile

from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline.model import Outcome, OutcomeCounts
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import Upload

RESULTS_CSV, RESULTS_XLSX, REJECTED_CSV = ".results.csv", ".results.xlsx", ".rejected.csv"
_CHUNK_BYTES = 1 << 20


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
    return replace(keys, lines=lines)


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
        differ.append(RESULTS_CSV)
    if _lines_in_workbook(files, written.results_xlsx) != written.lines:
        differ.append(RESULTS_XLSX)
    if written.rejected_csv and _lines_in_csv(files, written.rejected_csv) != counts.rejected:
        differ.append(REJECTED_CSV)
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
