"""Results to files: CSV and XLSX, one line for each row and claim."""

from claims_pipeline.exports.csv_file import csv_chunks, write_csv
from claims_pipeline.exports.lines import Cell, Line, lines_of, result_columns
from claims_pipeline.exports.xlsx_file import write_xlsx

__all__ = ["Cell", "Line", "csv_chunks", "lines_of", "result_columns", "write_csv", "write_xlsx"]
