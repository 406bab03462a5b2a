"""`claims-pipeline follow-up`: switched, shown, run, decided, with rules from files."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from claims_pipeline.exports import csv_chunks
from claims_pipeline.model import ClaimStatus, Outcome
from claims_pipeline.payers.status import NEXT_ACTIONS
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import open_engine, writing
from claims_pipeline.store.rows.results import iterate_answered_rows
from claims_pipeline_tests.cli.conftest import Command
from claims_pipeline_tests.store.tracked.builders import Row, follow, tracked


def test_follow_up_is_switched_on_and_off_and_shown(command: Command) -> None:
    assert command("follow-up", "on").exit_code == 0
    shown = json.loads(command("follow-up", "status", "--json").stdout)
    assert shown == {
        "organization": "demo",
        "on": True,
        "followed": 0,
        "due": 0,
        "final": 0,
        "overdue": 0,
        "changed_today": 0,
    }
    assert command("follow-up", "off").exit_code == 0
    assert "off" in command("follow-up", "status").stdout
    assert command("follow-up", "on", "--organization", "nobody").exit_code == 1


def test_rules_are_shown_replaced_and_dropped(command: Command, tmp_path: Path) -> None:
    usual = command("follow-up", "rules").stdout
    assert "PENDING" not in usual
    assert usual.splitlines()[-1] == ",,,,14"
    assert command("follow-up", "on").exit_code == 0
    rules = tmp_path / "rules.csv"
    rules.write_text("status,next_action,worked,until_age,then\nPENDING,,,,10\n")
    assert command("follow-up", "rules", "--import", rules).exit_code == 0
    assert command("follow-up", "rules").stdout.splitlines()[1:] == ["PENDING,,,,10"]
    assert command("follow-up", "rules", "--reset").exit_code == 0
    assert command("follow-up", "rules").stdout == usual
    rules.write_text("status,then\nPENDING,sometimes\n")
    refused = command("follow-up", "rules", "--import", rules)
    assert (refused.exit_code, "Line 2" in refused.stderr) == (2, True)


def test_the_example_of_deadlines_can_be_imported(command: Command, tmp_path: Path) -> None:
    assert command("follow-up", "on").exit_code == 0
    example = tmp_path / "deadlines.csv"
    example.write_text(command("follow-up", "deadlines", "example").stdout)
    assert "EXAMPLE ONLY" in example.read_text()
    assert command("follow-up", "deadlines", "import", example).exit_code == 0
    listed = list(csv.DictReader(command("follow-up", "deadlines", "list").stdout.splitlines()))
    assert listed == list(csv.DictReader(example.read_text().splitlines()))


def test_what_is_due_is_made_an_upload_now(command: Command) -> None:
    assert command("follow-up", "on").exit_code == 0
    nothing = command("follow-up", "run", "--now")
    assert "Nothing is due" in nothing.stderr
    settings = load_settings()
    engine = open_engine(settings.resolved_database_url)
    follow(engine, Row(claims=(("FH00000001", ClaimStatus.PENDING),)))
    with writing(engine) as connection:
        connection.execute(
            update(tables.tracked_claims).values(next_check_on=settings.payer_today())
        )
    [made] = json.loads(command("follow-up", "run", "--now", "--json").stdout)
    assert (made["payer"], made["claims"], made["left_for_later"]) == ("uhc", 1, 0)
    assert [claim.check_upload_id for claim in tracked(engine)] == [made["upload_id"]]
    engine.dispose()


def test_decisions_are_taken_from_a_results_file(command: Command, tmp_path: Path) -> None:
    assert command("follow-up", "on").exit_code == 0
    engine = open_engine(load_settings().resolved_database_url)
    doubtful = Row(
        outcome=Outcome.AMBIGUOUS,
        claims=(("FH00000001", ClaimStatus.PENDING), ("FH00000002", ClaimStatus.DENIED)),
    )
    handed = follow(engine, doubtful, now=datetime.now(UTC))
    lines = _results(engine, handed.upload_id)
    assert [line["chosen_claim"] for line in lines] == ["", ""]

    lines[1]["chosen_claim"] = "y"
    assert command("follow-up", "decide", _written(tmp_path, lines)).exit_code == 0

    assert [claim.claim_number for claim in tracked(engine)] == ["FH00000002"]
    assert [line["chosen_claim"] for line in _results(engine, handed.upload_id)] == ["N", "Y"]
    lines[0]["chosen_claim"] = "Y"
    twice = command("follow-up", "decide", _written(tmp_path, lines))
    assert (twice.exit_code, "decisions_contradict" in twice.stderr) == (2, True)
    lines[0]["chosen_claim"], lines[1]["chosen_claim"] = "none", ""
    assert command("follow-up", "decide", _written(tmp_path, lines)).exit_code == 0
    assert [claim.status for claim in tracked(engine)] == ["not_found"]
    engine.dispose()


def _results(engine: object, upload_id: str) -> list[dict[str, str]]:
    rows = iterate_answered_rows(engine, upload_id)  # type: ignore[arg-type]
    header = ("first_name", "last_name")
    content = b"".join(csv_chunks(rows, header, next_actions=NEXT_ACTIONS, bom=False))
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def _written(folder: Path, lines: list[dict[str, str]]) -> Path:
    path = folder / "results.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    return path
