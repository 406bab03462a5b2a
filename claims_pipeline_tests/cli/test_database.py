"""`claims-pipeline db upgrade` and `practices import`."""

import json
from pathlib import Path

import pytest

from claims_pipeline.cli.database import read_practices
from claims_pipeline.errors import FileRefusedError
from claims_pipeline_tests.cli.conftest import Command

PRACTICES = (
    "practice_id,tin,name,payer_id,is_default\n"
    "north,07-1000001,North Clinic,,yes\n"
    "south,071000002,South Clinic,87726,no\n"
)


def test_practices_are_read_with_their_default() -> None:
    north, south = read_practices(PRACTICES.encode("utf-8-sig"))
    assert (north.practice_id, north.tin, north.payer_id) == ("north", "071000001", None)
    assert north.is_default
    assert (south.payer_id, south.is_default) == ("87726", False)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("north,71000001,North Clinic", "9 digits"),
        ("north,07100000X,North Clinic", "9 digits"),
        (",071000001,North Clinic", "practice_id"),
        ("north,071000001,", "name"),
        ("north", "practice_id"),
    ],
)
def test_a_wrong_practice_is_named_by_its_line(row: str, says: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        list(read_practices(f"practice_id,tin,name\n{row}\n".encode()))
    assert refused.value.code == "practice_invalid"
    assert "Line 2" in refused.value.message
    assert says in refused.value.message


@pytest.mark.parametrize("content", [b"", b"tin,name\n071000001,North\n", b"\xff\xfe\x00"])
def test_a_file_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefusedError):
        list(read_practices(content))


def test_imported_practices_serve_a_check(tmp_path: Path, command: Command) -> None:
    practices = tmp_path / "practices.csv"
    practices.write_text(PRACTICES)
    imported = command("practices", "import", practices, "--organization", "acme")
    assert imported.exit_code == 0, imported.stderr
    rows = tmp_path / "worklist.csv"
    rows.write_text(
        "practice_id,claim_number,first_name,last_name,date_of_birth\n"
        "south,FH00000001,ADA,EXAMPLE,05/10/1975\n"
        "east,FH00000001,ADA,EXAMPLE,05/10/1975\n"
    )
    found = json.loads(command("check", rows, "--organization", "acme", "--json").stdout)
    assert found["accepted_rows"] == 1
    assert [error["code"] for error in found["errors"]] == ["practice_unknown"]


def test_upgrading_twice_is_as_good_as_once(home: Path, command: Command) -> None:
    assert command("db", "upgrade").exit_code == 0
    assert command("db", "upgrade").exit_code == 0
    assert (home / "claims.sqlite").is_file()


def test_an_unknown_upload_is_said_to_be_unknown(command: Command) -> None:
    for name in ("status", "cancel", "retry"):
        outcome = command(name, "no-such-upload")
        assert outcome.exit_code == 1
        assert "[upload_unknown]" in outcome.stderr
