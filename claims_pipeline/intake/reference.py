"""Writes docs/csv.md from the rules themselves: `python -m claims_pipeline.intake.reference`."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from claims_pipeline.intake.catalogue import FILE_ERRORS, ROW_ERRORS, WARNINGS
from claims_pipeline.intake.cells.dates import DATE_FORMS
from claims_pipeline.intake.columns import REJECTED_ROW_COLUMNS, REQUIRED_COLUMNS, SYNONYMS
from claims_pipeline.results_file.columns import RESULT_COLUMNS

_MEANINGS = {
    "claim_number": "The payer's number for the claim.",
    "patient_account_number": "The practice's number for the patient's account.",
    "first_name": "The patient's first name.",
    "last_name": "The patient's last name.",
    "date_of_birth": "The patient's date of birth, from 1900 to today.",
    "subscriber_id": "The subscriber's id at the payer.",
    "first_service_date": "First day of service; the last day too, if that is empty.",
    "last_service_date": "Last day of service; the first day too, if that is empty.",
    "practice_id": "The practice's id in your organization.",
    "tin": "The practice's tax id, nine digits.",
    "payer_id": "The payer id to ask, if it is not the practice's usual one.",
    "total_charged": "The amount charged, such as 1,234.50. It breaks ties between claims.",
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
        "The first line names the columns, every further line is one row. The file may be UTF-8, "
        "UTF-16 with a byte order mark or Windows-1252, separated by commas, semicolons, tabs or "
        "pipes. Blank lines are skipped. Rows are numbered from 1 without the header; lines are "
        "numbered as an editor numbers them."
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
        "Upper and lower case, spaces and punctuation in a name do not matter, nor does anything "
        "in parentheses. Other columns are kept and come back with the results."
    )
    yield ""
    rows = ((f"`{name}`", _MEANINGS[name], ", ".join(keys)) for name, keys in SYNONYMS.items())
    yield from _table(("column", "meaning", "also understood"), rows)


def _dates() -> Iterator[str]:
    yield "## Dates"
    yield ""
    yield (
        f"{_listed(DATE_FORMS)}, each with or without a time of 00:00 or 00:00:00. A time of "
        "service that ends in the future is cut to today."
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
