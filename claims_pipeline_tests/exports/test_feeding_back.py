"""A results file is a fair input: intake sees the analyst's own columns and cells again."""

import io
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from claims_pipeline import intake
from claims_pipeline.exports import result_columns, write_xlsx
from claims_pipeline.intake import IntakeContext
from claims_pipeline.intake.columns import MAX_COLUMNS
from claims_pipeline.model import ListedPayer, Outcome, Practice
from claims_pipeline.payers.registry import capabilities_of
from claims_pipeline.results_file.columns import RESULT_COLUMNS, original_name
from claims_pipeline_tests.exports.builders import NEXT_ACTIONS, csv_bytes, make_claim, make_row

HEADER = ("first_name", "Last Name", "DOB", "TIN", "total_charged", "=note", "Outcome")
ROWS = (
    ("Zoë", "Exámple", "05/10/1975", "070000001", "12.50", "=1+1", "lost"),
    ("Ada", "Ex-Ample, Jr", "05/11/1975", "070000001", "", "'quoted", "two\nlines"),
    ("Bob", "Example", "1975-05-12", "070000001", "0.10", "-5", " @x"),
)


def context() -> IntakeContext:
    return IntakeContext(
        practices=[Practice(practice_id="1", tin="070000001", name="One", is_default=True)],
        provider="uhc",
        payers=[ListedPayer(payer="uhc", payer_id="87726", name="UnitedHealthcare", channel="uhc")],
        channels=frozenset({"uhc"}),
        today=date(2026, 3, 25),
        capabilities=capabilities_of("uhc"),
        max_rows=1_000,
        max_bytes=1_000_000,
    )


@pytest.mark.parametrize("bom", [True, False])
def test_a_results_file_is_read_as_the_file_it_came_from(bom: bool) -> None:
    rows = [
        make_row(number, cells=cells, outcome=Outcome.FOUND, claims=[make_claim()])
        for number, cells in enumerate(ROWS, start=1)
    ]
    content = csv_bytes(rows, HEADER, bom=bom)
    reading = intake.read(io.BytesIO(content), context())
    chunks = list(reading.chunks())
    assert reading.header == HEADER
    assert [row.code for chunk in chunks for row in chunk.rejected] == []
    requests = [request for chunk in chunks for request in chunk.requests]
    assert tuple(request.cells for request in requests) == ROWS


def test_a_workbook_of_results_is_read_as_the_file_it_came_from() -> None:
    rows = [
        make_row(number, cells=cells, outcome=Outcome.FOUND, claims=[make_claim(), make_claim()])
        for number, cells in enumerate(ROWS, start=1)
    ]
    stream = io.BytesIO()
    with TemporaryDirectory() as scratch:
        write_xlsx(
            rows,
            HEADER,
            stream,
            name_positions=(1, 0),
            next_actions=NEXT_ACTIONS,
            scratch=Path(scratch),
        )
    stream.seek(0)
    reading = intake.read(stream, context())
    chunks = list(reading.chunks())
    assert sorted(reading.header) == sorted(HEADER)
    order = [HEADER.index(name) for name in reading.header]
    requests = [request for chunk in chunks for request in chunk.requests]
    assert [request.cells for request in requests] == [
        tuple(cells[place] for place in order) for cells in ROWS
    ]


def test_columns_that_older_results_files_had_of_the_analyst_stay_theirs() -> None:
    header = ("first_name", "last_name", "date_of_birth", "practice_id", "outcome", "matched_by")
    text = ",".join(header) + "\nAda,Example,05/10/1975,1,found,patient\n"
    reading = intake.read(io.BytesIO(text.encode()), context())
    assert reading.header == header[:4]


@pytest.mark.parametrize("name", ["tin", "Outcome", " row_number ", "success", "note", "tin code"])
def test_a_column_of_the_input_gets_its_own_name_back(name: str) -> None:
    assert original_name(result_columns([name])[0], RESULT_COLUMNS) == name


def test_the_widest_input_and_our_columns_fit_on_a_sheet() -> None:
    assert len(result_columns([""] * MAX_COLUMNS)) <= 16_384
