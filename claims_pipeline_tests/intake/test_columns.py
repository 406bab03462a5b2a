"""Headers: what is understood, what is ours, what means the same twice."""

import pytest

from claims_pipeline.intake.columns import (
    CANONICAL_COLUMNS,
    REJECTED_ROW_COLUMNS,
    SYNONYMS,
    header_key,
    layout_of,
)
from claims_pipeline.results_file.columns import RESULT_COLUMNS
from claims_pipeline_tests.intake.builders import CLAIMS_HEADER, claim_row, read_text


@pytest.mark.parametrize(
    "name",
    [
        "date_of_birth", "Date Of Birth", "DATE-OF-BIRTH", "dateofbirth", " Date of Birth ",
        "\ufeffDOB", "D.O.B.", "dob #", "Patient DOB", "DOB (MM/DD/YYYY)", "Birth_Date",
    ],
)  # fmt: skip
def test_spelling_of_a_column_name_does_not_matter(name):
    assert layout_of(["first_name", "last_name", name]).columns["date_of_birth"] == 2


@pytest.mark.parametrize("column", CANONICAL_COLUMNS)
def test_every_column_has_at_least_five_synonyms_of_its_own(column):
    assert len(SYNONYMS[column]) >= 5
    others = {key for other in SYNONYMS if other != column for key in SYNONYMS[other]}
    assert not others.intersection(SYNONYMS[column])
    assert all(header_key(synonym) == synonym for synonym in SYNONYMS[column])


def test_no_results_column_is_a_synonym():
    synonyms = {key for keys in SYNONYMS.values() for key in keys}
    assert not synonyms.intersection(map(header_key, RESULT_COLUMNS))


def test_the_patients_shape_with_prefixed_names_is_understood():
    file = read_text(
        "practice_tin,patient_first_name,patient_last_name,patient_dob,date_of_service\n"
        "072345678,ADA,EXAMPLE,05/10/1975,06/01/2025\n"
    )
    [request] = file.requests
    assert (request.practice_id, request.tin) == ("2", "072345678")
    assert str(request.service.first) == str(request.service.last) == "2025-06-01"


def test_the_shape_with_subscriber_tin_and_payer_is_understood():
    file = read_text(
        "first_name,last_name,date_of_birth,subscriber_id,tin,payer_id,"
        "first_service_date,last_service_date\n"
        "ADA,EXAMPLE,05/10/1975,00123456789,071234567,39026,06/01/2025,06/03/2025\n"
    )
    [request] = file.requests
    assert (request.subscriber_id, request.payer_id) == ("00123456789", "39026")
    assert (str(request.service.first), str(request.service.last)) == ("2025-06-01", "2025-06-03")


@pytest.mark.parametrize(
    "header",
    [
        "practice_id,claim_number,first_name,last_name,date_of_birth",
        "claim_number,first_name,last_name,practice_id,date_of_birth",
    ],
)
def test_the_order_of_columns_does_not_matter(header):
    cells = {
        "practice_id": "2",
        "claim_number": "FH1",
        "first_name": "ADA",
        "last_name": "EXAMPLE",
        "date_of_birth": "05/10/1975",
    }
    row = ",".join(cells[name] for name in header.split(","))
    [request] = read_text(f"{header}\n{row}\n").requests
    assert (request.practice_id, request.claim_number) == ("2", "FH1")


def test_unknown_columns_are_kept_with_a_warning():
    file = read_text(f"{CLAIMS_HEADER},Biller,,remarks\n{claim_row()},x,y,z\n")
    assert file.header == (*CLAIMS_HEADER.split(","), "Biller", "", "remarks")
    assert file.requests[0].cells[4:] == ("x", "y", "z")
    assert [(warning.code, warning.count) for warning in file.warnings] == [("unread_columns", 3)]


def test_a_results_file_is_read_as_the_file_it_came_from():
    header = [*CLAIMS_HEADER.split(","), "input_tin", "Note", *RESULT_COLUMNS]
    ours = ["9"] * len(RESULT_COLUMNS)
    file = read_text(
        "\n".join([",".join(header), ",".join([claim_row(), "072345678", "x", *ours])])
    )
    assert file.header == (*CLAIMS_HEADER.split(","), "tin", "Note")
    [request] = file.requests
    assert request.tin == "072345678"
    assert request.total_charged is None
    assert request.cells == (*claim_row().split(","), "072345678", "x")


def test_a_results_file_of_which_columns_were_deleted_is_still_one():
    ours = [name for name in RESULT_COLUMNS if name not in ("row_number", "remarks", "success")]
    header = [*CLAIMS_HEADER.split(","), *ours]
    file = read_text("\n".join([",".join(header), ",".join([claim_row(), *["9"] * len(ours)])]))
    assert file.header == tuple(CLAIMS_HEADER.split(","))
    assert file.requests[0].tin == "071234567"


def test_a_rejected_rows_file_is_read_without_the_columns_added_to_it():
    header = [*CLAIMS_HEADER.split(","), *REJECTED_ROW_COLUMNS]
    file = read_text("\n".join([",".join(header), f"{claim_row()},7,required,first_name,Fill in."]))
    assert file.header == tuple(CLAIMS_HEADER.split(","))
    assert file.requests[0].row_number == 1


def test_an_analysts_own_column_with_a_results_columns_name_is_kept():
    file = read_text(f"{CLAIMS_HEADER},service_from,outcome\n{claim_row()},06/01/2025,x\n")
    assert file.header[4:] == ("service_from", "outcome")
    assert file.requests[0].service is None
