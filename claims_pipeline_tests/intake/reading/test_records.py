"""Line 16 of the fault list: right row and line numbers, a code per row, no crash."""

import csv
import io
import tracemalloc

import pytest

from claims_pipeline.intake import read
from claims_pipeline.intake.reading import lines as lines_module
from claims_pipeline.intake.reading import records as records_module
from claims_pipeline_tests.intake.builders import (
    CLAIMS_HEADER,
    claim_row,
    claims_file,
    make_context,
    read_file,
    read_text,
)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("ends_with_line_end", [True, False])
def test_every_kind_of_line_end_counts_the_same_lines(line_end, ends_with_line_end):
    lines = [CLAIMS_HEADER, claim_row(1), "", claim_row(2), "FH3,ADA,,05/10/1975"]
    text = line_end.join(lines) + (line_end if ends_with_line_end else "")
    file = read_text(text)
    assert file.places == [(1, 2), (2, 4)]
    assert file.verdicts == [(3, 5, "last_name", "required")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found(delimiter):
    file = read_text(f"{CLAIMS_HEADER}\n{claim_row()}\n".replace(",", delimiter))
    assert file.places == [(1, 2)]


def test_a_separator_line_of_a_spreadsheet_program_is_obeyed_and_counted():
    text = f"sep=;\r\n{CLAIMS_HEADER}\r\n{claim_row()}\r\n".replace(",", ";")
    assert read_text(text).places == [(1, 3)]


def test_blank_lines_are_no_rows_and_count_as_lines():
    text = f"\n\r\n{CLAIMS_HEADER}\n\n{claim_row(1)}\n   \n\t\n{claim_row(2)}\n\n"
    assert read_text(text).places == [(1, 5), (2, 8)]


def test_rows_without_any_value_are_left_out_with_a_warning():
    file = read_file(claims_file(claim_row(1), ",,,", " , ,\t,", claim_row(2)))
    assert file.places == [(1, 2), (2, 5)]
    assert [(warning.code, warning.count) for warning in file.warnings] == [("lines_left_out", 2)]
    assert file.left_out == [(3, "blank line"), (4, "blank line")]


def test_thousands_of_rows_without_any_value_are_all_counted(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 1_000)
    file = read_file(claims_file(*[",,,"] * 1_000, claim_row(1), *[",,,"] * 2_000))
    assert file.places == [(1, 1_002)]
    assert [(warning.code, warning.count) for warning in file.warnings] == [
        ("lines_left_out", 3_000)
    ]


def test_a_quoted_line_break_belongs_to_its_cell():
    file = read_file(claims_file('FH1,"ADA\r\nMARIE",EXAMPLE,05/10/1975', claim_row(2)))
    assert file.places == [(1, 2), (2, 4)]
    assert file.requests[0].patient.first_name == "ADA MARIE"
    assert file.requests[0].cells[1] == "ADA\r\nMARIE"


def test_a_header_may_hold_a_line_break():
    file = read_text(f'claim_number,"first\nname",last_name,date_of_birth\n{claim_row()}')
    assert file.places == [(1, 3)]


def test_doubled_quotes_and_quoted_delimiters_are_text():
    file = read_file(claims_file('FH1,"ADA ""BEE""","EXAMPLE, JR",05/10/1975'))
    assert file.requests[0].patient.first_name == 'ADA "BEE"'
    assert file.requests[0].patient.last_name == "EXAMPLE, JR"


def test_an_unclosed_quote_spoils_its_own_row_only():
    file = read_file(claims_file('FH1,"ADA,EXAMPLE,05/10/1975', claim_row(2), claim_row(3)))
    assert file.verdicts == [(1, 2, None, "unclosed_quote")]
    assert file.places == [(2, 3), (3, 4)]


def test_an_unclosed_quote_before_well_quoted_rows_spoils_its_own_row_only():
    good = '"FH2","ADA","EXAMPLE","05/10/1975"'
    file = read_file(claims_file(claim_row(1), '"FH9","ADA,"EXAMPLE","05/10/1975"', good, good))
    assert file.verdicts == [(2, 3, None, "unclosed_quote")]
    assert file.places == [(1, 2), (3, 4), (4, 5)]


def test_an_unclosed_quote_on_every_line_rejects_every_line():
    rows = [f'FH{at},"ADA,EXAMPLE,05/10/1975' for at in range(500)]
    file = read_file(claims_file(*rows))
    assert file.verdicts == [(at + 1, at + 2, None, "unclosed_quote") for at in range(500)]


def test_an_unclosed_quote_is_given_up_after_a_while(monkeypatch):
    monkeypatch.setattr(records_module, "_MAX_RECORD_CHARACTERS", 1_000)
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 400)
    rows = ['FH1,"ADA,EXAMPLE,05/10/1975', *map(claim_row, range(100)), 'FH2,"A",B,05/10/1975']
    file = read_file(claims_file(*rows))
    assert file.verdicts == [(1, 2, None, "unclosed_quote")]
    assert len(file.requests) == 101


def test_a_quoted_cell_over_many_blocks_keeps_the_line_numbers(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 64)
    note = "\n".join(["a line of a long note"] * 100)
    text = f'{CLAIMS_HEADER},note\n{claim_row(1)},"{note}"\n{claim_row(2)},x\n'
    assert read_text(text).places == [(1, 2), (2, 102)]


@pytest.mark.parametrize("block_bytes", range(1, 40))
def test_block_ends_never_matter(monkeypatch, block_bytes):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", block_bytes)
    text = f'{CLAIMS_HEADER}\r\nFH1,"AD\r\nÀ",EXAMPLE,05/10/1975\r\n\r\n{claim_row(2)}\r\nx,y\r'
    file = read_text(text)
    assert file.places == [(1, 2), (2, 5)]
    assert file.verdicts == [(3, 6, None, "wrong_number_of_columns")]
    assert file.requests[0].cells[1] == "AD\r\nÀ"


@pytest.mark.parametrize("row", ["FH1,ADA,EXAMPLE", "FH1,ADA,EXAMPLE,05/10/1975,more"])
def test_a_ragged_row_is_rejected_alone(row):
    file = read_file(claims_file(row, claim_row(2)))
    assert file.verdicts == [(1, 2, None, "wrong_number_of_columns")]
    assert file.rejected[0].cells == tuple(row.split(","))
    assert file.places == [(2, 3)]


def test_a_nul_byte_rejects_its_row_and_is_kept_nowhere():
    file = read_file(claims_file("FH1,A\0DA,EXAMPLE,05/10/1975", claim_row(2)))
    assert file.verdicts == [(1, 2, None, "nul_byte")]
    assert file.rejected[0].cells[1] == "A\ufffdDA"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_a_megabyte_rejects_its_row(quote):
    cell = f"{quote}{'x' * (1 << 20)}{quote}"
    file = read_file(claims_file(claim_row(1), f"FH2,{cell},EXAMPLE,05/10/1975", claim_row(3)))
    assert file.verdicts == [(2, 3, None, "cell_too_long")]
    assert file.places == [(1, 2), (3, 4)]


def test_a_quoted_cell_of_a_megabyte_with_line_breaks_keeps_the_line_numbers():
    cell = '"' + "x" * 700_000 + "\n" * 300_000 + '"'
    file = read_file(claims_file(f"FH1,{cell},EXAMPLE,05/10/1975", claim_row(2)))
    assert file.verdicts == [(1, 2, None, "cell_too_long")]
    assert file.places == [(2, 300_003)]


def test_ten_thousand_columns_are_read_and_kept():
    extra = ",".join(f"extra {at}" for at in range(9_996))
    file = read_text(f"{CLAIMS_HEADER},{extra}\n{claim_row()},{extra}\n")
    assert len(file.header) == 10_000
    assert len(file.requests[0].cells) == 10_000


def test_a_row_of_ten_thousand_cells_under_four_columns_is_rejected_alone():
    file = read_file(claims_file("x," * 9_999, claim_row(2)))
    assert file.verdicts == [(1, 2, None, "wrong_number_of_columns")]
    assert file.places == [(2, 3)]


def test_records_are_those_of_the_csv_module_where_nothing_is_wrong():
    rows = [
        ["FH1", 'A"B', "C,D\nE", "05/10/1975"],
        ["", "", "x", ""],
        ["1", "a", "b", "1975-05-10"],
    ]
    text = io.StringIO()
    csv.writer(text).writerows([CLAIMS_HEADER.split(","), *rows])
    file = read_text(text.getvalue())
    cells = {row.row_number: row.cells for row in (*file.requests, *file.rejected)}
    assert [list(cells[number]) for number in sorted(cells)] == rows


def test_memory_does_not_grow_with_the_file(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 20_000)

    def peak(rows: int) -> int:
        stream = io.BytesIO(claims_file(*map(claim_row, range(rows))))
        tracemalloc.start()
        try:
            for _chunk in read(stream, make_context()).chunks():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    # A digest and a number for each row, in a dictionary, is all that may add up.
    assert peak(16_000) - peak(4_000) < 12_000 * 250
