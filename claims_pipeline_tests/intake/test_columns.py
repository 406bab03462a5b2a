"""Whole headers: what is read, what is ours, what means the same twice, what must be decided."""

import pytest

from claims_pipeline.errors import FileRefusedError
from claims_pipeline.intake import HeaderRefusedError
from claims_pipeline.intake.columns import layout_of
from claims_pipeline.intake.headers.digest import header_digest
from claims_pipeline.intake.headers.our_columns import REJECTED_ROW_COLUMNS
from claims_pipeline.results_file.columns import RESULT_COLUMNS
from claims_pipeline_tests.intake.builders import (
    CLAIMS_HEADER,
    claim_row,
    make_context,
    read_text,
)

PERSON = "First Name,Last Name,DOB"
ADA = "ADA,EXAMPLE,05/10/1975"


def refusal(text: str, **context: object) -> FileRefusedError:
    with pytest.raises(FileRefusedError) as caught:
        read_text(text, make_context(**context))
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        "date_of_birth", "Date Of Birth", "DATE-OF-BIRTH", "dateofbirth", " Date of Birth ",
        "\ufeffDOB", "D.O.B.", "dob", "Patient DOB", "DOB (MM/DD/YYYY)", "Birth_Date",
    ],
)  # fmt: skip
def test_spelling_of_a_column_name_does_not_matter(name):
    assert layout_of(["first_name", "last_name", name]).columns["date_of_birth"] == 2


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
        "ADA,EXAMPLE,05/10/1975,00123456789,071234567,96385,06/01/2025,06/03/2025\n"
    )
    [request] = file.requests
    assert (request.subscriber_id, request.payer_id) == ("00123456789", "96385")
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


def test_what_each_column_was_read_as_is_told():
    file = read_text(f"{PERSON},Svc From,DOS Thru,Biller\n{ADA},06/01/2025,06/03/2025,x\n")
    assert file.read_as == {
        "First Name": "first_name",
        "Last Name": "last_name",
        "DOB": "date_of_birth",
        "Svc From": "first_service_date",
        "DOS Thru": "last_service_date",
        "Biller": None,
    }


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ("Claim ID,ICN", "ICN"),
        ("Payer Claim #,Claim Number", "Payer Claim #"),
        ("claim_number,Claim No", "claim_number"),
        ("Original Claim Number,Claim Number", "Claim Number"),
        ("Reference Number,Claim #", "Claim #"),
    ],
)
def test_of_two_claim_numbers_the_clearer_one_is_read(names, read):
    file = read_text(f"{names},{PERSON}\nFH1,FH2,{ADA}\n")
    assert file.read_as[read] == "claim_number"
    assert file.requests[0].claim_number == ("FH1" if names.startswith(read) else "FH2")


def test_columns_that_mean_the_same_are_both_named():
    error = refusal(f"{PERSON},Patient DOB\n{ADA},05/10/1975\n")
    assert error.code == "columns_repeated"
    assert '"DOB" (column C) and "Patient DOB" (column D) both mean date_of_birth.' in error.message


def test_which_of_two_equal_columns_is_read_can_be_said():
    text = f"{PERSON},Patient DOB\n{ADA},05/11/1975\n"
    file = read_text(text, make_context(column_map={"DOB": "ignore"}))
    assert str(file.requests[0].patient.date_of_birth) == "1975-05-11"
    file = read_text(text, make_context(column_map={"DOB": "date_of_birth"}))
    assert str(file.requests[0].patient.date_of_birth) == "1975-05-10"


@pytest.mark.parametrize("who", ["Guarantor", "Subscriber", "Insured", "Rendering Provider"])
def test_nothing_of_another_person_becomes_the_patients(who):
    error = refusal(f"{who} First Name,{who} Last Name,{who} DOB\n{ADA}\n")
    assert error.code == "columns_missing"
    assert f'"{who} First Name" (column A)' in error.message
    file = read_text(f"{who} First Name,{who} Last Name,{PERSON}\nNORMA,OTHER,{ADA}\n")
    assert (file.requests[0].patient.first_name, file.requests[0].patient.last_name) == (
        "ADA",
        "EXAMPLE",
    )


@pytest.mark.parametrize("name", ["Patient", "Patient Name", "PT NAME", "Patient (Last, First)"])
@pytest.mark.parametrize(
    ("cell", "last", "first"),
    [
        ("QUILL, NORMA", "QUILL", "NORMA"),
        ("QUILL,NORMA J", "QUILL", "NORMA"),
        ("QUILL, NORMA J.", "QUILL", "NORMA"),
        ("O'DELL-REY, ANA MARIA", "O'DELL-REY", "ANA MARIA"),
        ("TAMM JR, OSKAR B", "TAMM JR", "OSKAR"),
        ("TAMM, JR, OSKAR", "TAMM JR", "OSKAR"),
        ("TAMM, OSKAR, B", "TAMM", "OSKAR"),
        ("QUILL^NORMA^J", "QUILL", "NORMA"),
    ],
)
def test_a_name_in_one_column_is_split_at_its_comma(name, cell, last, first):
    header = f'"{name}",DOB' if "," in name else f"{name},DOB"
    [request] = read_text(f'{header}\n"{cell}",05/10/1975\n').requests
    assert (request.patient.last_name, request.patient.first_name) == (last, first)


def test_a_name_that_cannot_be_split_rejects_its_row_only():
    file = read_text(
        'Patient,DOB\n"QUILL, NORMA",05/10/1975\nOSKAR TAMM,05/10/1975\n"A, B, C D",05/10/1975\n'
    )
    assert len(file.requests) == 1
    assert [(row.row_number, row.code) for row in file.rejected] == [
        (2, "name_not_split"),
        (3, "name_not_split"),
    ]


def test_a_file_of_names_without_commas_is_refused_saying_so():
    assert refusal("Patient Name,DOB\nADA EXAMPLE,05/10/1975\n").code == "name_not_split"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Dates of Care", "first_service_date"),
        ("DOS Zeitraum", "first_service_date"),
        ("Claim Date", "first_service_date"),
        ("Thru", "first_service_date"),
        ("Acme Claim Handle", "claim_number"),
        ("Provider Claim Number", "claim_number"),
    ],
)
def test_a_column_that_may_say_which_claim_is_meant_is_never_passed_over(name, column):
    error = refusal(f"{PERSON},{name}\n{ADA},x1\n")
    assert error.code == "columns_uncertain"
    assert f"column D ({column}?)" in error.message or f"(column D) ({column}?)" in error.message
    assert isinstance(error, HeaderRefusedError)
    assert [(read.header, read.may_be) for read in error.readings][3:] == [(name, column)]


@pytest.mark.parametrize(
    ("cell", "column"), [("06/01/2025", "first_service_date"), ("FH24730019", "claim_number")]
)
def test_a_column_of_an_unknown_name_is_told_by_what_its_cells_look_like(cell, column):
    error = refusal(f"{PERSON},Xyzzy\n{ADA},{cell}\n")
    assert error.code == "columns_uncertain"
    assert error.readings[3].may_be == column


def test_a_refusal_never_repeats_a_name_that_may_be_somebodys():
    error = refusal(f"{PERSON},Claim of NORMA QUILL\n{ADA},x1\n")
    assert error.code == "columns_uncertain"
    assert "QUILL" not in error.message


def test_a_column_is_not_asked_about_where_the_file_has_what_it_may_be():
    file = read_text(f"{CLAIMS_HEADER},DOS,Dates of Care\n{claim_row()},06/01/2025,x\n")
    assert file.read_as["Dates of Care"] is None


@pytest.mark.parametrize("decided", ["first_service_date", "ignore"])
def test_a_decision_settles_it(decided):
    text = f"{PERSON},Dates of Care\n{ADA},06/01/2025\n"
    [request] = read_text(text, make_context(column_map={"Dates of Care": decided})).requests
    assert (request.service is None) == (decided == "ignore")


def test_a_decision_is_known_again_by_the_set_of_names():
    remembered = {
        header_digest(["DOB", "dates of care", "Last Name", "First Name"]): {
            "Dates of Care": "first_service_date"
        }
    }
    text = f"{PERSON},Dates of Care\n{ADA},06/01/2025\n"
    assert read_text(text, make_context(remembered=remembered)).requests[0].service
    other = f"{PERSON},Dates of Care,Biller\n{ADA},06/01/2025,x\n"
    assert refusal(other, remembered=remembered).code == "columns_uncertain"


def test_a_decision_about_a_column_that_is_not_there_is_refused():
    error = refusal(f"{PERSON}\n{ADA}\n", column_map={"Nowhere": "claim_number"})
    assert error.code == "column_map_unmatched"


def test_a_missing_column_can_be_named():
    file = read_text(
        "Vorname,Name,Geburtstag\nADA,EXAMPLE,05/10/1975\n",
        make_context(
            column_map={
                "Vorname": "first_name",
                "Name": "last_name",
                "Geburtstag": "date_of_birth",
            }
        ),
    )
    assert len(file.requests) == 1


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


def test_further_claims_of_a_row_in_a_results_file_are_left_out():
    header = [*CLAIMS_HEADER.split(","), *RESULT_COLUMNS]
    at = list(RESULT_COLUMNS).index("primary")
    lines = [",".join(header)]
    for number, primary in ((1, "Y"), (1, "N"), (2, "Y"), (2, "N"), (2, "N")):
        ours = ["9"] * len(RESULT_COLUMNS)
        ours[at] = primary
        lines.append(",".join([claim_row(number), *ours]))
    file = read_text("\n".join(lines))
    assert [request.claim_number for request in file.requests] == ["FH00000001", "FH00000002"]
    assert file.left_out == [(line, "further claim of a row") for line in (3, 5, 6)]
    assert file.records == 5


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


def test_an_analysts_own_columns_with_names_of_a_results_file_are_kept_and_read():
    file = read_text(f"{CLAIMS_HEADER},service_from,outcome\n{claim_row()},06/01/2025,x\n")
    assert file.header[4:] == ("service_from", "outcome")
    assert str(file.requests[0].service.first) == "2025-06-01"
