"""Every way in which intake says no, or take care, as data: the code and what to do.

Codes are stable: files, programs and people refer to them. The sentences never repeat a value.
The reference in docs/csv.md is written from here.
"""

from claims_pipeline.errors import FileRefusedError

FILE_ERRORS: dict[str, str] = {
    "file_empty": "The file is empty. Export it again and check that it has a header and rows.",
    "header_only": "The file has a header and no rows. Add at least one row.",
    "no_usable_header": (
        "None of the first 20 lines names the columns. Begin the file with a line such as "
        "claim_number,first_name,last_name,date_of_birth and save as CSV UTF-8."
    ),
    "columns_missing": (
        "Columns that every row needs are missing: first_name, last_name and date_of_birth. Add "
        "them, or say with column_map which columns they are."
    ),
    "columns_repeated": (
        "Two columns mean the same. Keep one of them, or say which one is to be read (column_map)."
    ),
    "columns_uncertain": (
        "A column that is not read may say which claim or which days of service are meant. Say "
        "what it is, once for all files with these columns: on the page, with column_map in the "
        "API, or with --map in the command line; a file for the folder is then dropped again. Or "
        "rename it in the file, for instance to claim_number or first_service_date."
    ),
    "column_map_unmatched": (
        "column_map names a column that the file does not have. Write it as the file does."
    ),
    "name_not_split": (
        "The patient's name stands in one column without a comma, and which word is the last name "
        "would be a guess. Split it into first_name and last_name, or write it as Last, First."
    ),
    "too_many_columns": "The file has more than 16,000 columns. Remove those that are not needed.",
    "fixed_width": (
        "The columns of this file are lined up by blanks and not separated. Export it again with "
        "commas, semicolons, tabs, pipes or carets between the cells, or as an Excel workbook."
    ),
    "old_workbook": (
        "This is an old Excel workbook (.xls), or one with a password. Open it in your spreadsheet "
        "program and save it without a password as .xlsx or as CSV UTF-8."
    ),
    "xml_workbook": (
        "This is an Excel workbook written as XML. Open it in your spreadsheet program and save as "
        ".xlsx or as CSV UTF-8."
    ),
    "web_page": (
        "This is a web page (HTML), whatever its name says. Open it in your spreadsheet program "
        "and save as .xlsx or as CSV UTF-8, or choose CSV or Excel when you export."
    ),
    "xml": "This is an XML file. Export the list as CSV or as an Excel workbook (.xlsx).",
    "pdf": "This is a PDF. Export the list as CSV or as an Excel workbook (.xlsx).",
    "picture": "This is a picture. Export the list as CSV or as an Excel workbook (.xlsx).",
    "archive": "This is an archive such as a .zip. Unpack it and hand in the file that is in it.",
    "x12": (
        "This is an X12 file (837, 835 or another). Export the list of claims from your practice "
        "system as CSV or as an Excel workbook (.xlsx)."
    ),
    "json": "This is a JSON file. Export the list as CSV or as an Excel workbook (.xlsx).",
    "workbook_unreadable": (
        "The workbook is damaged, or no sheet of it can be read. Open it in your spreadsheet "
        "program and save it again as .xlsx, or as CSV UTF-8."
    ),
    "workbook_too_large": (
        "Unpacked, the workbook is larger than allowed. Remove empty rows, columns and sheets that "
        "are not needed, or save the list as CSV UTF-8."
    ),
    "binary_content": (
        "This is not a list that can be read but another kind of file. Export the list as CSV or "
        "as an Excel workbook (.xlsx)."
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

# What a decision about the columns may settle.
DECISION_ERRORS = frozenset(
    {
        "columns_missing",
        "columns_repeated",
        "columns_uncertain",
        "column_map_unmatched",
        "no_usable_header",
    }
)

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
    "name_not_split": (
        "The patient's name stands in one cell, and its last and first name cannot be told apart. "
        "Write it as Last, First."
    ),
    "several_numbers": ("The cell holds several claim numbers. Give each claim a row of its own."),
    "amount_in_identifier": (
        "The cell holds an amount where the number of a claim, an account or a person belongs. "
        "Check that the columns are in place."
    ),
    "name_without_letters": "The name holds no letter. Enter the patient's name.",
    "scientific_notation": (
        "The number was turned into scientific notation and its digits are lost. Format the "
        "column as text and enter the number again."
    ),
    "date_unreadable": "The date cannot be read. Write it as MM/DD/YYYY.",
    "date_two_digit_year": (
        "The year has two digits and may be of two centuries. Write the date as MM/DD/YYYY."
    ),
    "date_impossible": "There is no such day. Check month, day and year; write MM/DD/YYYY.",
    "date_is_serial_number": (
        "The date is a spreadsheet's day number. Format the column as a date, MM/DD/YYYY."
    ),
    "birth_date_in_future": "The date of birth lies in the future. Correct it.",
    "birth_date_before_1900": "The date of birth lies before 1900. Correct it.",
    "service_before_birth": (
        "The service lies before the patient's birth. Correct one of the dates."
    ),
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
    "payer_not_connected": (
        "The row's payer is not connected here: it is not in your organization's list of payers, "
        "or there is no way yet to ask it. Ask it in another way, or have it connected."
    ),
    "payer_required": (
        "The row names no payer, and the file is handed in for the payers that its rows name. Fill "
        "in payer_id or payer, or hand the file in for one payer."
    ),
    "other_payer": (
        "The row names another payer than the one that the file is handed in for. Hand it in for "
        "that payer, or correct the cell. Where the column holds codes of your own system, say "
        "that it is to be ignored (column_map)."
    ),
    "required_by_payer": (
        "The cell is empty, and the row's payer cannot be asked without it. Fill it in; an NPI may "
        "stand with the practice as well."
    ),
    "payer_id_invalid": "A payer id holds at most 32 letters and digits. Correct it.",
}

WARNINGS: dict[str, str] = {
    "decoded_as_windows_1252": (
        "The file is not UTF-8 and was read as Windows-1252. Check names with accents, or save "
        "as CSV UTF-8."
    ),
    "duplicate_rows": "Rows ask exactly what an earlier row asks; each is asked once.",
    "lines_left_out": (
        "Lines that are no rows were left out: blank ones, totals, headings, marks of pages."
    ),
    "unread_columns": "Columns with other names are not read; they come back with the results.",
    "amount_ignored": "Amounts cannot be read and are not used.",
    "placeholders_as_empty": "Cells such as N/A, NULL, pending or 00/00/0000 were read as empty.",
    "names_repaired": (
        "Names whose accents were damaged on the way were repaired. Check that they are right."
    ),
    "identifier_ignored": (
        "Account numbers or ids of persons were turned into scientific notation; the rows are "
        "asked without them. Format the column as text and enter them again."
    ),
    "gender_ignored": "Genders other than M, F or U, or those words, are not used.",
    "subscriber_name_ignored": (
        "Subscribers' names without a comma are not used, since nothing tells the last name from "
        "the first. Write them as LAST, FIRST where the subscriber is not the patient."
    ),
    "npi_ignored": (
        "NPIs that cannot be right are not used: an NPI has ten digits, and the last one follows "
        "from the others. Check them against your system."
    ),
    "numbers_look_rounded": (
        "Long claim numbers all end in zeros: a spreadsheet keeps 15 digits and rounds the rest. "
        "Check them against your system."
    ),
}


def refusal_text(code: str, detail: str = "") -> str:
    """The remedy of `code`, `detail` (never a value from the file) after it."""
    return f"{FILE_ERRORS[code]} {detail}".rstrip()


def refused(code: str, detail: str = "") -> FileRefusedError:
    """The error of `code` with its remedy."""
    return FileRefusedError(code, refusal_text(code, detail))
