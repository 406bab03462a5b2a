"""Whole files: encodings, refusals, and what is counted without reading cells."""

import io
import zipfile

import pytest

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake import FILE_ERRORS, count_rows, read
from claims_pipeline.intake.reading import lines as lines_module
from claims_pipeline_tests.intake.builders import (
    CLAIMS_HEADER,
    claim_row,
    claims_file,
    make_context,
    read_file,
)

ACCENTED = f"{CLAIMS_HEADER}\nFH1,ZOË,MÜLLER,05/10/1975\n"


def refusal(content: bytes, **limits: int) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read_file(content, make_context(**limits))
    assert caught.value.message.startswith(FILE_ERRORS[caught.value.code])
    return caught.value.code


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"], ids=lambda name: name
)
def test_accents_are_read_in_every_encoding(encoding):
    file = read_file(ACCENTED.encode(encoding))
    assert file.requests[0].patient.first_name == "ZOË"
    assert file.requests[0].patient.last_name == "MÜLLER"
    assert file.header == tuple(CLAIMS_HEADER.split(","))


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_read_in_both_byte_orders(mark):
    encoding = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
    assert read_file(mark + ACCENTED.encode(encoding)).places == [(1, 2)]


def test_a_file_read_as_windows_1252_says_so():
    assert [w.code for w in read_file(ACCENTED.encode("cp1252")).warnings] == [
        "decoded_as_windows_1252"
    ]
    assert not read_file(ACCENTED.encode()).warnings


def test_the_first_accent_may_come_after_any_number_of_blocks(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 100)
    rows = [claim_row(at) for at in range(50)]
    file = read_file(claims_file(*rows, "FH1,ZOË,MÜLLER,05/10/1975").decode().encode("cp1252"))
    assert file.requests[-1].patient.last_name == "MÜLLER"
    assert file.requests[-1].line_number == 52


def test_a_byte_of_another_encoding_costs_its_own_row_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 100)
    rows = [claim_row(at) for at in range(50)]
    content = claims_file("FH1,ZOË,A,05/10/1975", *rows) + b"FH1,ZO\xcb,A,05/10/1975\n"
    file = read_file(content)
    assert len(file.requests) == 51
    assert file.verdicts == [(52, 53, "first_name", "unreadable_character")]


def test_one_bad_byte_in_a_file_of_windows_1252_costs_its_own_row():
    content = claims_file("FH1,ZOË,A,05/10/1975", "FH2,ADA,B,05/10/1975").decode().encode("cp1252")
    file = read_file(content.replace(b"ADA", b"AD\x81A"))
    assert [request.patient.first_name for request in file.requests] == ["ZOË"]
    assert file.verdicts == [(2, 3, "first_name", "unreadable_character")]


def test_one_bad_byte_before_good_ones_does_not_spoil_them():
    content = claims_file("FH1,O\x92DELL,A,05/10/1975".replace("\x92", "~"), "FH2,ZOË,É,05/10/1975")
    file = read_file(content.replace(b"~", b"\x92"))
    assert [request.patient.first_name for request in file.requests] == ["ZOË"]
    assert file.verdicts == [(1, 2, "first_name", "unreadable_character")]


def test_a_byte_order_mark_that_was_read_as_text_is_none():
    file = read_file(f"ï»¿{CLAIMS_HEADER}\n{claim_row()}\n".encode("utf-8-sig"))
    assert file.requests[0].claim_number == "FH00000001"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read(encoding):
    assert read_file(ACCENTED.encode(encoding)).requests[0].patient.first_name == "ZOË"


def test_right_to_left_names_are_read():
    file = read_file(claims_file("FH1,\u200fשרה\u200f,\u202bعلي\u202c,05/10/1975"))
    assert file.requests[0].patient.first_name == "שרה"
    assert file.requests[0].patient.last_name == "علي"


def _zip() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("xl/workbook.xml", "<workbook/>")
    return archive.getvalue()


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("file_empty", b""),
        ("file_empty", b"\n\r\n  \n"),
        ("file_empty", b"\xef\xbb\xbf"),
        ("file_empty", b"\xff\xfe"),
        ("header_only", CLAIMS_HEADER.encode()),
        ("header_only", f"{CLAIMS_HEADER}\n\n\n".encode()),
        ("no_usable_header", f"{claim_row()}\n{claim_row(2)}\n".encode()),
        ("no_usable_header", b"hello\nworld\n"),
        ("web_page", b"<html><body><table></table></body></html>"),
        ("web_page", b"\n<!DOCTYPE html>\n<html></html>"),
        ("web_page", b"<table><tr><td>First Name</td></tr></table>"),
        ("xml_workbook", b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<x/>'),
        ("xml", b'<?xml version="1.0"?><claims/>'),
        ("json", b'{"claims": [1, 2]}'),
        ("json", b'[{"claim": 1}]'),
        ("x12", b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER~"),
        ("fixed_width", b"Last Name   First Name  DOB\nEXAMPLE     ADA         05/10/1975\n"),
        ("columns_missing", b"claim_number,first_name\n1,ADA\n"),
        ("columns_repeated", f"{CLAIMS_HEADER},date_of_birth\n{claim_row()},x\n".encode()),
        ("columns_repeated", f"{CLAIMS_HEADER},ICN\n{claim_row()},x\n".encode()),
        ("columns_repeated", b"First,Last,DOB,Patient DOB\nADA,EXAMPLE,05/10/1975,05/10/1975\n"),
        ("columns_uncertain", b"First,Last,DOB,Dates of Care\nADA,EXAMPLE,05/10/1975,x\n"),
        ("name_not_split", b"Patient Name,DOB\nADA EXAMPLE,05/10/1975\n"),
        ("too_many_columns", (CLAIMS_HEADER + ",x" * 16_000 + "\n1").encode()),
        ("archive", _zip()),
        ("old_workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("pdf", b"%PDF-1.7\n1 0 obj"),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("picture", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("picture", b"GIF89a" + bytes(20)),
        ("archive", b"\x1f\x8b\x08\x00"),
        ("binary_content", b"PAR1" + bytes(20)),
        ("binary_content", bytes(range(32)) * 20),
        ("binary_content", bytes(600)),
        ("undecodable", ACCENTED.encode("utf-32")),
        ("line_too_long", CLAIMS_HEADER.encode() + b"\n" + b"x" * 5_200_000),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_its_code(code, content):
    assert refusal(content) == code


def test_a_file_above_the_limits_is_refused():
    content = claims_file(*map(claim_row, range(5)))
    assert refusal(content, max_rows=4) == "too_many_rows"
    assert refusal(content, max_bytes=len(content) - 1) == "file_too_large"
    assert len(read_file(content, make_context(max_rows=5, max_bytes=len(content))).requests) == 5


def test_rows_are_counted_as_they_would_be_read():
    content = claims_file(claim_row(1), "", 'FH2,"A,B,C', "x,y", ",,,", claim_row(3))
    file = read_file(content)
    count = count_rows(io.BytesIO(content), max_bytes=10_000)
    assert count == len(file.requests) + len(file.rejected) == 4


def test_the_beginning_of_a_file_is_enough_to_understand_or_refuse_it():
    content = claims_file(*["FH1,ZOË,MÜLLER,05/10/1975"] * 100)
    for length in range(200, 260):
        reading = read(io.BytesIO(content[:length]), make_context())
        assert len(reading.header) == 4


def test_the_header_is_known_before_the_rows_are_read():
    reading = read(io.BytesIO(claims_file(claim_row())), make_context())
    assert reading.header == tuple(CLAIMS_HEADER.split(","))
    assert reading.columns == {
        "claim_number": 0,
        "first_name": 1,
        "last_name": 2,
        "date_of_birth": 3,
    }
