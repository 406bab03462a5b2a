"""Lines that are no rows, wherever reports put them; and what looks like one and is a row."""

import pytest

from claims_pipeline_tests.intake.builders import read_text

HEADER = "Last Name,First Name,DOB,DOS,Total Charges"
ADA = "EXAMPLE,ADA,05/10/1975,06/01/2025,150.00"
BEN = "EXAMPLE,BEN,05/11/1975,06/02/2025,88.50"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "blank line"),
        (",,,,", "blank line"),
        ("  , ,,,", "blank line"),
        ("Total:,,,,238.50", "total"),
        ("Grand Total,,,,238.50", "total"),
        (",,,Total,238.50", "total"),
        ("Subtotal,2,,,238.50", "total"),
        ("Practice Totals: 2 claims,,,,238.50", "total"),
        ("Total,2", "total"),
        (HEADER, "repeated header"),
        (HEADER.upper(), "repeated header"),
        ("Page 2 of 7,,,,", "page or report line"),
        ("Report generated on 11/30/2026 08:15 AM", "page or report line"),
        ("Printed by: Biller,,,,", "page or report line"),
        ("Run Date: 11/30/2026,,,,", "page or report line"),
        ("-----,-----,----------,----------,------", "rule"),
        ("=========", "rule"),
        ("(2 rows affected)", "end of file mark"),
        ("2 records selected.", "end of file mark"),
        ("***END OF FILE***", "end of file mark"),
        ("\x1a", "end of file mark"),
        ("Payer: Example Health Plan,,,,", "section line"),
        ("Lake Clinic,,,,", "section line"),
        ("Insurance:,Example Health,,,", "section line"),
    ],
)
def test_a_line_that_is_no_row_is_left_out_and_listed(line, reason):
    file = read_text(f"{HEADER}\n{ADA}\n{line}\n{BEN}")
    assert file.left_out == [(3, reason)]
    assert file.places == [(1, 2), (2, 4)]
    assert not file.rejected
    assert file.records == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("EXAMPLE,CAL,,06/02/2025,88.50", "required"),
        ("EXAMPLE,CAL,,,", "required"),
        ("TOTALLO,CAL,,06/02/2025,1", "required"),
        ("EXAMPLE,,05/11/1975,06/02/2025,88.50", "required"),
        (",,05/11/1975,06/02/2025,88.50", "required"),
        ("EXAMPLE,,,,", "required"),
        ("EXAMPLE,CAL,soon,06/02/2025,88.50", "date_unreadable"),
        ("EXAMPLE,CAL,05/11/1975", "wrong_number_of_columns"),
        ("EXAMPLE,CAL,05/11/1975,06/02/2025,88.50,more", "wrong_number_of_columns"),
    ],
)
def test_a_row_that_lacks_something_is_rejected_and_not_left_out(line, code):
    file = read_text(f"{HEADER}\n{ADA}\n{line}\n{BEN}")
    assert file.left_out == []
    assert [row.code for row in file.rejected] == [code]


def test_a_header_below_a_title_is_found():
    title = ["Insurance Aging Detail", "Lake Clinic", "Generated 11/30/2026 08:15 AM", ""]
    file = read_text("\n".join([*title, HEADER, ADA, BEN]))
    assert file.places == [(1, 6), (2, 7)]
    assert [line for line, _ in file.left_out] == [1, 2, 3, 4]


def test_a_header_is_found_among_the_first_twenty_lines_only():
    assert read_text("\n".join([*["Title,x"] * 19, HEADER, ADA])).places == [(1, 21)]
    with pytest.raises(Exception, match="first 20 lines"):
        read_text("\n".join([*["Title,x"] * 20, HEADER, ADA]))


def test_a_second_table_is_left_out_and_rows_behind_it_are_read():
    file = read_text(f"{HEADER}\n{ADA}\n\nStatus,Count\nOpen,2\nPaid,7\n\n{BEN}")
    assert file.places == [(1, 2), (2, 8)]
    assert [reason for _, reason in file.left_out if reason != "blank line"] == [
        "another table"
    ] * 3


def test_surplus_empty_cells_are_dropped():
    file = read_text("\n".join([HEADER, ADA + ",,,", BEN + ","]))
    assert file.places == [(1, 2), (2, 3)]
    assert [len(request.cells) for request in file.requests] == [5, 5]


def test_a_header_that_ends_in_empty_names_fits_rows_with_and_without_them():
    file = read_text("\n".join([HEADER + ",,", ADA, BEN + ",", ADA + ",,"]))
    assert file.places == [(1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("line", ["sep=,", '"sep=,"', "SEP=,"])
def test_a_line_that_names_the_separator_may_be_quoted(line):
    assert read_text(f"{line}\n{HEADER}\n{ADA}").places == [(1, 3)]


def test_lines_that_are_quoted_as_one_cell_are_read_as_rows():
    rows = [HEADER, ADA, 'EXAMPLE,""B, EN"",05/11/1975,06/02/2025,1']
    file = read_text("\n".join(f'"{row}"' for row in rows))
    assert [request.patient.first_name for request in file.requests] == ["ADA", "B, EN"]


def test_padding_behind_the_last_row_is_no_row():
    file = read_text(f"{HEADER}\n{ADA}\n" + "\0" * 500)
    assert file.places == [(1, 2)]
    assert file.left_out == [(3, "end of file mark")]


def test_carets_separate_cells():
    assert read_text(f"{HEADER}\n{ADA}".replace(",", "^")).places == [(1, 2)]


def test_every_record_is_a_row_or_left_out():
    lines = ["Title", HEADER, ADA, "", "Total,,,,1", "EXAMPLE,CAL,,,1", HEADER, BEN, "Page 1"]
    file = read_text("\n".join(lines))
    assert file.records == len(file.requests) + len(file.rejected) + len(file.left_out) == 8
