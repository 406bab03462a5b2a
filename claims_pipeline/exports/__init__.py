"""Results to files: CSV and XLSX, one line for each row and claim, and their service lines."""

from claims_pipeline.exports.csv_file import (
    copied_text,
    csv_chunks,
    csv_writer,
    service_line_chunks,
)
from claims_pipeline.exports.lines import Cell, Line, lines_of, result_columns
from claims_pipeline.exports.one_sheet import one_sheet_workbook
from claims_pipeline.exports.service_lines import service_lines_of
from claims_pipeline.exports.xlsx_file import CLAIMS_SHEET, workbook_writer, write_xlsx

__all__ = [
    "CLAIMS_SHEET", "Cell", "Line", "copied_text", "csv_chunks", "csv_writer", "lines_of",
    "one_sheet_workbook",
    "result_columns", "service_line_chunks", "service_lines_of", "workbook_writer", "write_xlsx",
]  # fmt: skip
