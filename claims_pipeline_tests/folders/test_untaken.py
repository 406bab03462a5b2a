"""What is dropped and not taken: told once, where the person looks, and by the doctor."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from claims_pipeline.folders.inbox import Inbox
from claims_pipeline.folders.untaken import WhyUntaken, find_untaken
from claims_pipeline.store.uploads import list_uploads
from claims_pipeline_tests.folders.test_inbox import CONTENT, drop, engine, inbox, scan

__all__ = ["engine", "inbox"]


def put(inbox: Inbox, where: str) -> Path:
    path = inbox.folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return path


def notes(inbox: Inbox) -> list[str]:
    home = inbox.folder.parent
    return sorted(str(path.relative_to(home)) for path in home.rglob("*.refused.txt"))


@pytest.mark.parametrize(
    ("where", "note", "advice"),
    [
        ("demo/uhc/report.pdf", "outbox/demo/uhc/report.pdf.refused.txt", "as CSV or as an Excel"),
        ("demo/uhc/report", "outbox/demo/uhc/report.refused.txt", "as CSV or as an Excel"),
        ("demo/uhc/june/list.csv", "outbox/demo/uhc/june.refused.txt", "into the folder above"),
        ("demo/list.csv", "inbox/demo/list.csv.refused.txt", "folder of the payer"),
        ("demo/aetna/list.csv", "inbox/demo/aetna/list.csv.refused.txt", "one that is: uhc"),
        ("list.csv", "inbox/list.csv.refused.txt", "<organization>/<payer>/"),
        ("dema/uhc/list.csv", "inbox/dema/uhc/list.csv.refused.txt", "organization that is served"),
    ],
)
def test_what_is_not_taken_gets_a_note_once(
    inbox: Inbox, engine: Engine, where: str, note: str, advice: str
) -> None:
    path = put(inbox, where)

    scan(inbox)

    assert notes(inbox) == [note]
    written = inbox.folder.parent / note
    assert advice in written.read_text()
    before = written.stat().st_mtime_ns
    scan(inbox)
    assert written.stat().st_mtime_ns == before
    assert path.exists()
    assert list_uploads(engine, organization_id="demo").uploads == ()


@pytest.mark.parametrize(
    "name", ["~$list.xlsx", ".list.csv", "list.csv.part", "list.tmp", "list.csv.crdownload"]
)
def test_what_nobody_handed_in_is_left_alone(inbox: Inbox, engine: Engine, name: str) -> None:
    for folder in ("demo/uhc", "demo", "unknown"):
        put(inbox, f"{folder}/{name}")
    os.mkfifo(inbox.folder / "demo" / "uhc" / "pipe.pdf")
    (inbox.folder / "demo" / "uhc" / "link.pdf").symlink_to("/etc/hostname")

    scan(inbox)

    assert notes(inbox) == []
    assert list_uploads(engine, organization_id="demo").uploads == ()


@pytest.mark.parametrize("name", ["list.txt", "LIST.TSV", "list.csv"])
def test_lists_are_taken_under_every_ending_that_exports_have(
    inbox: Inbox, engine: Engine, name: str
) -> None:
    drop(inbox, name)

    scan(inbox)

    [upload] = list_uploads(engine, organization_id="demo").uploads
    assert upload.file_name == name
    assert notes(inbox) == []


def test_a_pasted_tree_of_folders_gets_its_notes_a_hundred_at_a_time(inbox: Inbox) -> None:
    for number in range(130):
        put(inbox, f"demo/uhc/{number}.docx")

    scan(inbox)
    assert len(notes(inbox)) == 100
    scan(inbox)
    assert len(notes(inbox)) == 130


def test_a_file_that_has_just_been_dropped_gets_no_note_yet(inbox: Inbox) -> None:
    path = put(inbox, "demo/uhc/report.docx")
    a_moment_ahead = datetime.now(UTC).timestamp() + 60
    os.utime(path, (a_moment_ahead, a_moment_ahead))

    scan(inbox)

    assert notes(inbox) == []


def test_each_reason_is_told_apart(inbox: Inbox) -> None:
    for where in ("a.csv", "demo/a.csv", "demo/uhc/a.pdf", "demo/uhc/b/a.csv", "demo/x/a.csv"):
        put(inbox, where)
    put(inbox, "x/deep/a.csv")

    found = find_untaken(inbox.folder, inbox.outbox, folders={"demo": {"uhc"}})

    assert {untaken.why for untaken in found} == set(WhyUntaken)
