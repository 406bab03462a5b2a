import csv
import io
import random
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import unescape
from zipfile import ZipFile

import pytest

from claims_pipeline.exports import csv_chunks, result_columns, write_csv, write_xlsx, xlsx_file
from claims_pipeline.exports.reference import results_reference
from claims_pipeline.model import AnsweredRow, Outcome
from claims_pipeline.results_file.formulas import restored
from claims_pipeline_tests.exports.builders import (
    CELLS,
    HEADER,
    NEXT_ACTIONS,
    csv_bytes,
    make_claim,
    make_row,
    workbook,
)
from claims_pipeline_tests.folders.test_inbox import files_no_larger_than

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
REPOSITORY = Path(__file__).parents[2]


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_csv_keeps_bytes_that_spreadsheets_lose() -> None:
    cells = ("000123", "Zoë", 'O"Brien, Jr', "05/10/1975", "two\nlines")
    content = csv_bytes([make_row(cells=cells, claims=[make_claim()])], bom=True)
    (line,) = read_csv(content)
    assert content.startswith(b"\xef\xbb\xbfclaim_number,")
    assert tuple(line[name] for name in HEADER) == cells
    assert (line["payer_subscriber_id"], line["payment_number"]) == ("000123456", "0042")
    assert (line["total_charged"], line["total_paid"]) == ("150.00", "-12.50")
    assert (line["payment_total"], line["days_since_received"]) == ("900.00", "20")


def test_the_byte_order_mark_is_a_choice() -> None:
    assert csv_bytes([], bom=False).startswith(b"claim_number,")


@pytest.mark.parametrize("count", [0, 1, 500, 1201])
def test_the_csv_made_piece_by_piece_is_the_same_file(count: int) -> None:
    rows = [make_row(number, claims=[make_claim()] * 2) for number in range(1, count + 1)]
    pieces = list(csv_chunks(iter(rows), HEADER, next_actions=NEXT_ACTIONS, bom=True))
    assert b"".join(pieces) == csv_bytes(rows, bom=True)
    assert all(len(piece) < 1_000_000 for piece in pieces)


def test_lines_are_counted_and_the_stream_stays_open(tmp_path: Path) -> None:
    stream = io.BytesIO()
    rows = [make_row(1, claims=[make_claim(), make_claim()]), make_row(2)]
    assert write_csv(rows, HEADER, stream, next_actions=NEXT_ACTIONS, bom=True) == 3
    assert not stream.closed
    stream = io.BytesIO()
    assert write_xlsx(rows, HEADER, stream, next_actions=NEXT_ACTIONS, scratch=tmp_path) == 3
    assert not stream.closed


def test_a_workbook_that_does_not_fit_on_the_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with (
        (tmp_path / "results.xlsx").open("wb") as stream,
        files_no_larger_than(1000),
        pytest.raises(OSError, match="could not be written"),
    ):
        write_xlsx([make_row(1)], HEADER, stream, next_actions=NEXT_ACTIONS, scratch=tmp_path)


def test_the_workbook_keeps_ids_and_accents_as_text_and_amounts_as_numbers() -> None:
    cells = ("000123", "Zoë", "Ñandú", "05/10/1975", "12.5")
    sheet = workbook([make_row(cells=cells, claims=[make_claim()])])["Results"]
    header, line = list(sheet.iter_rows())
    assert tuple(cell.value for cell in header) == result_columns(HEADER)
    by_name = dict(zip(result_columns(HEADER), line, strict=True))
    assert tuple(by_name[name].value for name in HEADER) == cells
    assert by_name["payer_subscriber_id"].value == "000123456"
    assert by_name["payer_date_of_birth"].value == "05/10/1975"
    assert by_name["tin"].value == "070000001"
    money = by_name["total_paid"]
    assert (money.value, money.data_type, money.number_format) == (-12.5, "n", "#,##0.00")
    assert by_name["days_since_received"].value == 20
    assert by_name["match_note"].value is None


def test_the_workbook_has_a_fixed_header_with_filters() -> None:
    sheet = workbook([make_row(1), make_row(2)])["Results"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.auto_filter.ref.endswith("3")
    assert workbook([])["Results"].max_row == 1


def test_what_does_not_fit_on_a_sheet_goes_on_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MAX_SHEET_LINES", 4)
    book = workbook(make_row(number) for number in range(1, 8))
    place = result_columns(HEADER).index("row_number")
    numbers = [[line[place] for line in sheet.values] for sheet in book.worksheets]
    assert book.sheetnames == ["Results", "Results 2", "Results 3"]
    assert numbers == [
        ["row_number", 1, 2, 3],
        ["row_number", 4, 5, 6],
        ["row_number", 7],
    ]


def test_a_sheet_stays_small_enough_for_a_part_of_an_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    most = 100_000
    monkeypatch.setattr(xlsx_file, "MAX_SHEET_BYTES", most)
    # Quotes and angles take more room in XML than in a cell.
    rows = [make_row(number, cells=("<O'Example>", "a & b", "ü" * 20)) for number in range(1, 401)]
    path = tmp_path / "results.xlsx"
    with path.open("wb") as stream:
        write_xlsx(rows, HEADER, stream, next_actions=NEXT_ACTIONS, scratch=tmp_path)

    with ZipFile(path) as archive:
        parts = [one.file_size for one in archive.infolist() if "worksheets/" in one.filename]
    assert len(parts) > 2
    # The limit is 2 GiB, and the bound half of it.
    assert max(parts) < 2 * most


def test_a_cell_that_excel_cannot_hold_is_cut_and_odd_characters_survive() -> None:
    cells = ("x" * 40_000, "a\x01b", "_x0041_", "", "\x00")
    sheet = workbook([make_row(cells=cells)])["Results"]
    assert len(sheet["A2"].value) == 32_767
    assert sheet["C2"].value is not None
    assert read_csv(csv_bytes([make_row(cells=cells)]))[0]["claim_number"] == cells[0]


def formula_texts(count: int) -> Iterator[str]:
    dice = random.Random(20)
    for _ in range(count):
        before = dice.choice(("", " ", "  ", "\t", "'", "''", "\r\n", "\ufeff", "\u00a0", '"'))
        yield before + dice.choice(FORMULA_STARTS) + dice.choice(("1+1", "cmd|'/C calc'!A0", "A1"))


def rows_with_formulas(count: int) -> Iterator[AnsweredRow]:
    texts = formula_texts(count * 8)
    for number in range(1, count + 1):
        claim = make_claim(
            claim_number=next(texts),
            patient_first_name=next(texts),
            subscriber_id=next(texts),
            payer_status=next(texts),
        )
        cells = (next(texts), next(texts), next(texts), CELLS[3], "-12.50")
        yield make_row(number, cells=cells, claims=[claim], match_note=next(texts))


def is_formula(text: str) -> bool:
    return text.lstrip().startswith(FORMULA_STARTS) or text.startswith(("\t", "\r", "\n"))


def test_no_export_of_ten_thousand_rows_holds_a_formula() -> None:
    rows = list(rows_with_formulas(10_000))
    amounts = {"total_charged", "total_paid", "note"}
    for line, row in zip(read_csv(csv_bytes(rows)), rows, strict=True):
        risky = [name for name, text in line.items() if is_formula(text)]
        assert set(risky) <= amounts
        assert line["total_paid"] == line["note"] == "-12.50"
        assert tuple(restored(line[name]) for name in HEADER) == row.row.cells


def test_no_workbook_of_ten_thousand_rows_holds_a_formula(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_xlsx(
        rows_with_formulas(10_000), HEADER, stream, next_actions=NEXT_ACTIONS, scratch=tmp_path
    )
    with ZipFile(stream) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert not any("externalLink" in name for name in archive.namelist())
    texts = {unescape(text) for text in re.findall(r"<t[^>]*>([^<]*)</t>", sheet)}
    assert {text for text in texts if is_formula(text)} == {"-12.50"}
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    assert sheet.count("<v>-12.50</v>") == 10_000


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        rows = (make_row(number, claims=[make_claim()]) for number in range(1, count + 1))
        with (tmp_path / "results").open("wb") as stream:
            tracemalloc.start()
            write_xlsx(rows, HEADER, stream, next_actions=NEXT_ACTIONS, scratch=tmp_path)
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    peak(10)
    assert peak(800) < 2 * peak(100)


def test_half_a_workbook_lies_in_the_scratch_folder_and_in_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, own = tmp_path / "system", tmp_path / "own"
    system.mkdir()
    own.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(system))
    in_system: set[str] = set()
    in_scratch: set[str] = set()

    def rows() -> Iterator[AnsweredRow]:
        for number in range(1, 4):
            in_system.update(path.name for path in system.iterdir())
            in_scratch.update(path.name for path in own.iterdir())
            yield make_row(number, outcome=Outcome.NOT_FOUND)

    write_xlsx(rows(), HEADER, io.BytesIO(), next_actions=NEXT_ACTIONS, scratch=own)
    assert in_system == set()
    assert in_scratch != set()


def test_the_page_about_results_is_what_the_code_says() -> None:
    page = REPOSITORY / "docs" / "results.md"
    assert page.read_text(encoding="utf-8") == results_reference(), (
        "run: python -m claims_pipeline.exports.reference > docs/results.md"
    )
