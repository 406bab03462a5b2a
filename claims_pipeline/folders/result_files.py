"""An upload's files in the file store: results as CSV and XLSX, service lines, rejected rows."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO
from zipfile import ZipFile

from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline.intake.columns import canonical_positions
from claims_pipeline.intake.headers.persons import PATIENT_NAME
from claims_pipeline.model import AnsweredRow, Outcome, OutcomeCounts
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.results_file.columns import LINE_COLUMNS
from claims_pipeline.settings import Settings
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import Upload

RESULTS_CSV, RESULTS_XLSX, REJECTED_CSV = ".results.csv", ".results.xlsx", ".rejected.csv"
LINES_CSV = ".lines.csv"
_CHUNK_BYTES = 1 << 20
_SHEET_NAME = re.compile(r'<sheet name="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFiles:
    """Keys in the file store.

    `results_xlsx` is None for uploads of more rows than a workbook is written for, `rejected_csv`
    when no row was rejected. `lines` are those of the results, `service_lines` those of claims.
    """

    results_csv: str
    results_xlsx: str | None
    lines_csv: str
    rejected_csv: str | None
    lines: int = 0
    service_lines: int = 0


def has_workbook(upload: Upload, settings: Settings) -> bool:
    """Whether the upload's results come as a workbook too: very large ones do not."""
    return upload.counts.total <= settings.workbook_max_rows


def file_keys(upload: Upload) -> ResultFiles:
    """Where an upload's files lie, whether they are written yet or not."""
    folder = f"{upload.organization_id}/{upload.id}"
    return ResultFiles(
        results_csv=f"{folder}/results.csv",
        results_xlsx=f"{folder}/results.xlsx",
        lines_csv=f"{folder}/lines.csv",
        rejected_csv=f"{folder}/rejected.csv" if upload.counts.rejected else None,
    )


def name_positions(header: Sequence[str]) -> list[int]:
    """Which columns of a file hold the patient's name, the last name first."""
    positions = canonical_positions(header)
    wanted = ("last_name", "first_name", PATIENT_NAME)
    return [positions[name] for name in wanted if name in positions]


def write_files(
    engine: Engine, files: FileStore, upload: Upload, *, bom: bool, workbook: bool = True
) -> ResultFiles:
    """Write all files of the upload from its results table, each visible only when whole.

    `bom` begins a CSV with a byte order mark; `workbook` is False where there are too many rows.
    """
    keys = file_keys(upload)
    if not workbook:
        keys = replace(keys, results_xlsx=None)
    header = upload.header or ()
    lines, service_lines = _write_results(engine, files, upload, keys, bom=bom)
    if keys.rejected_csv:
        with files.writer(keys.rejected_csv) as stream:
            for chunk in rejected_rows_csv(header, stored.iterate_rejected_rows(engine, upload.id)):
                stream.write(chunk)
    return replace(keys, lines=lines, service_lines=service_lines)


def _write_results(
    engine: Engine, files: FileStore, upload: Upload, keys: ResultFiles, *, bom: bool
) -> tuple[int, int]:
    """Write the files of results in one pass over the table; returns how many lines each has."""
    header = upload.header or ()
    lines, service_lines = 0, 0
    with ExitStack() as stack:
        write_lines = stack.enter_context(
            exports.csv_writer(
                exports.result_columns(header),
                stack.enter_context(files.writer(keys.results_csv)),
                bom=bom,
            )
        )
        write_service_lines = stack.enter_context(
            exports.csv_writer(
                LINE_COLUMNS, stack.enter_context(files.writer(keys.lines_csv)), bom=bom
            )
        )
        add_to_workbook = _workbook(stack, files, upload, keys)
        for row in results.iterate_answered_rows(engine, upload.id):
            of_row = exports.lines_of(row, width=len(header), next_actions=NEXT_ACTIONS)
            write_lines(of_row)
            lines += len(of_row)
            if of_claims := exports.service_lines_of(row):
                write_service_lines(of_claims)
                service_lines += len(of_claims)
            if add_to_workbook is not None:
                add_to_workbook(row, of_row)
    return lines, service_lines


def _workbook(
    stack: ExitStack, files: FileStore, upload: Upload, keys: ResultFiles
) -> Callable[[AnsweredRow, Iterable[exports.Line]], None] | None:
    if keys.results_xlsx is None:
        return None
    header = upload.header or ()
    scratch = stack.enter_context(files.scratch())
    book = stack.enter_context(
        exports.workbook_writer(
            header,
            stack.enter_context(files.writer(keys.results_xlsx)),
            name_positions=name_positions(header),
            next_actions=NEXT_ACTIONS,
            scratch=scratch,
        )
    )
    return book.add


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
    if written.results_xlsx and _lines_in_workbook(files, written.results_xlsx) != written.lines:
        differ.append(RESULTS_XLSX)
    if _lines_in_csv(files, written.lines_csv) != written.service_lines:
        differ.append(LINES_CSV)
    if written.rejected_csv and _lines_in_csv(files, written.rejected_csv) != counts.rejected:
        differ.append(REJECTED_CSV)
    return differ


def _lines_in_csv(files: FileStore, key: str) -> int:
    with files.open(key) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        return sum(1 for _ in csv.reader(text)) - 1


def _lines_in_workbook(files: FileStore, key: str) -> int:
    """Lines of claims on all their sheets; not one cell is read, which would take minutes."""
    lines = 0
    with files.open(key) as stream, ZipFile(stream) as archive:
        names = _SHEET_NAME.findall(archive.read("xl/workbook.xml").decode())
        for number, name in enumerate(names, start=1):
            if name.startswith(exports.CLAIMS_SHEET):
                with archive.open(f"xl/worksheets/sheet{number}.xml") as sheet:
                    lines += _count(sheet, b"<row ") - 1
    return lines


def _count(stream: IO[bytes], wanted: bytes) -> int:
    found, rest = 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        chunk = rest + chunk
        found += chunk.count(wanted)
        rest = chunk[-(len(wanted) - 1) :]
    return found
