"""Excel workbooks: read as they are shown, and bounded whatever they hold."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

import pytest
import xlsxwriter
from openpyxl import Workbook

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake import count_rows, prescreen
from claims_pipeline.intake.reading import workbook as workbook_module
from claims_pipeline_tests.intake.builders import WholeFile, read_file

HEADER = ("Claim #", "First Name", "Last Name", "DOB", "DOS", "Tax ID", "Charges")
# Workbooks know no time zones.
SECOND_OF_JUNE = datetime(2025, 6, 2, 14, 30)  # noqa: DTZ001
ADA = ("FH1234", "ADA", "EXAMPLE", date(1975, 5, 10), date(2025, 6, 1), 71234567, 125.5)
BEN = ("FH1235", "BEN", "EXAMPLE", "05/11/1975", SECOND_OF_JUNE, "", 88)


def a_workbook(*rows: Sequence[object], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    return saved(book)


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def with_part(content: bytes, name: str, change: object) -> bytes:
    """The workbook with one of its parts changed by a function, or added."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for part in before.namelist():
            text = before.read(part)
            after.writestr(part, change(text) if part == name else text)
        if name not in before.namelist():
            after.writestr(name, change(b""))
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
SMALL = a_workbook(HEADER, ADA)


def refusal(content: bytes) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read_file(content)
    return caught.value.code


def cells(file: WholeFile) -> list[tuple[str, ...]]:
    return [request.cells for request in file.requests]


def test_a_workbook_is_read_as_it_is_shown():
    file = read_file(a_workbook(HEADER, ADA, BEN, formats={"F2": "000000000"}))
    assert cells(file) == [
        ("FH1234", "ADA", "EXAMPLE", "05/10/1975", "06/01/2025", "071234567", "125.5"),
        ("FH1235", "BEN", "EXAMPLE", "05/11/1975", "06/02/2025 14:30:00", "", "88"),
    ]
    assert file.places == [(1, 2), (2, 3)]
    assert str(file.requests[1].service.first) == "2025-06-02"


@pytest.mark.parametrize(
    ("number", "number_format", "shown"),
    [
        (123456789012, "General", "123456789012"),
        (123456789012345, "0", "123456789012345"),
        (24730019.0, "General", "24730019"),
        (123, "00000", "00123"),
        (71234567, "00-0000000", "07-1234567"),
        (71234567, '00"-"0000000', "07-1234567"),
        (12.5, "0.00", "12.5"),
        (0.1 + 0.2, "General", "0.3"),
    ],
)
def test_a_number_is_the_digits_that_are_shown(number, number_format, shown):
    file = read_file(
        a_workbook((*HEADER[:4], "Note"), (*ADA[:4], number), formats={"E2": number_format})
    )
    assert file.requests[0].cells[4] == shown


def test_formulas_are_read_by_their_stored_values():
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    for row, values in enumerate((HEADER[:4], ("", "ADA", "EXAMPLE", "05/10/1975"))):
        sheet.write_row(row, 0, values)
    sheet.write_formula(1, 0, '=CONCATENATE("FH",1234)', value="FH1234")
    book.close()
    assert read_file(stream.getvalue()).requests[0].claim_number == "FH1234"


def test_the_sheet_with_the_header_is_read_and_its_title_left_out():
    book = Workbook()
    book.active.append(["Summary", "First Name"])
    sheet = book.create_sheet("Claims")
    for row in (["Aging report"], [], HEADER, ADA, [], ["Total", *[None] * 5, 125.5]):
        sheet.append(list(row))
    file = read_file(saved(book))
    assert file.places == [(1, 4)]
    assert file.left_out == [
        (1, "above the header"), (2, "blank line"), (5, "blank line"), (6, "total"),
    ]  # fmt: skip


def test_a_hidden_sheet_is_read_last():
    book = Workbook()
    book.active.sheet_state = "visible"
    book.active.append(["nothing"])
    hidden = book.create_sheet("Old")
    hidden.sheet_state = "hidden"
    shown = book.create_sheet("New")
    for sheet, row in ((hidden, BEN), (shown, ADA)):
        sheet.append(list(HEADER))
        sheet.append(list(row))
    assert cells(read_file(saved(book)))[0][1] == "ADA"


def test_rows_are_counted_as_they_are_read():
    content = a_workbook(["Title"], HEADER, ADA, [], BEN, ["Total"])
    assert count_rows(io.BytesIO(content), max_bytes=1 << 20) == 2
    prescreen(content[:500], is_whole=False)


def test_a_results_workbook_of_more_sheets_is_fed_back():
    from claims_pipeline.results_file.columns import RESULT_COLUMNS

    at = list(RESULT_COLUMNS).index("primary")
    rows = [[*HEADER, *RESULT_COLUMNS]]
    for primary in ("Y", "N"):
        ours = ["9"] * len(RESULT_COLUMNS)
        ours[at] = primary
        rows.append([*ADA, *ours])
    book = Workbook()
    book.active.append(["next action", "claims"])
    sheet = book.create_sheet("Results")
    for row in rows:
        sheet.append(row)
    file = read_file(saved(book))
    assert file.header == HEADER
    assert len(file.requests) == 1
    assert (3, "further claim of a row") in file.left_out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04" + b"\0" * 100, "archive"),
        (a_workbook(HEADER, ADA)[:3_000], "workbook_unreadable"),
        (a_workbook(), "file_empty"),
        (a_workbook(HEADER), "header_only"),
        (a_workbook(["a", "b"], [1, 2]), "no_usable_header"),
        (with_part(SMALL, "xl/workbook.xml", lambda _: b"<x"), "workbook_unreadable"),
        (with_part(SMALL, SHEET, lambda text: text[:-200]), "workbook_unreadable"),
    ],
    ids=["archive", "cut", "empty", "header", "numbers", "broken", "torn"],
)  # fmt: skip
def test_what_is_no_workbook_of_rows_is_refused(content, code):
    assert refusal(content) == code


def test_a_word_document_is_an_archive():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as content:
        content.writestr("[Content_Types].xml", "<Types/>")
        content.writestr("word/document.xml", "<document/>")
    assert refusal(stream.getvalue()) == "archive"


def test_an_archive_bomb_is_refused_before_it_is_unpacked():
    content = a_workbook(HEADER, ADA)
    bomb = with_part(content, "xl/sharedStrings.xml", lambda _: b"<sst>" + b" " * (97 << 20))
    assert len(bomb) < 1 << 20
    assert refusal(bomb) == "workbook_too_large"
    bomb = with_part(content, "xl/styles.xml", lambda _: b" " * (17 << 20))
    assert refusal(bomb) == "workbook_too_large"


def test_entities_that_unfold_are_not_unfolded():
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE x [<!ENTITY a0 "lol">{levels}]>'.encode()
    content = with_part(
        a_workbook(HEADER, ADA),
        "xl/worksheets/sheet1.xml",
        lambda text: doctype + re.sub(rb"<v>0</v>", b"<v>&a9;</v>", text),
    )
    assert refusal(content) == "workbook_unreadable"


def test_cells_far_out_and_rows_far_down_are_counted(monkeypatch):
    monkeypatch.setattr(workbook_module, "_MOST_CELLS", 100_000)
    monkeypatch.setattr(workbook_module, "_MOST_ROWS", 5_000)
    content = a_workbook(HEADER, ADA)

    def moved(to: bytes) -> bytes:
        return with_part(
            content,
            "xl/worksheets/sheet1.xml",
            lambda text: text.replace(b'<row r="2"', b'<row r="%s"' % to),
        )

    assert refusal(moved(b"99999999")) == "workbook_too_large"
    book = Workbook()
    book.active.append(list(HEADER))
    for row in range(2, 20):
        book.active.cell(row=row, column=16_000, value="x")
    assert refusal(saved(book)) == "workbook_too_large"
