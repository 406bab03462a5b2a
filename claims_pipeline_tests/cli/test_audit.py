"""`claims-pipeline audit`."""

import json

import pytest
from sqlalchemy import Engine, delete, update

from claims_pipeline.cli.local.local_store import open_store
from claims_pipeline.operations.audit_heads import copy_heads
from claims_pipeline.store.database import writing
from claims_pipeline.store.tables import audit_heads, audit_log
from claims_pipeline_tests.cli.conftest import Command
from claims_pipeline_tests.store.builders import make_upload


def _store_with_entries(command: Command) -> Engine:
    assert command("db", "upgrade").exit_code == 0
    engine = open_store().engine
    for number in range(3):
        make_upload(engine, sha256=f"{number}" * 64, actor="cli:0")
    return engine


def test_the_newest_entries_are_shown(command: Command) -> None:
    _store_with_entries(command)
    shown = command("audit", "--json", "--limit", "2")
    entries = json.loads(shown.stdout)["entries"]
    assert shown.exit_code == 0
    assert [(entry["actor"], entry["action"], entry["outcome"]) for entry in entries] == [
        ("cli:0", "upload", "ok")
    ] * 2
    assert "cli:0" in command("audit").stdout


def test_a_log_that_is_whole_verifies(command: Command) -> None:
    _store_with_entries(command)
    verified = command("audit", "--verify", "--json")
    told = json.loads(verified.stdout)
    assert (told["entries"], told["broken_at"], told["faults"]) == (3, None, [])
    assert (list(told["heads"]), told["sealed"]) == (["demo"], False)
    assert verified.exit_code == 0
    assert "3 entries" in command("audit", "--verify").stdout


def test_a_changed_entry_is_named(command: Command) -> None:
    engine = _store_with_entries(command)
    with writing(engine) as connection:
        connection.execute(update(audit_log).where(audit_log.c.id == 2).values(actor="nobody"))
    broken = command("audit", "--verify")
    assert (broken.exit_code, broken.stdout) == (1, "Entry 2 does not fit the ones before it\n")
    assert json.loads(command("audit", "--verify", "--json").stdout)["broken_at"] == 2


def test_a_log_that_was_set_back_is_told_by_the_copy_of_its_head(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIMS_AUDIT_KEY", "k" * 32)
    engine = _store_with_entries(command)
    heads = open_store().settings.resolved_audit_heads
    assert copy_heads(engine, heads)
    assert not copy_heads(engine, heads)
    assert heads.stat().st_mode & 0o777 == 0o600
    assert "head" in command("audit", "--verify").stdout
    with writing(engine) as connection:
        connection.execute(delete(audit_log))
        connection.execute(delete(audit_heads))
    # What was there is not forgotten by copying what is left.
    assert not copy_heads(engine, heads)
    broken = command("audit", "--verify")
    assert (broken.exit_code, broken.stdout) == (
        1,
        "demo: the head was set back (kept elsewhere)\n",
    )
