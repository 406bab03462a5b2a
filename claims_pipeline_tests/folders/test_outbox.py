"""Where results of dropped files appear: whole or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from claims_pipeline.folders import outbox
from claims_pipeline.folders.inbox import Inbox
from claims_pipeline.store.uploads import Upload, list_uploads
from claims_pipeline_tests.folders.test_inbox import (
    drop,
    engine,
    files_no_larger_than,
    inbox,
    scan,
)

__all__ = ["engine", "inbox"]


def dropped(inbox: Inbox, engine: Engine) -> Upload:
    drop(inbox)
    scan(inbox)
    [upload] = list_uploads(engine, organization_id="demo").uploads
    return upload


def in_outbox(inbox: Inbox) -> list[Path]:
    return [path for path in inbox.outbox.rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_in_the_outbox(inbox: Inbox, engine: Engine) -> None:
    upload = dropped(inbox, engine)

    with files_no_larger_than(10), pytest.raises(OSError, match="too large"):
        outbox.write_refusal(upload, inbox.outbox, code="binary", message="Save it as CSV.")

    assert in_outbox(inbox) == []


def test_what_a_killed_run_left_half_written_goes_when_the_upload_ends(
    inbox: Inbox, engine: Engine
) -> None:
    upload = dropped(inbox, engine)
    outbox.write_status(upload, inbox.outbox)
    [status] = in_outbox(inbox)
    status.with_name(f".{status.name}.some-run.part").write_text("rows 1, ans")
    another = status.with_name(".another.part")
    another.write_text("of another upload")

    outbox.write_refusal(upload, inbox.outbox, code="binary", message="Save it as CSV.")

    assert sorted(path.name.rpartition(".")[2] for path in in_outbox(inbox)) == ["part", "txt"]
    assert another.exists()
    assert not status.exists()


def test_a_status_says_that_there_will_be_no_workbook(inbox: Inbox, engine: Engine) -> None:
    upload = dropped(inbox, engine)
    outbox.write_status(upload, inbox.outbox, has_workbook=False)
    [status] = in_outbox(inbox)
    assert "CSV alone" in status.read_text()
    outbox.write_status(upload, inbox.outbox)
    assert "CSV alone" not in status.read_text()
