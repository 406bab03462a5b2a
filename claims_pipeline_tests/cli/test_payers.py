"""`claims-pipeline payers import` and `list`, and a check that is routed by them."""

import json
from pathlib import Path

import pytest

from claims_pipeline.cli.payers import read_payers
from claims_pipeline.errors import FileRefusedError
from claims_pipeline_tests.cli.conftest import Command

PAYERS = (
    "payer,payer_id,name,aliases,channel,channel_payer_id,timezone,active\n"
    "uhc,87726,UnitedHealthcare,UHC*|03432,uhc,,,\n"
    "north,NORD1,North Mutual,NM | North Mutual Insurance,uhc,99001,America/Chicago,yes\n"
    "west,WEST1,West Plan,,stedi,,,no\n"
)


def test_payers_are_read_with_their_further_names() -> None:
    uhc, north, west = read_payers(PAYERS.encode("utf-8-sig"))
    assert uhc.aliases == ("UHC*", "03432")
    assert north.aliases == ("NM", "North Mutual Insurance")
    assert (north.channel_payer_id, north.timezone, north.active) == (
        "99001", "America/Chicago", True,
    )  # fmt: skip
    assert (west.channel, west.active) == ("stedi", False)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("North,N1,North,uhc,,", "short name"),
        ("auto,N1,North,uhc,,", "not auto"),
        ("north,N-1,North,uhc,,", "payer_id"),
        ("north,N1,,uhc,,", "name"),
        ("north,N1,North,,,", "channel"),
        ("north,N1,North,uhc,Chicago,", "timezone"),
        ("north,N1,North,uhc,,perhaps", "active"),
    ],
)
def test_a_wrong_payer_is_named_by_its_line(row: str, says: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        list(read_payers(f"payer,payer_id,name,channel,timezone,active\n{row}\n".encode()))
    assert refused.value.code == "payer_invalid"
    assert says in refused.value.message
    assert "Line 2" in refused.value.message


def test_a_check_counts_the_rows_of_each_payer(command: Command, tmp_path: Path) -> None:
    listed, worklist = tmp_path / "payers.csv", tmp_path / "worklist.csv"
    listed.write_text(PAYERS)
    worklist.write_text(
        "first_name,last_name,date_of_birth,payer\n"
        "Ada,Example,05/10/1975,UHC Choice\nBen,Example,05/10/1975,north mutual\n"
        "Cy,Example,05/10/1975,Aetna\nDee,Example,05/10/1975,Aetna\n"
        "Eve,Example,05/10/1975,West Plan\n"
    )
    assert command("practices", "import", str(_practices(tmp_path))).exit_code == 0
    assert command("payers", "import", str(listed)).exit_code == 0

    shown = command("payers", "list")
    checked = command("check", str(worklist), "--payer", "auto", "--json")

    assert "north\tNORD1\tNorth Mutual\tuhc\tconnected" in shown.stdout
    assert "west\tWEST1\tWest Plan\tstedi\tnot connected" in shown.stdout
    assert checked.exit_code == 1
    found = json.loads(checked.stdout)
    assert sorted((p["payer"], p["channel"], p["rows"]) for p in found["payers"][:2]) == [
        ("north", "uhc", 1),
        ("uhc", "uhc", 1),
    ]
    assert [(p["payer"], p["channel"], p["rows"]) for p in found["payers"][2:]] == [
        ("Aetna", None, 2),
        ("West Plan", None, 1),
    ]
    assert {error["code"] for error in found["errors"]} == {"payer_not_connected"}


def _practices(folder: Path) -> Path:
    path = folder / "practices.csv"
    path.write_text(
        "practice_id,tin,name,is_default,npi\n1,071000001,North Clinic,yes,1234567893\n"
    )
    return path
