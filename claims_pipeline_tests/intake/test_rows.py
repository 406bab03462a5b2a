"""The rules for rows: what is asked, and what is rejected with which column and code."""

from decimal import Decimal

import pytest

from claims_pipeline.intake import ROW_ERRORS
from claims_pipeline.model import DateWindow, ListedPayer, Practice
from claims_pipeline_tests.intake.builders import TODAY, UHC, make_context, read_text

LEGAL = {
    "claim_number": "FH00000001",
    "patient_account_number": "0007",
    "first_name": "ADA",
    "last_name": "EXAMPLE",
    "date_of_birth": "05/10/1975",
    "gender": "F",
    "subscriber_id": "00912345678",
    "subscriber_first_name": "",
    "subscriber_last_name": "",
    "first_service_date": "06/01/2025",
    "last_service_date": "06/02/2025",
    "practice_id": "1",
    "tin": "071234567",
    "npi": "1234567893",
    "payer_id": "87726",
    "payer": "UHC",
    "total_charged": "125.50",
}


def read_row(context=None, **cells: str):
    return read_text(as_csv({**LEGAL, **cells}), context)


def as_csv(row: dict[str, str]) -> str:
    quoted = ('"' + cell.replace('"', '""') + '"' for cell in row.values())
    return ",".join(row) + "\n" + ",".join(quoted) + "\n"


def test_the_documented_first_row_is_accepted():
    file = read_text(
        "claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
    )
    [request] = file.requests
    assert request.claim_number == "FH00000001"
    assert (request.practice_id, request.payer_id, request.service) == ("1", "87726", None)
    assert not file.rejected
    assert not file.warnings


def test_every_cell_arrives_with_its_zeros():
    [request] = read_row().requests
    assert request.patient_account_number == "0007"
    assert request.subscriber_id == "00912345678"
    assert request.total_charged == Decimal("125.50")
    assert request.cells == tuple(LEGAL.values())


@pytest.mark.parametrize(
    ("code", "column", "cell"),
    [
        ("required", "first_name", ""),
        ("required", "last_name", "  "),
        ("required", "date_of_birth", ""),
        ("required", "first_name", "\u200b\u00a0"),
        ("name_without_letters", "first_name", "12"),
        ("name_without_letters", "last_name", "-"),
        ("formula_text", "first_name", "=1+1"),
        ("formula_text", "last_name", "@SUM(A1)"),
        ("formula_text", "claim_number", "+1+1"),
        ("formula_text", "subscriber_id", "'=1+1"),
        ("unreadable_character", "first_name", "AD\ufffd"),
        ("unreadable_character", "claim_number", "FH\x01"),
        ("unclosed_quote", "first_name", '"ADA'),
        ("value_too_long", "last_name", "X" * 101),
        ("value_too_long", "claim_number", "1" * 81),
        ("scientific_notation", "claim_number", "1.23E+11"),
        ("scientific_notation", "claim_number", "1,23E+11"),
        ("unreadable_character", "last_name", "NU?EZ"),
        ("unreadable_character", "first_name", "JOS\u0192"),
        ("unreadable_character", "first_name", "Jos\u201a"),
        ("unreadable_character", "last_name", "PE\u00a5A"),
        ("amount_in_identifier", "claim_number", "150.00"),
        ("amount_in_identifier", "patient_account_number", "1,150.00"),
        ("amount_in_identifier", "subscriber_id", "$12"),
        ("several_numbers", "claim_number", "FH24730019; FH24730020"),
        ("several_numbers", "claim_number", "24730019,24730020"),
        ("scientific_notation", "tin", "7.12E+07"),
        ("scientific_notation", "practice_id", "1.00E+00"),
        ("scientific_notation", "payer_id", "8.77E+04"),
        ("payer_id_invalid", "payer_id", "877 26"),
        ("payer_id_invalid", "payer_id", "8" * 33),
        ("other_payer", "payer_id", "60054"),
        ("other_payer", "payer_id", "SMMI0"),
        ("formula_text", "subscriber_last_name", "=1+1"),
        ("unreadable_character", "subscriber_first_name", "JOS\u0192"),
        ("leading_zero_lost", "tin", "79999999"),
        ("leading_zero_lost", "tin", "7-9999999"),
        ("required", "first_name", "#N/A"),
        ("required", "date_of_birth", "00/00/0000"),
        ("service_before_birth", "date_of_birth", "06/02/2025"),
        ("tin_invalid", "tin", "7123"),
        ("tin_invalid", "tin", "0712345678"),
        ("practice_unknown", "tin", "079999999"),
        ("practice_unknown", "practice_id", "3"),
        ("practice_contradiction", "tin", "072345678"),
        ("date_two_digit_year", "date_of_birth", "05/10/15"),
        ("date_impossible", "date_of_birth", "02/30/1975"),
        ("date_is_serial_number", "date_of_birth", "27524"),
        ("date_unreadable", "first_service_date", "soon"),
        ("date_is_serial_number", "last_service_date", "45809"),
        ("birth_date_in_future", "date_of_birth", "06/17/2025"),
        ("birth_date_before_1900", "date_of_birth", "12/31/1899"),
        ("service_dates_reversed", "last_service_date", "05/31/2025"),
    ],
)
def test_a_bad_cell_rejects_the_row_with_its_column_and_code(code, column, cell):
    file = read_row(**{column: cell})
    shown_in = "first_service_date" if code == "service_before_birth" else column
    assert file.verdicts == [(1, 2, shown_in, code)]
    assert file.rejected[0].message.startswith(ROW_ERRORS[code])


@pytest.mark.parametrize(
    ("code", "column", "first", "last"),
    [
        ("service_date_in_future", "first_service_date", "06/18/2025", "06/20/2025"),
        ("service_date_in_future", "first_service_date", "06/18/2025", ""),
        ("service_date_too_old", "last_service_date", "06/01/2023", "06/15/2023"),
        ("service_date_too_old", "last_service_date", "", "06/15/2023"),
    ],
)
def test_a_service_window_that_cannot_be_asked_for_rejects_the_row(code, column, first, last):
    file = read_row(first_service_date=first, last_service_date=last)
    assert file.verdicts == [(1, 2, column, code)]


@pytest.mark.parametrize(
    ("first", "last", "window"),
    [
        ("06/01/2025", "06/10/2025", ("2025-06-01", "2025-06-10")),
        ("06/01/2025", "", ("2025-06-01", "2025-06-01")),
        ("", "06/10/2025", ("2025-06-10", "2025-06-10")),
        ("06/01/2025", "12/31/2025", ("2025-06-01", "2025-06-16")),
        ("06/17/2025", "06/17/2025", ("2025-06-16", "2025-06-16")),
        ("01/01/2020", "06/16/2023", ("2020-01-01", "2023-06-16")),
        ("07/01/2023", "06/01/2025", ("2023-07-01", "2025-06-01")),
    ],
)
def test_a_service_window_is_taken_as_it_is_and_cut_to_today(first, last, window):
    [request] = read_row(first_service_date=first, last_service_date=last).requests
    assert (str(request.service.first), str(request.service.last)) == window


def test_the_first_and_the_last_legal_birthday_are_accepted():
    assert read_row(date_of_birth="01/01/1900").requests
    today = TODAY.strftime("%m/%d/%Y")
    assert read_row(date_of_birth=today, first_service_date=today, last_service_date="").requests


def test_a_row_with_several_faults_is_rejected_once_and_names_all_columns():
    file = read_row(first_name="", date_of_birth="1/1/15", tin="1")
    assert file.verdicts == [(1, 2, "first_name", "required")]
    assert file.rejected[0].message.endswith("Also wrong: date_of_birth, tin.")


def test_no_message_repeats_a_cell():
    marker = "ZQXJ"
    for column in LEGAL:
        for row in read_row(**{column: f"={marker}\ufffd{marker}"}).rejected:
            assert marker not in row.message


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (" ADA ", "ADA"),
        ("\u00a0ADA\u00a0", "ADA"),
        ("\u200eADA\u200f", "ADA"),
        ("ANNE  MARIE", "ANNE MARIE"),
        ("O'BRIEN", "O'BRIEN"),
        ("'ADA", "ADA"),
        ("A\u200bDA\u00ad", "ADA"),
        ("JosÃ©", "José"),
        ("NÃºÃ±ez", "Núñez"),
        ("O&#39;BRIEN", "O'BRIEN"),
        ("N&uacute;&ntilde;ez", "Núñez"),
        ("MUñOZ", "MUñOZ"),
        ("D’ARC", "D’ARC"),
        ('="ADA"', "ADA"),
        ("NULL", "NULL"),
        ("NA", "NA"),
    ],
)
def test_names_are_cleaned_at_their_ends_only(cell, name):
    [request] = read_row(first_name=cell).requests
    assert request.patient.first_name == name


def test_zeros_that_a_program_kept_with_a_formula_are_kept():
    [request] = read_row(claim_number='="00123"', tin='="071234567"').requests
    assert (request.claim_number, request.tin) == ("00123", "071234567")


@pytest.mark.parametrize(
    ("cells", "practice_id", "tin", "payer_id"),
    [
        ({"practice_id": "", "tin": ""}, "1", "071234567", "87726"),
        ({"practice_id": "2", "tin": ""}, "2", "072345678", "03432"),
        ({"practice_id": "", "tin": "07-2345678"}, "2", "072345678", "03432"),
        ({"practice_id": "072345678", "tin": ""}, "2", "072345678", "03432"),
        ({"practice_id": "2", "tin": "072345678", "payer_id": "96385"}, "2", "072345678", "96385"),
    ],
)
def test_a_row_is_asked_for_its_practice_and_payer(cells, practice_id, tin, payer_id):
    [request] = read_row(**{"payer_id": "", **cells}).requests
    assert (request.practice_id, request.tin, request.payer_id) == (practice_id, tin, payer_id)


def test_without_a_default_practice_a_row_must_name_one():
    context = make_context(practices=[Practice(practice_id="7", tin="077777777", name="West")])
    text = (
        "first_name,last_name,date_of_birth,practice_id\n"
        "ADA,EXAMPLE,05/10/1975,\nADA,EXAMPLE,05/10/1975,7\n"
    )
    file = read_text(text, context)
    assert file.verdicts == [(1, 2, "practice_id", "practice_required")]
    assert file.places == [(2, 3)]
    file = read_text("first_name,last_name,date_of_birth\nADA,EXAMPLE,05/10/1975\n", context)
    assert file.verdicts == [(1, 2, "practice_id", "practice_required")]


def test_of_practices_with_one_tin_the_id_decides_and_else_the_default():
    context = make_context(
        practices=[
            Practice(practice_id="a", tin="071111111", name="A"),
            Practice(practice_id="b", tin="071111111", name="B", is_default=True),
        ]
    )
    header = "first_name,last_name,date_of_birth,practice_id,tin\n"
    rows = "ADA,EXAMPLE,05/10/1975,a,071111111\nADA,EXAMPLE,05/10/1975,,071111111\n"
    assert [r.practice_id for r in read_text(header + rows, context).requests] == ["a", "b"]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("$1,234.50", "1234.50"),
        ("125", "125"),
        ("125.5000", "125.50"),
        ("", None),
        ("125,50", None),
        ("free", None),
        ("-5", None),
    ],
)
def test_an_amount_is_read_or_left_out_with_a_warning(cell, amount):
    file = read_row(total_charged=cell)
    [request] = file.requests
    assert request.total_charged == (Decimal(amount) if amount else None)
    ignored = [warning.code for warning in file.warnings]
    assert ignored == (["amount_ignored"] if cell and amount is None else [])


def test_exact_duplicates_point_at_the_first_of_them_however_dates_are_written():
    header = "first_name,last_name,date_of_birth,date_of_service,note\n"
    rows = [
        "ADA,EXAMPLE,05/10/1975,06/01/2025,a",
        "ADA,EXAMPLE,1975-05-10,20250601,b",
        "ADA,EXAMPLE,05/10/1975,06/02/2025,c",
        "Ada,EXAMPLE,05/10/1975,06/01/2025,d",
        " ADA,EXAMPLE,5/10/1975,06/01/2025,e",
    ]
    file = read_text(header + "\n".join(rows))
    assert [request.duplicate_of for request in file.requests] == [None, 1, None, None, 1]
    assert ("duplicate_rows", 2) in [(warning.code, warning.count) for warning in file.warnings]


def test_a_row_of_another_practice_is_no_duplicate():
    header = "first_name,last_name,date_of_birth,practice_id\n"
    rows = "ADA,EXAMPLE,05/10/1975,1\nADA,EXAMPLE,05/10/1975,2\nADA,EXAMPLE,05/10/1975,\n"
    requests = read_text(header + rows).requests
    assert [request.duplicate_of for request in requests] == [None, None, 1]


def test_windows_beyond_any_maximum_are_legal():
    [request] = read_row(first_service_date="07/01/2023").requests
    assert request.service == DateWindow(request.service.first, request.service.last)
    assert request.service.days > 700


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("claim_number", "24730019.0", "24730019"),
        ("claim_number", "'FH24730019", "FH24730019"),
        ("claim_number", "#FH24730019", "FH24730019"),
        ("claim_number", "FH24730019-01", "FH24730019-01"),
        ("claim_number", "FH24730019/02", "FH24730019/02"),
        ("claim_number", "12E34567", "12E34567"),
        ("claim_number", "00123", "00123"),
        ("patient_account_number", "0007.0", "0007"),
        ("subscriber_id", "912345678.0", "912345678"),
    ],
)
def test_an_identifier_is_read_as_it_was_before_a_spreadsheet_had_it(column, cell, expected):
    [request] = read_row(**{column: cell}).requests
    assert getattr(request, column) == expected


@pytest.mark.parametrize(
    "cell",
    ["N/A", "NULL", "nan", "PENDING", "-", "0", "000", "#N/A", "none", "unknown", "TBD", "."],
)
@pytest.mark.parametrize("column", ["claim_number", "patient_account_number", "subscriber_id"])
def test_a_placeholder_is_no_identifier_and_is_counted(column, cell):
    file = read_row(**{column: cell})
    assert getattr(file.requests[0], column) is None
    assert [(w.code, w.count) for w in file.warnings] == [("placeholders_as_empty", 1)]


def test_a_claim_number_without_a_digit_is_none():
    file = read_row(claim_number="see notes")
    assert file.requests[0].claim_number is None
    assert [w.code for w in file.warnings] == ["placeholders_as_empty"]


@pytest.mark.parametrize("column", ["patient_account_number", "subscriber_id"])
@pytest.mark.parametrize("cell", ["9E+10", "9.12346e+08", "4,52E+11"])
def test_a_damaged_number_that_is_not_needed_is_left_away_with_a_warning(column, cell):
    file = read_row(**{column: cell})
    assert getattr(file.requests[0], column) is None
    assert [(w.code, w.count) for w in file.warnings] == [("identifier_ignored", 1)]


def test_numbers_that_a_spreadsheet_rounded_are_noticed():
    rows = [f"20261005123400{at}1,ADA,EXAMPLE,05/10/1975" for at in range(1, 4)]
    file = read_text("claim_number,first_name,last_name,date_of_birth\n" + "\n".join(rows))
    assert len(file.requests) == 3
    assert not file.warnings
    rounded = [row.replace("1,ADA", "000,ADA") for row in rows]
    file = read_text("claim_number,first_name,last_name,date_of_birth\n" + "\n".join(rounded))
    assert [(w.code, w.count) for w in file.warnings] == [("numbers_look_rounded", 3)]


@pytest.mark.parametrize(
    ("cell", "practice_id"),
    [
        ("South", "2"), ("SOUTH ", "2"), ("2.0", "2"), ("'2", "2"), ("72345678", "2"),
        ("072345678.0", "2"), ("07-2345678", "2"), ("N/A", "1"), ("", "1"),
    ],
)  # fmt: skip
def test_a_practice_is_known_by_its_id_its_tax_id_or_a_name_of_its_own(cell, practice_id):
    [request] = read_row(practice_id=cell, tin="").requests
    assert request.practice_id == practice_id


def test_a_name_that_two_practices_have_names_neither():
    practices = [
        Practice(practice_id="1", tin="071234567", name="North"),
        Practice(practice_id="2", tin="072345678", name="North"),
    ]
    file = read_text(
        "practice,first_name,last_name,date_of_birth\nNorth,ADA,EXAMPLE,05/10/1975",
        make_context(practices=practices),
    )
    assert [row.code for row in file.rejected] == ["practice_unknown"]


def test_a_range_in_either_cell_fills_both_dates():
    for cells in (
        {"first_service_date": "06/01/2025 - 06/09/2025", "last_service_date": ""},
        {"first_service_date": "", "last_service_date": "06/01/2025 - 06/09/2025"},
        {"first_service_date": "06/01/2025 - 06/05/2025", "last_service_date": "06/09/2025"},
    ):
        [request] = read_row(**cells).requests
        assert (str(request.service.first), str(request.service.last)) == (
            "2025-06-01",
            "2025-06-09",
        )


def test_a_message_names_columns_as_the_file_does():
    file = read_text("Pt First,Pt Last,D.O.B.,Tax ID #\n,EXAMPLE,02/30/1975,1\n")
    assert file.verdicts == [(1, 2, "first_name", "required")]
    assert file.rejected[0].message.endswith("Also wrong: D.O.B., Tax ID #.")


def test_a_date_of_service_is_faulted_in_the_column_that_the_file_has():
    file = read_text("First Name,Last Name,DOB,DOS\nADA,EXAMPLE,05/10/1975,06/15/2022\n")
    assert file.verdicts == [(1, 2, "first_service_date", "service_date_too_old")]


def test_amounts_that_cannot_be_read_are_warned_of_with_their_lines():
    header = "first_name,last_name,date_of_birth,total_charged\n"
    amounts = ["100", "(125.00)", "$ -", "USD 125", '"1.234,50"', "-5"]
    rows = [f"ADA,EXAMPLE,05/{at + 1:02}/1975,{cell}" for at, cell in enumerate(amounts)]
    file = read_text(header + "\n".join(rows))
    assert [(w.code, w.count, w.line_numbers) for w in file.warnings] == [
        ("amount_ignored", 3, (3, 6, 7))
    ]
    assert [request.total_charged for request in file.requests] == [
        Decimal(100), None, None, Decimal(125), None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "gender"),
    [
        ("M", "M"), ("f", "F"), ("Male", "M"), ("FEMALE", "F"), ("Fem.", None), ("U", "U"),
        ("Unknown", "U"), ("X", "U"), ("Non-binary", "U"), ("", None), ("N/A", None), ("1", None),
    ],
)  # fmt: skip
def test_a_gender_is_read_by_letter_or_word_and_else_not_used(cell, gender):
    file = read_row(gender=cell)
    assert file.requests[0].patient.gender == gender
    is_ignored = cell in {"Fem.", "1"}
    assert ("gender_ignored" in [w.code for w in file.warnings]) is is_ignored


@pytest.mark.parametrize(
    ("cell", "npi"),
    [
        ("1234567893", "1234567893"),
        ("1234567893.0", "1234567893"),
        ("1234567890", None),
        ("123456789", None),
        ("1.23E+09", None),
        ("", None),
    ],
)
def test_an_npi_that_cannot_be_right_is_not_used_and_rejects_nothing(cell, npi):
    file = read_row(npi=cell)
    assert file.requests[0].npi == npi
    assert [w.code for w in file.warnings] == (["npi_ignored"] if cell and not npi else [])


@pytest.mark.parametrize("cell", ["", "Self", "SAME AS PATIENT", "n/a"])
def test_a_subscriber_who_is_the_patient_has_no_names_apart(cell):
    [request] = read_row(subscriber_first_name=cell, subscriber_last_name=cell).requests
    assert (request.subscriber_first_name, request.subscriber_last_name) == (None, None)


@pytest.mark.parametrize(
    "cells",
    [
        {"subscriber_first_name": "Ada", "subscriber_last_name": "Example"},
        {"Subscriber Name": "EXAMPLE, ADA Q"},
        {"Insured's Name": "Same as patient"},
        {"Insured's Name": ""},
    ],
)
def test_the_patients_own_name_as_the_subscribers_is_nobody_elses(cells):
    """Payers are asked about a dependent only where the subscriber is another person."""
    without = {name: cell for name, cell in LEGAL.items() if not name.startswith("subscriber_f")}
    del without["subscriber_last_name"]
    file = read_text(as_csv({**without, "first_name": "ADA", "last_name": "EXAMPLE", **cells}))
    [request] = file.requests
    assert (request.subscriber_first_name, request.subscriber_last_name) == (None, None)
    assert not file.warnings


def test_a_subscribers_name_in_one_cell_is_split_at_its_comma():
    without = {name: cell for name, cell in LEGAL.items() if not name.startswith("subscriber_f")}
    del without["subscriber_last_name"]
    [request] = read_text(as_csv({**without, "Subscriber Name": "QUILL JR, NORMA J"})).requests
    assert (request.subscriber_first_name, request.subscriber_last_name) == ("NORMA", "QUILL JR")
    unclear = read_text(as_csv({**without, "Subscriber Name": "NORMA QUILL"}))
    assert unclear.requests[0].subscriber_last_name is None
    assert [warning.code for warning in unclear.warnings] == ["subscriber_name_ignored"]


def test_a_subscribers_names_arrive_repaired():
    cells = {"subscriber_first_name": "JosÃ©", "subscriber_last_name": "O&#39;BRIEN"}
    [request] = read_row(**cells).requests
    assert (request.subscriber_first_name, request.subscriber_last_name) == ("José", "O'BRIEN")


@pytest.mark.parametrize(
    ("payer_id", "payer", "asked"),
    [
        ("", "", "87726"),
        ("87726", "Any Name At All", "87726"),
        ("3432", "", "03432"),
        ("96385", "", "96385"),
        ("UHC", "", "87726"),
        ("", "uhc", "87726"),
        ("", "United Health Care", "87726"),
        ("", "UNITEDHEALTHCARE COMMUNITY PLAN/TX", "87726"),
        ("", "UHC Choice Plus", "87726"),
        ("", "87726 - United", "87726"),
        ("", "N/A", "87726"),
    ],
)
def test_a_row_of_the_files_own_payer_is_asked(payer_id, payer, asked):
    [request] = read_row(payer_id=payer_id, payer=payer).requests
    assert (request.payer, request.payer_id) == ("uhc", asked)


@pytest.mark.parametrize(
    ("payer_id", "payer", "column"),
    [
        ("60054", "Aetna", "payer_id"),
        ("60054", "UnitedHealthcare", "payer_id"),
        ("", "Aetna", "payer"),
        ("", "Medicare Part B", "payer"),
        ("", "United of Omaha", "payer"),
        ("", "UHCSR", "payer"),
        ("", "Self Pay", "payer"),
    ],
)
def test_a_row_of_another_payer_is_never_asked(payer_id, payer, column):
    file = read_row(practice_id="1", payer_id=payer_id, payer=payer)
    assert file.verdicts == [(1, 2, column, "other_payer")]


def test_rows_that_differ_in_the_member_are_no_duplicates():
    header = "first_name,last_name,date_of_birth,gender,subscriber_last_name\n"
    rows = [f"ADA,EXAMPLE,05/10/1975,{cells}" for cells in ("F,", "M,", "F,QUILL", "F,")]
    requests = read_text(header + "\n".join(rows)).requests
    assert [request.duplicate_of for request in requests] == [None, None, None, 1]


OTHER_PAYERS = (
    UHC,
    ListedPayer(payer="north", payer_id="NORD1", name="North Mutual", channel="uhc"),
    ListedPayer(
        payer="south",
        payer_id="SUDD1",
        name="South Health",
        aliases=("SH", "SUDD2"),
        channel="uhc",
        channel_payer_id="99001",
    ),
    ListedPayer(payer="west", payer_id="WEST1", name="West Plan", channel="stedi"),
    ListedPayer(payer="east", payer_id="EAST1", name="East Plan", channel="uhc", active=False),
)


@pytest.mark.parametrize(
    ("payer_id", "payer", "asked"),
    [
        ("87726", "North Mutual", ("uhc", "87726")),
        ("", "north mutual", ("north", "NORD1")),
        ("NORD1", "", ("north", "NORD1")),
        ("", "sh", ("south", "99001")),
        ("sudd2", "", ("south", "99001")),
    ],
)
def test_a_file_of_many_payers_is_routed_by_id_then_by_name(payer_id, payer, asked):
    context = make_context(provider="auto", payers=OTHER_PAYERS)
    [request] = read_row(context, payer_id=payer_id, payer=payer).requests
    assert (request.payer, request.payer_id) == asked


@pytest.mark.parametrize(
    ("payer_id", "payer", "column", "code"),
    [
        ("60054", "", "payer_id", "payer_not_connected"),
        ("", "Aetna", "payer", "payer_not_connected"),
        ("", "West Plan", "payer", "payer_not_connected"),
        ("EAST1", "", "payer_id", "payer_not_connected"),
        ("", "North Mutual of Elsewhere", "payer", "payer_not_connected"),
        ("", "", "payer_id", "payer_required"),
    ],
)
def test_a_row_of_a_payer_that_cannot_be_asked_says_so(payer_id, payer, column, code):
    context = make_context(provider="auto", payers=OTHER_PAYERS)
    file = read_row(context, practice_id="1", payer_id=payer_id, payer=payer)
    assert file.verdicts == [(1, 2, column, code)]


def test_without_a_payer_the_practices_usual_one_is_asked():
    practices = [
        Practice(practice_id="1", tin="071234567", name="N", payer_id="NORD1", is_default=True)
    ]
    context = make_context(provider="auto", payers=OTHER_PAYERS, practices=practices)
    [request] = read_row(context, payer_id="", payer="").requests
    assert (request.payer, request.payer_id) == ("north", "NORD1")


def test_a_file_for_one_payer_of_the_table_keeps_the_others_back():
    context = make_context(provider="north", payers=OTHER_PAYERS)
    assert read_row(context, payer_id="", payer="").requests[0].payer == "north"
    file = read_row(context, payer_id="87726", payer="")
    assert file.verdicts == [(1, 2, "payer_id", "other_payer")]
