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


def test_a_file_of_two_encodings_is_refused_wherever_the_second_begins(monkeypatch):
    monkeypatch.setattr(lines_module, "BLOCK_BYTES", 100)
    rows = [claim_row(at) for at in range(50)]
    content = claims_file("FH1,ZOË,A,05/10/1975", *rows) + b"FH1,ZO\xcb,A,05/10/1975\n"
    assert refusal(content) == "undecodable"


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
        ("no_usable_header", b"<html><body><table></table></body></html>"),
        ("no_usable_header", b'{"claims": [1, 2]}'),
        ("columns_missing", b"claim_number,first_name\n1,ADA\n"),
        ("columns_repeated", f"{CLAIMS_HEADER},DOB\n{claim_row()},x\n".encode()),
        ("columns_repeated", f"{CLAIMS_HEADER},Claim Number\n{claim_row()},x\n".encode()),
        ("too_many_columns", (CLAIMS_HEADER + ",x" * 16_000 + "\n1").encode()),
        ("binary_content", _zip()),
        ("binary_content", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("binary_content", b"%PDF-1.7\n1 0 obj"),
        ("binary_content", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("binary_content", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("binary_content", b"GIF89a" + bytes(20)),
        ("binary_content", b"\x1f\x8b\x08\x00"),
        ("binary_content", b"PAR1" + bytes(20)),
        ("binary_content", ACCENTED.encode("utf-16-le")),
        ("undecodable", b"\xff\xfe\x00"),
        ("undecodable", ACCENTED.encode("utf-32")),
        ("undecodable", f"{CLAIMS_HEADER}\nFH1,Z\x81,A,05/10/1975".encode("latin-1")),
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
