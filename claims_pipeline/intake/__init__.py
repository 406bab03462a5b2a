"""Bytes in, requests and rejected rows out.

`read` understands a file's encoding, dialect and header, or refuses it; `Reading.chunks` gives
its rows, each either a `Request` or a `RejectedRow` with line, column, code and what to do.
"""

from claims_pipeline.intake.catalogue import DECISION_ERRORS, FILE_ERRORS, ROW_ERRORS, WARNINGS
from claims_pipeline.intake.context import IntakeContext
from claims_pipeline.intake.headers.readings import ColumnReading, HeaderRefusedError
from claims_pipeline.intake.reading.file import Reading, Survey, count_rows, read, survey
from claims_pipeline.intake.reading.prescreen import PRESCREEN_BYTES, prescreen
from claims_pipeline.intake.reading.records import LeftOut
from claims_pipeline.intake.rejected import rejected_rows_csv
from claims_pipeline.intake.rows import Chunk
from claims_pipeline.intake.tally import IntakeWarning

__all__ = [
    "DECISION_ERRORS",
    "FILE_ERRORS",
    "PRESCREEN_BYTES",
    "ROW_ERRORS",
    "WARNINGS",
    "Chunk",
    "ColumnReading",
    "HeaderRefusedError",
    "IntakeContext",
    "IntakeWarning",
    "LeftOut",
    "Reading",
    "Survey",
    "count_rows",
    "prescreen",
    "read",
    "rejected_rows_csv",
    "survey",
]
