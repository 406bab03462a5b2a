"""Whatever is uploaded, intake accounts for every row or refuses the file; it never crashes."""

import io
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake import FILE_ERRORS, ROW_ERRORS, count_rows
from claims_pipeline_tests.intake.builders import (
    CLAIMS_HEADER,
    claim_row,
    make_context,
    read_file,
)
from claims_pipeline_tests.thoroughness import examples

CONTEXT = make_context()
PIECES = [
    b'"', b'""', b",", b";", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"=1+1", b"'", b" ", b"\xcb", "Ë".encode(), b"1.2E+9", b"ADA", b"EXAMPLE", b"05/10/1975",
    b"5/10/75", b"FH00000001", b"x" * 40_000, claim_row().encode(), CLAIMS_HEADER.encode(),
]  # fmt: skip


def check(content: bytes) -> None:
    try:
        file = read_file(content, CONTEXT)
    except FileRefusedError as error:
        refusal = error
    else:
        refusal = None
    if refusal is not None:
        assert refusal.code in FILE_ERRORS
        return
    numbers = sorted(row.row_number for row in (*file.requests, *file.rejected))
    assert numbers == list(range(1, len(numbers) + 1))
    assert count_rows(io.BytesIO(content), max_bytes=1 << 30) == len(numbers)
    places = sorted((row.row_number, row.line_number) for row in (*file.requests, *file.rejected))
    lines = [line for _, line in places]
    assert lines == sorted(set(lines))
    assert all(row.code in ROW_ERRORS for row in file.rejected)
    for request in file.requests:
        assert len(request.cells) == len(file.header)


@settings(max_examples=examples(80), deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(content):
    check(content)


@settings(max_examples=examples(80), deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_after_a_header(content):
    check(CLAIMS_HEADER.encode() + b"\n" + content)


def test_pieces_of_csv_in_random_order():
    chance = random.Random(7)
    for _ in range(200):
        pieces = chance.choices(PIECES, weights=[4] * 23 + [1, 6, 1], k=chance.randint(1, 25))
        check(CLAIMS_HEADER.encode() + chance.choice([b"\n", b"\r\n"]) + b"".join(pieces))


def test_good_files_damaged_at_random():
    chance = random.Random(11)
    good = "\r\n".join([CLAIMS_HEADER, *(claim_row(at) for at in range(6))]).encode()
    for _ in range(100):
        damaged = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        check(bytes(damaged))
