"""`claims-pipeline check`."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from claims_pipeline.sandbox.running import today_in
from claims_pipeline_tests.cli.conftest import Command

HEADER = "claim_number,first_name,last_name,date_of_birth\n"
ADA = "FH00000001,ADA,EXAMPLE,05/10/1975\n"
BAD = "FH00000002,BRUNO,EXAMPLE,13/45/1975\n"


def a_file(folder: Path, content: str | bytes, name: str = "worklist.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_clean_file_is_planned_without_payer_settings(tmp_path: Path, command: Command) -> None:
    outcome = command("check", a_file(tmp_path, HEADER + ADA), "--json")
    assert outcome.exit_code == 0
    found = parsed(outcome.stdout)
    assert list(found) == [
        "total_rows",
        "accepted_rows",
        "rejected_rows",
        "file_error",
        "columns",
        "left_out",
        "errors",
        "warnings",
        "payers",
        "plan",
    ]
    assert found["columns"][0] == {"header": "claim_number", "read_as": "claim_number"}
    calls = found["plan"]["estimated_calls"]
    assert found["payers"] == [
        {"payer": "uhc", "channel": "uhc", "rows": 1, "calls": calls, "price": 0.0}
    ]
    assert (found["total_rows"], found["accepted_rows"], found["rejected_rows"]) == (1, 1, 0)
    assert found["file_error"] is None
    assert set(found["plan"]) == {
        *("queries", "estimated_calls", "least_calls", "most_calls"),
        *("one_per_row_calls", "sweep_calls"),
    }
    assert found["plan"]["queries"] == 1
    assert outcome.stderr == ""


def test_a_clean_file_takes_five_lines(tmp_path: Path, command: Command) -> None:
    shown = command("check", a_file(tmp_path, HEADER + ADA)).stdout
    assert shown.count("\n") == 5
    assert max(map(len, shown.splitlines())) <= 80


def test_errors_are_grouped_with_their_cells_as_they_stand(
    tmp_path: Path, command: Command
) -> None:
    bad = "".join(f"FH{n:04d},ADA,EXAMPLE,13/{n + 10}/1975\n" for n in range(8))
    file = a_file(tmp_path, (HEADER + bad + "FH9,,EXAMPLE,05/10/1975\n").replace("date_of_", "Pt "))
    shown = command("check", file).stdout
    assert "8 × date_impossible in Pt birth: There is no such day." in shown
    assert "  line 2: 13/10/1975\n  line 3: 13/11/1975\n" in shown
    assert "  … and 3 more\n" in shown
    assert "1 × required in first_name" in shown
    assert "  line 10: (empty)\n" in shown
    errors = parsed(command("check", file, "--json").stdout)["errors"]
    assert {error["header"] for error in errors} == {"Pt birth", "first_name"}
    assert len(errors) == 9


def test_all_rows_that_cannot_be_asked_can_be_written_to_a_file(
    tmp_path: Path, command: Command
) -> None:
    written = tmp_path / "rejected.csv"
    outcome = command("check", a_file(tmp_path, HEADER + BAD * 70), "--rejected", written)
    assert outcome.exit_code == 1
    assert written.read_text(encoding="utf-8-sig").count("date_impossible") == 70
    assert written.stat().st_mode & 0o077 == 0


def test_what_was_read_and_what_was_left_out_is_shown(tmp_path: Path, command: Command) -> None:
    text = "Aging report\nPt Last,Pt First,D.O.B.,Svc Date,Biller\n"
    text += "EXAMPLE,ADA,05/10/1975,10/05/2026,x\nTotal:,1,,,\n"
    file = a_file(tmp_path, text)
    shown = command("check", file).stdout
    assert "Svc Date  first_service_date\n" in shown
    assert "Biller    not read" in shown
    assert "Left out, above the header: line 1\nLeft out, total: line 4\n" in shown
    found = parsed(command("check", file, "--json").stdout)
    assert found["left_out"] == [
        {"line_number": 1, "reason": "above the header"},
        {"line_number": 4, "reason": "total"},
    ]
    assert found["total_rows"] == 1


def test_a_column_that_needs_a_decision_is_mapped(tmp_path: Path, command: Command) -> None:
    text = "First Name,Last Name,DOB,Dates of Care\nADA,EXAMPLE,05/10/1975,10/05/2026\n"
    file = a_file(tmp_path, text)
    refused = command("check", file)
    assert refused.exit_code == 2
    assert "[columns_uncertain]" in refused.stdout
    assert "Dates of Care  not read; first_service_date?" in refused.stdout
    mapped = command("check", file, "--map", "Dates of Care=first_service_date", "--json")
    assert mapped.exit_code == 0
    assert parsed(mapped.stdout)["columns"][3]["read_as"] == "first_service_date"
    assert command("check", file, "--map", "Dates of Care=dos").exit_code == 2


def test_a_rejected_row_is_listed_with_its_place_and_no_value(
    tmp_path: Path, command: Command
) -> None:
    file = a_file(tmp_path, HEADER + ADA + BAD)
    outcome = command("check", file, "--json")
    assert outcome.exit_code == 1
    (error,) = parsed(outcome.stdout)["errors"]
    assert (error["row_number"], error["line_number"]) == (2, 3)
    assert error["column"] == "date_of_birth"
    shown = command("check", file)
    assert shown.exit_code == 1
    assert error["code"] in shown.stdout
    assert "BRUNO" not in outcome.stdout + shown.stdout
    assert "13/45" not in outcome.stdout


def test_a_refused_file_says_what_to_do(tmp_path: Path, command: Command) -> None:
    file = a_file(tmp_path, b"PK\x03\x04" + b"\x00" * 100)
    outcome = command("check", file, "--json")
    assert outcome.exit_code == 2
    assert parsed(outcome.stdout)["file_error"]["code"] == "archive"
    assert "Unpack" in command("check", file).stdout


def test_a_file_that_is_not_there_is_refused_without_its_name(
    tmp_path: Path, command: Command
) -> None:
    outcome = command("check", tmp_path / "EXAMPLE ADA.csv", "--json")
    assert outcome.exit_code == 2
    assert parsed(outcome.stdout)["file_error"]["code"] == "file_unreadable"
    assert "EXAMPLE" not in outcome.stdout + outcome.stderr


def test_checking_writes_nothing(tmp_path: Path, home: Path, command: Command) -> None:
    command("check", a_file(tmp_path, HEADER + ADA))
    assert not home.exists()


def test_a_duplicate_row_is_planned_once(tmp_path: Path, command: Command) -> None:
    once = parsed(command("check", a_file(tmp_path, HEADER + ADA), "--json").stdout)
    twice = parsed(command("check", a_file(tmp_path, HEADER + ADA + ADA), "--json").stdout)
    assert twice["accepted_rows"] == 2
    assert twice["plan"]["queries"] == once["plan"]["queries"]
    assert "duplicate_rows" in [warning["code"] for warning in twice["warnings"]]


def test_sweeps_can_be_switched_off(tmp_path: Path, command: Command) -> None:
    rows = "".join(f"FH{n:08d},ADA{'ABCDEFGHIJ'[n % 10]},EXAMPLE,05/10/1975\n" for n in range(60))
    file = a_file(tmp_path, HEADER + rows)
    with_sweeps = command("check", file)
    without = command("check", file, "--no-batch-query")
    assert with_sweeps.exit_code == without.exit_code == 0
    assert "sweep" not in without.stdout.split("Plan:")[1].split("\n", 1)[1]


def test_an_unknown_payer_is_one_line_without_a_traceback(tmp_path: Path, command: Command) -> None:
    outcome = command("check", a_file(tmp_path, HEADER + ADA), "--payer", "nobody")
    assert outcome.exit_code == 1
    assert outcome.stderr.count("\n") == 1
    assert "[payer_unknown]" in outcome.stderr


def test_an_organization_without_practices_is_told_how_to_add_them(
    tmp_path: Path, command: Command
) -> None:
    outcome = command("check", a_file(tmp_path, HEADER + ADA), "--organization", "acme")
    assert outcome.exit_code == 1
    assert "[practices_missing]" in outcome.stderr


def test_an_unexpected_error_shows_its_class_and_no_message(
    tmp_path: Path, home: Path, command: Command
) -> None:
    home.mkdir()
    (home / "claims.sqlite").write_bytes(b"EXAMPLE ADA is no database" * 100)
    outcome = command("check", a_file(tmp_path, HEADER + ADA))
    assert outcome.exit_code == 70
    assert outcome.stderr.count("\n") == 1
    assert "DatabaseError [internal_error]" in outcome.stderr
    assert "not a database" not in outcome.stderr


def test_what_a_payer_needs_is_asked_for_before_it_is_asked(
    tmp_path: Path, command: Command
) -> None:
    header = "payer,first_name,last_name,date_of_birth,subscriber_id\n"
    rows = "stedi-demo,ADA,EXAMPLE,05/10/1975,\nuhc,ADA,EXAMPLE,05/10/1975,\n"
    outcome = command("check", a_file(tmp_path, header + rows), "--payer", "auto", "--json")
    found = parsed(outcome.stdout)
    [error] = found["errors"]
    assert (error["row_number"], error["column"], error["header"], error["code"]) == (
        1,
        "subscriber_id",
        "subscriber_id",
        "required_by_payer",
    )
    assert [payer["payer"] for payer in found["payers"]] == ["uhc"]

    without = "payer,first_name,last_name,date_of_birth\nstedi-demo,ADA,EXAMPLE,05/10/1975\n"
    outcome = command("check", a_file(tmp_path, without), "--payer", "auto", "--json")
    [error] = parsed(outcome.stdout)["errors"]
    assert (error["column"], error["header"]) == ("subscriber_id", None)


def test_answers_that_are_billed_have_a_price_before_they_are_asked(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_STEDI_PRICE_PER_ANSWER", "0.30")
    seen = f"{today_in('America/Chicago')() - timedelta(days=30):%m/%d/%Y}"
    header = "payer,first_name,last_name,date_of_birth,subscriber_id,date_of_service\n"
    rows = "".join(
        f"{payer},ADA,EXAMPLE,05/10/1975,900000000,{seen}\n"
        for payer in ("stedi-demo", "availity-demo")
    )
    outcome = command("check", a_file(tmp_path, header + rows), "--payer", "auto", "--json")
    assert parsed(outcome.stdout)["payers"] == [
        {"payer": "stedi-demo", "channel": "stedi", "rows": 1, "calls": 1, "price": 0.3},
        {"payer": "availity-demo", "channel": "availity", "rows": 1, "calls": 1, "price": 0.0},
    ]
