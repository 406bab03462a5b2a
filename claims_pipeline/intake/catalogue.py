"""Every way in which intake says no, or take care, as data: the code and what to do.

Codes are stable: files, programs and people refer to them. The sentences never repeat a value.
The reference in docs/csv.md is written from here.
"""

from claims_pipeline.errors import FileRefusedError

FILE_ERRORS: dict[str, str] = {
    "file_empty": "The file is empty. Export it again and check that it has a header and rows.",
    "header_only": "The file has a header and no rows. Add at least one row.",
    "no_usable_header": (
        "The first line does not name the columns. Begin the file with a line such as "
        "claim_number,first_name,last_name,date_of_birth and save as CSV UTF-8."
    ),
    "columns_missing": (
        "Columns that every row needs are missing. Add first_name, last_name and date_of_birth."
    ),
    "columns_repeated": "Two columns mean the same. Keep one of them.",
    "too_many_columns": "The file has more than 16,000 columns. Remove those that are not needed.",
    "binary_content": (
        "This is not a CSV file but a workbook, an archive, a picture or another kind of file. "
        "Open it in your spreadsheet program and save as CSV UTF-8."
    ),
    "undecodable": (
        "The file's characters cannot be read. Open it in your spreadsheet program and save as "
        "CSV UTF-8."
    ),
    "line_too_long": (
        "A line of the file is longer than four million characters. Check that it is a CSV file, "
        "and save as CSV UTF-8."
    ),
    "file_too_large": "The file is larger than allowed. Split it into several files.",
    "too_many_rows": "The file has more rows than allowed. Split it into several files.",
}

ROW_ERRORS: dict[str, str] = {
    "wrong_number_of_columns": (
        "The row has more or fewer cells than the header. Put cells that contain the separator "
        "in quotation marks."
    ),
    "unclosed_quote": (
        "A quotation mark opens a cell and is not closed as it should be. Remove it, or write it "
        "twice where it belongs to the text."
    ),
    "cell_too_long": "A cell holds more than 32,767 characters. Shorten it.",
    "nul_byte": "The row holds a NUL character, a sign of damage. Type its cells anew.",
    "required": "The cell is empty. Fill it in: every row needs names and a date of birth.",
    "formula_text": "The cell holds a formula. Replace it by its value.",
    "unreadable_character": "The cell holds a character that was damaged. Type it anew.",
    "value_too_long": "The value is too long for this column. Check that the columns are in place.",
    "name_without_letters": "The name holds no letter. Enter the patient's name.",
    "scientific_notation": (
        "The number was turned into scientific notation and its digits are lost. Format the "
        "column as text and enter the number again."
    ),
    "date_unreadable": "The date cannot be read. Write it as MM/DD/YYYY.",
    "date_two_digit_year": "The year has two digits. Write the date as MM/DD/YYYY.",
    "date_impossible": "There is no such day. Check month, day and year; write MM/DD/YYYY.",
    "date_is_serial_number": (
        "The date is a spreadsheet's day number. Format the column as a date, MM/DD/YYYY."
    ),
    "birth_date_in_future": "The date of birth lies in the future. Correct it.",
    "birth_date_before_1900": "The date of birth lies before 1900. Correct it.",
    "service_dates_reversed": "The last date of service lies before the first. Correct one.",
    "service_date_in_future": "The service begins after tomorrow. Correct the date.",
    "service_date_too_old": (
        "The dates of service lie before the time that the payer can be asked about. Ask the "
        "payer in another way, or correct the dates."
    ),
    "practice_required": (
        "The row names no practice and there is no default one. Fill in practice_id or tin."
    ),
    "practice_unknown": (
        "Your organization has no such practice. Correct it, or have the practice added."
    ),
    "practice_contradiction": "practice_id and tin name two practices. Correct or clear one.",
    "leading_zero_lost": (
        "The tax id has eight digits: its leading zero was lost. Format the column as text and "
        "enter all nine digits."
    ),
    "tin_invalid": "A tax id has nine digits. Correct it.",
    "payer_id_invalid": "A payer id holds at most 32 letters and digits. Correct it.",
}

WARNINGS: dict[str, str] = {
    "decoded_as_windows_1252": (
        "The file is not UTF-8 and was read as Windows-1252. Check names with accents, or save "
        "as CSV UTF-8."
    ),
    "duplicate_rows": "Rows ask exactly what an earlier row asks; each is asked once.",
    "empty_rows": "Rows without any value were left out.",
    "unread_columns": "Columns with other names are not read; they come back with the results.",
    "amount_ignored": "Amounts in total_charged cannot be read and are not used.",
}


def refused(code: str, detail: str = "") -> FileRefusedError:
    """The error of `code` with its remedy, `detail` (never a value from the file) after it."""
    return FileRefusedError(code, f"{FILE_ERRORS[code]} {detail}".rstrip())
