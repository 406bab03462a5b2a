"""Writes docs/csv.md from the rules themselves: `python -m claims_pipeline.intake.reference`."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from claims_pipeline.intake.catalogue import FILE_ERRORS, ROW_ERRORS, WARNINGS
from claims_pipeline.intake.cells.dates import DATE_FORMS
from claims_pipeline.intake.columns import REQUIRED_COLUMNS
from claims_pipeline.intake.headers.meanings import CANONICAL_COLUMNS
from claims_pipeline.intake.headers.our_columns import REJECTED_ROW_COLUMNS
from claims_pipeline.results_file.columns import RESULT_COLUMNS

_MEANINGS = {
    "claim_number": "The payer's number for the claim.",
    "patient_account_number": "The practice's number for the patient's account.",
    "first_name": "The patient's first name.",
    "last_name": "The patient's last name.",
    "date_of_birth": "The patient's date of birth, from 1900 to today.",
    "gender": "M, F or U, or such words. Some payers ask for it.",
    "subscriber_id": "The subscriber's id at the payer.",
    "subscriber_first_name": "First name of the subscriber, where that is not the patient.",
    "subscriber_last_name": "Last name of the subscriber, where that is not the patient.",
    "first_service_date": "First day of service; the last day too, if that is empty.",
    "last_service_date": "Last day of service; the first day too, if that is empty.",
    "practice_id": "The practice's id in your organization.",
    "tin": "The practice's tax id, nine digits.",
    "npi": "NPI of who billed: ten digits. One that cannot be right is not used.",
    "payer_id": (
        "The payer id to ask, if it is not the practice's usual one. A row that names another "
        "payer than the one the file is for is rejected."
    ),
    "payer": "The payer's name, where there is no payer id. It is treated alike.",
    "total_charged": "The amount charged, such as 1,234.50. It breaks ties between claims.",
}

# A few of the names that are read as each column.
EXAMPLES = {
    "claim_number": "Claim #, Payer Claim Control Number, ICN/DCN, Clm No",
    "patient_account_number": "Acct #, Patient Control Number, Chart No, Encounter #, MRN",
    "first_name": "First Name, Pt First Name, FName, patient.firstName",
    "last_name": "Last Name, PAT LAST NAME, Surname, Client Last Name",
    "date_of_birth": "DOB, D.O.B., Patient Birth Date, DOB - MM/DD/YYYY",
    "gender": "Sex, Patient Gender, PatientSex",
    "subscriber_id": "Member ID, Insured's ID, Policy #, Subscriber No",
    "subscriber_first_name": "Subscriber First Name, Insured's First Name, Policy Holder First",
    "subscriber_last_name": "Subscriber Last Name, Insured Last, Policyholder Last Name",
    "first_service_date": "Date of Service, DOS From, Svc Date, Statement From, Start Date",
    "last_service_date": "DOS To, Thru DOS, Service End, Through Date",
    "practice_id": "Practice, Practice Name, Clinic ID, Office",
    "tin": "Tax ID, EIN, Federal Tax ID, Billing Provider TIN",
    "npi": "Billing NPI, Group NPI, NPI #, Provider NPI",
    "payer_id": "Payer ID, Payor Code, EDI Payer ID",
    "payer": "Payer Name, Insurance, Insurance Company, Carrier",
    "total_charged": "Total Charges, Billed Amount, Chg Amt, Claim Amount",
}

_SHAPES = {
    "With claim numbers": (
        "claim_number,first_name,last_name,date_of_birth",
        "FH00000001,ADA,EXAMPLE,05/10/1975",
    ),
    "Patients, with dates of service": (
        "first_name,last_name,date_of_birth,first_service_date,last_service_date",
        "ADA,EXAMPLE,05/10/1975,01/05/2026,01/05/2026",
    ),
    "With a practice on each row": (
        "practice_id,claim_number,first_name,last_name,date_of_birth",
        "1,FH00000001,ADA,EXAMPLE,05/10/1975",
    ),
}


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    yield "# The CSV file"
    yield ""
    yield (
        "<!-- Written by `python -m claims_pipeline.intake.reference > docs/csv.md`; "
        "change the code, not this page. -->"
    )
    yield ""
    yield (
        "One of the first 20 lines names the columns, every further line is one row. The file may "
        "be UTF-8, UTF-16 or Windows-1252, separated by commas, semicolons, tabs, pipes or carets, "
        "or an Excel workbook (.xlsx). Rows are numbered from 1 without the header; lines are "
        "numbered as an editor or a spreadsheet numbers them."
    )
    yield ""
    yield (
        "Lines above the header, blank lines, totals, headings of sections, marks of pages, "
        "repeated headers and further claims of a row in a results file are left out. The check "
        "lists each of them with its line and why. Empty cells behind the last column are dropped."
    )
    yield ""
    yield (
        "Of a workbook the first sheet is read that has such a header: dates as dates, numbers as "
        "the digits that are shown, formulas as their stored values."
    )
    yield ""
    yield from _shapes()
    yield from _columns()
    yield from _dates()
    yield from _codes("## When the whole file is refused", FILE_ERRORS)
    yield from _codes("## When a row is rejected", ROW_ERRORS)
    yield (
        f"The rejected-rows file holds each rejected row with {_listed(REJECTED_ROW_COLUMNS)} "
        "behind it. Correct the row and upload the file as it is: these columns are left out."
    )
    yield ""
    yield from _codes("## Warnings", WARNINGS)
    yield from _result_columns()


def _shapes() -> Iterator[str]:
    yield "## Shapes"
    yield ""
    yield (
        f"Every row needs {_listed(REQUIRED_COLUMNS)}. The order of columns does not matter, and "
        "rows of different shapes may stand in one file. A row without practice_id and tin "
        "belongs to your organization's default practice."
    )
    yield ""
    for title, lines in _SHAPES.items():
        yield from (f"{title}:", "", "```csv", *lines, "```", "")


def _columns() -> Iterator[str]:
    yield "## Columns"
    yield ""
    yield (
        "A name is read word by word: who, what, and which end of a span. Case, order, punctuation "
        "and words such as `required` or `MM/DD/YYYY` do not matter. What names a guarantor, a "
        "subscriber or a provider is never taken for the patient's. Other columns are kept and "
        "come back with the results. The check says what each column was read as."
    )
    yield ""
    rows = ((f"`{name}`", _MEANINGS[name], EXAMPLES[name]) for name in CANONICAL_COLUMNS)
    yield from _table(("column", "meaning", "names that are read so, for example"), rows)
    yield (
        "`Patient` or `Patient Name` is read too, its cells written as `LAST, FIRST M`, and so is "
        "`Subscriber Name`. A subscriber who has the patient's name is the patient. Of two columns "
        "that mean the same, the payer's own or the one spelled as here is read, else the clearer "
        "one; where none is clearer the file is refused and both are named."
    )
    yield ""
    yield (
        "A column with words that are not known, which may say which claim or which days are "
        "meant, needs a decision: on the page, with `column_map` in the API "
        '(`{"Header": "first_service_date"}`, or `"ignore"`), or with `--map HEADER=COLUMN` in the '
        "command line. It is remembered for your organization, and used for every file with the "
        "same set of columns, in the watched folder too."
    )
    yield ""


def _dates() -> Iterator[str]:
    yield "## Dates"
    yield ""
    yield (
        f"{', '.join(DATE_FORMS)}, each with or without a time of day or a zone behind it: the "
        "written day counts. `10/01/2026 - 10/31/2026` in one cell fills both dates of service. A "
        "year of two digits is read where only one century is possible. The day never stands "
        "before a month in digits. A time of service that ends in the future is cut to today."
    )
    yield ""


def _result_columns() -> Iterator[str]:
    yield "## Columns of the results"
    yield ""
    yield (
        "Your own columns come first, then these. A column of yours that is named like one of "
        "them is called `input_` and its name. A results file may be uploaded again: these "
        "columns are left out."
    )
    yield ""
    rows = ((f"`{name}`", meaning) for name, meaning in RESULT_COLUMNS.items())
    yield from _table(("column", "meaning"), rows)


def _codes(title: str, sentences: dict[str, str]) -> Iterator[str]:
    yield title
    yield ""
    rows = ((f"`{code}`", sentence) for code, sentence in sentences.items())
    yield from _table(("code", "what to do"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


if __name__ == "__main__":
    sys.stdout.write(reference())
