import csv
import io
import random
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import unescape
from zipfile import ZipFile

import pytest
from openpyxl.utils import get_column_letter

from claims_pipeline.exports import csv_chunks, csv_writer, lines_of, result_columns, xlsx_sheets
from claims_pipeline.exports.reference import results_reference
from claims_pipeline.model import AnsweredRow, Outcome
from claims_pipeline.results_file.columns import WORK_COLUMNS
from claims_pipeline.results_file.formulas import restored
from claims_pipeline_tests.exports.builders import (
    CELLS,
    HEADER,
    NEXT_ACTIONS,
    csv_bytes,
    make_claim,
    make_row,
    workbook,
    write_workbook,
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
def test_the_csv_made_piece_by_piece_is_the_file_of_the_run(count: int) -> None:
    rows = [make_row(number, claims=[make_claim()] * 2) for number in range(1, count + 1)]
    pieces = list(csv_chunks(iter(rows), HEADER, next_actions=NEXT_ACTIONS, bom=True))
    stream = io.BytesIO()
    with csv_writer(result_columns(HEADER), stream, bom=True) as write:
        for row in rows:
            write(lines_of(row, width=len(HEADER), next_actions=NEXT_ACTIONS))
    assert not stream.closed
    assert b"".join(pieces) == stream.getvalue()
    assert all(len(piece) < 1_000_000 for piece in pieces)


def test_lines_are_counted_and_the_stream_stays_open(tmp_path: Path) -> None:
    stream = io.BytesIO()
    rows = [make_row(1, claims=[make_claim(), make_claim()]), make_row(2)]
    assert write_workbook(rows, stream, tmp_path) == 3
    assert not stream.closed


def test_a_workbook_that_does_not_fit_on_the_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with (
        (tmp_path / "results.xlsx").open("wb") as stream,
        files_no_larger_than(1000),
        pytest.raises(OSError, match="could not be written"),
    ):
        write_workbook([make_row(1)], stream, tmp_path)


def test_the_workbook_keeps_ids_as_text_and_days_and_amounts_as_values() -> None:
    cells = ("000123", "Zoë", "Ñandú", "05/10/1975", "12.5")
    sheet = workbook([make_row(cells=cells, claims=[make_claim()])])["Claims"]
    header, line = list(sheet.iter_rows())
    names = [cell.value for cell in header]
    assert sorted(names) == sorted(result_columns(HEADER))
    by_name = dict(zip(names, line, strict=True))
    assert tuple(by_name[name].value for name in HEADER) == cells
    assert by_name["payer_subscriber_id"].value == "000123456"
    assert by_name["payer_date_of_birth"].value == datetime(1975, 5, 10)  # noqa: DTZ001 - a day
    assert by_name["payer_date_of_birth"].number_format == "mm/dd/yyyy"
    assert by_name["tin"].value == "070000001"
    money = by_name["total_paid"]
    assert (money.value, money.data_type, money.number_format) == (-12.5, "n", "#,##0.00")
    assert by_name["days_since_received"].value == 20
    assert by_name["match_note"].value is None


def test_the_sheet_of_claims_begins_with_the_person_and_what_is_worked_with() -> None:
    sheet = workbook([make_row(1, claims=[make_claim()]), make_row(2)])["Claims"]
    names = [cell.value for cell in next(sheet.iter_rows(max_row=1))]
    assert names[:2] == ["last_name", "first_name"]
    assert names[2 : 2 + len(WORK_COLUMNS)] == list(WORK_COLUMNS)
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.auto_filter.ref.endswith("3")
    rest = sheet.column_dimensions[get_column_letter(3 + len(WORK_COLUMNS))]
    assert (rest.hidden, rest.outlineLevel) == (True, 1)
    assert not sheet.column_dimensions["C"].hidden
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight == 0  # as many pages as there are lines for
    assert sheet.print_title_rows == "$1:$1"


def test_a_status_has_its_colour() -> None:
    sheet = workbook([make_row(1, claims=[make_claim()]), make_row(2, outcome=Outcome.NOT_FOUND)])
    claims = sheet["Claims"]
    place = 3 + list(WORK_COLUMNS).index("claim_status")
    paid = claims.cell(2, place)
    missing = claims.cell(3, place - 1)
    assert (paid.value, missing.value) == ("PAID", "not_found")
    assert paid.font.color.rgb != missing.font.color.rgb


def test_the_workbook_says_first_what_is_to_be_done() -> None:
    claim = make_claim(total_charged=Decimal("150.00"))
    row = make_row(1, claims=[claim])
    again = make_row(2, claims=[claim])
    (match,) = again.result.claims
    again = replace(
        again, result=replace(again.result, claims=(replace(match, same_claim_as_row=1),))
    )
    book = workbook([row, again, make_row(3, outcome=Outcome.REJECTED, next_action="fix")])
    assert book.sheetnames == ["Work", "Claims", "Rejected rows"]
    told = [[cell for cell in line if cell is not None] for line in book["Work"].values]
    assert told[0] == ["What to do next"]
    assert told[2][:5] == ["Post the payment.", 1, 150, -12.5, 0]
    assert ["fix", 1] in told
    rejected = [cell.value for cell in book["Rejected rows"][2]]
    assert rejected[:2] == [3, 4]
    assert rejected[5:] == list(CELLS)


def test_what_does_not_fit_on_a_sheet_goes_on_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_sheets, "MAX_SHEET_LINES", 4)
    book = workbook(make_row(number) for number in range(1, 8))
    sheets = ["Claims", "Claims 2", "Claims 3"]
    assert book.sheetnames == ["Work", *sheets]
    numbers = [[line[2] for line in book[name].values] for name in sheets]
    assert numbers == [
        ["row_number", 1, 2, 3],
        ["row_number", 4, 5, 6],
        ["row_number", 7],
    ]


def test_a_sheet_stays_small_enough_for_a_part_of_an_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    most = 100_000
    monkeypatch.setattr(xlsx_sheets, "MAX_SHEET_BYTES", most)
    # Quotes and angles take more room in XML than in a cell.
    rows = [make_row(number, cells=("<O'Example>", "a & b", "ü" * 20)) for number in range(1, 401)]
    path = tmp_path / "results.xlsx"
    with path.open("wb") as stream:
        write_workbook(rows, stream, tmp_path)

    with ZipFile(path) as archive:
        parts = [one.file_size for one in archive.infolist() if "worksheets/" in one.filename]
    assert len(parts) > 2
    # The limit is 2 GiB, and the bound half of it.
    assert max(parts) < 2 * most


def test_a_cell_that_excel_cannot_hold_is_cut_and_odd_characters_survive() -> None:
    cells = ("x" * 40_000, "a\x01b", "_x0041_", "", "\x00")
    sheet = workbook([make_row(cells=cells)])["Claims"]
    texts = [cell.value for cell in sheet[2] if isinstance(cell.value, str)]
    assert max(map(len, texts)) == 32_767
    assert sheet["A2"].value is not None
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
    write_workbook(rows_with_formulas(10_000), stream, tmp_path)
    with ZipFile(stream) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
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
            write_workbook(rows, stream, tmp_path)
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

    write_workbook(rows(), io.BytesIO(), own)
    assert in_system == set()
    assert in_scratch != set()


def test_the_page_about_results_is_what_the_code_says() -> None:
    page = REPOSITORY / "docs" / "results.md"
    assert page.read_text(encoding="utf-8") == results_reference(), (
        "run: python -m claims_pipeline.exports.reference > docs/results.md"
    )
