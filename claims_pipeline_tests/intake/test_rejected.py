"""The rejected-rows file: corrected it uploads, not corrected it is rejected again."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.intake import rejected_rows_csv
from claims_pipeline_tests.intake.builders import (
    CLAIMS_HEADER,
    claim_row,
    claims_file,
    read_file,
    read_text,
)
from claims_pipeline_tests.thoroughness import examples


def rejected_file(file) -> bytes:
    return b"".join(rejected_rows_csv(file.header, file.rejected))


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_file_shows_the_row_as_it_stood_and_what_is_wrong():
    file = read_text(f"{CLAIMS_HEADER},Note\nFH1,ADA,,05/10/1975,x\n{claim_row()},y\n")
    content = rejected_file(file)
    assert content.startswith(b"\xef\xbb\xbf")
    assert table(content) == [
        [
            *CLAIMS_HEADER.split(","), "Note",
            "row_number", "error_code", "error_column", "error_message",
        ],
        ["FH1", "ADA", "", "05/10/1975", "x", "1", "required", "last_name",
         file.rejected[0].message],
    ]  # fmt: skip


def test_a_column_named_like_one_of_ours_is_renamed_and_comes_back():
    file = read_text(f"{CLAIMS_HEADER},row_number\nFH1,,EXAMPLE,05/10/1975,A7\n")
    content = rejected_file(file)
    assert table(content)[0][4:6] == ["input_row_number", "row_number"]
    assert read_file(content).header == file.header
    assert read_file(content).rejected[0].cells == file.rejected[0].cells


def test_a_file_without_rejected_rows_has_a_header():
    file = read_file(claims_file(claim_row()))
    assert len(table(rejected_file(file))) == 1


def test_formulas_are_neutralised_and_restored():
    file = read_file(claims_file("FH1,=1+1,EXAMPLE,05/10/1975"))
    content = rejected_file(file)
    assert table(content)[1][1] == "'=1+1"
    again = read_file(content)
    assert again.rejected == file.rejected


def test_rows_that_are_not_corrected_are_rejected_again():
    file = read_file(
        claims_file(
            "FH1,ADA,EXAMPLE",
            "FH2,ADA,EXAMPLE,05/10/1975,more,and more",
            "FH3,A\0DA,EXAMPLE,05/10/1975",
            'FH4,"ADA,EXAMPLE,05/10/1975',
            "FH5,ADA,EXAMPLE,05/10/15",
        )
    )
    again = read_file(rejected_file(file))
    assert len(file.rejected) == len(again.rejected) == 5
    assert again.rejected[1].cells == file.rejected[1].cells
    assert [row.code for row in again.rejected] == [
        "required",
        "wrong_number_of_columns",
        "unreadable_character",
        "unclosed_quote",
        "date_two_digit_year",
    ]


CELL = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)
BAD_BIRTHDAYS = st.sampled_from(["", "02/30/1975", "5/10/15", "27524", "=1", "'-1", "tomorrow"])


@settings(max_examples=examples(60), deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, BAD_BIRTHDAYS, CELL), min_size=1, max_size=8),
    note=st.sampled_from(["Note", "input_note", "error_code", "=x", "outcome", "", "Ünïcode"]),
)
def test_rejected_rows_corrected_are_accepted_with_every_other_cell_as_it_was(rows, note):
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["first_name", "last_name", "dob", "remark", note])
    writer.writerows(["ADA", "EXAMPLE", birthday, cell, other] for cell, birthday, other in rows)
    file = read_text(text.getvalue())
    assert len(file.rejected) == len(rows)

    sheet = table(rejected_file(file))
    for row in sheet[1:]:
        row[2] = "05/10/1975"
    corrected = io.StringIO(newline="")
    csv.writer(corrected).writerows(sheet)
    again = read_text(corrected.getvalue())

    assert not again.rejected
    assert again.header == file.header
    assert [r.cells[:2] + r.cells[3:] for r in again.requests] == [
        r.cells[:2] + r.cells[3:] for r in file.rejected
    ]
