"""An upload's files in the file store: results as CSV and XLSX, and the rejected rows."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from claims_pipeline import exports
from claims_pipeline.errors import InvariantError
from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline.model import Outcome, OutcomeCounts
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.store.files import FileStore
from claims_pipeline.store.rows import results, stored
from claims_pipeline.store.uploads import Upload


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


def verify_files(files: FileStore, written: ResultFiles, counts: OutcomeCounts) -> None:
    """Hold the results CSV against the counted results table (I5).

    Raises:
        InvariantError: `files_differ`.

    """
    in_file = outcomes_in_file(files, written.results_csv)
    in_table = {outcome.value: getattr(counts, outcome.value) for outcome in Outcome}
    if {k: v for k, v in in_table.items() if v} != dict(in_file):
        raise InvariantError(
            "files_differ", "The results file and the results table differ; run results_files."
        )
