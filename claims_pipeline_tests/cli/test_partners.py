"""`claims-pipeline x12 partners import` and `list`."""

from pathlib import Path

import pytest

from claims_pipeline.cli.partners import read_partners
from claims_pipeline.errors import FileRefusedError
from claims_pipeline_tests.cli.conftest import Command

HEADER = (
    "name,sender_qualifier,sender_id,receiver_qualifier,receiver_id,submitter_id,submitter_name,"
    "usage,element_separator,segment_terminator,claims_per_set,wants_ta1,payers,outgoing\n"
)
ROW = "north,ZZ,BILLER01,30,070000009,S12345,Sample Billing,T,|,0x1d,50,no,a | b,\n"


def test_a_partner_is_read_with_what_its_row_says_and_usual_values_for_the_rest() -> None:
    (partner,) = read_partners((HEADER + ROW).encode("utf-8-sig"), organization="acme")
    assert (partner.separators.element, partner.separators.terminator) == ("|", "\x1d")
    assert partner.separators.component == ":"
    assert (partner.claims_per_set, partner.sets_per_file, partner.wants_ta1) == (50, 50, False)
    assert (partner.payers, partner.submitter_name) == (("a", "b"), "SAMPLE BILLING")
    assert (partner.outgoing, partner.incoming) == ("acme/north/outgoing", "acme/north/incoming")
    assert (partner.application_sender, partner.application_receiver) == ("BILLER01", "070000009")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("north,", "North,", "name"),
        (",ZZ,", ",99,", "qualifiers"),
        (",T,", ",X,", "T (test)"),
        (",50,", ",many,", "claims_per_set"),
        (",no,", ",perhaps,", "wants_ta1"),
        (",|,", ",A,", "separators"),
        ("BILLER01", "", "sender and receiver ids"),
    ],
)
def test_a_wrong_partner_is_named_by_its_line(old: str, new: str, says: str) -> None:
    content = (HEADER + ROW.replace(old, new, 1)).encode()
    with pytest.raises(FileRefusedError) as refused:
        list(read_partners(content, organization="demo"))
    assert refused.value.code == "partner_invalid"
    assert says in refused.value.message
    assert "Line 2" in refused.value.message


def test_partners_are_imported_and_listed(command: Command, tmp_path: Path) -> None:
    practices, partners = tmp_path / "practices.csv", tmp_path / "partners.csv"
    practices.write_text("practice_id,tin,name\n1,070000001,Sample Practice\n")
    partners.write_text(HEADER + ROW)
    assert command("practices", "import", str(practices)).exit_code == 0
    assert command("x12", "partners", "import", str(partners)).exit_code == 0
    listed = command("x12", "partners", "list").stdout
    assert listed == "north\ttest\tnorth/outgoing\tnorth/incoming\t0 queued\t0 awaited\t0 overdue\n"
    partners.write_text(HEADER + ROW.replace("north,", "south,").replace("b,", "b,north/outgoing"))
    refused = command("x12", "partners", "import", str(partners))
    assert refused.exit_code == 1


def test_a_file_without_the_columns_is_refused() -> None:
    with pytest.raises(FileRefusedError) as refused:
        list(read_partners(b"name,usage\nnorth,T\n", organization="demo"))
    assert refused.value.code == "partners_columns_missing"
