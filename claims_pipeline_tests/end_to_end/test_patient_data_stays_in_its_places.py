"""Marker values of an input, and of patients nobody asked for, are searched for everywhere.

A patient's data may stand in the database, the file store, the watched folder and the outbox, and
nowhere else: not in a log, a process's output, Dagster's records or a temporary file. Strangers
that a sweep brings along stand nowhere at all.
"""

import signal
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import update

from claims_pipeline.model import DateWindow, UploadStatus
from claims_pipeline.operations.following import Following
from claims_pipeline.orchestration.held_step import redacted_errors
from claims_pipeline.sandbox.running import Sandbox, running_sandbox, today_in
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import open_engine, writing
from claims_pipeline.store.files import file_store_of
from claims_pipeline.store.tracked.rules import switch_follow_up
from claims_pipeline.store.uploads import get_upload
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack

MARKERS = {
    "first name": "QUORLYXA",
    "last name": "ZEBRATHORNE",
    "birth date": "02/03/1931",
    "birth date as the database has it": "1931-02-03",
    "claim number": "FH77MARK77",
    "subscriber": "SUBMARK4711",
    "unknown column": "MARKEDNOTE",
    "rejected cell": "31/31/MARKED",
    "known patient": "EXAMPLE,ADA",
    "known claim": "FH00000001",
    "file name": "markedworklist",
}
HEADER = "claim_number,first_name,last_name,date_of_birth,subscriber_id,remark"
# Folders of the home where a patient's data belongs.
PLACES = ("claims.sqlite", "files", "inbox", "outbox")


def marked_file() -> bytes:
    """One row that is found, one that is not, one rejected for its date."""
    m = MARKERS
    rows = [
        "FH00000001,ADA,EXAMPLE,05/10/1975,,",
        ",".join(
            m[kind]
            for kind in (
                "claim number",
                "first name",
                "last name",
                "birth date",
                "subscriber",
                "unknown column",
            )
        ),
        f"{m['claim number']},{m['first name']},{m['last name']},{m['rejected cell']},,",
    ]
    return "\n".join([HEADER, *rows]).encode()


def strangers(today: date) -> list[str]:
    """Claim numbers of the visits around ADA's: a sweep brings them, no row asks for them."""
    world = World(seed=7, today=today)
    first = today - timedelta(days=40)
    records = world.search(world.practices[0], DateWindow(first, today))
    numbers = [
        record.claim_number for record in records if record.claim_number != MARKERS["known claim"]
    ]
    assert len(numbers) > 20
    return numbers


def files_outside_of_their_places(drops: DropStack, temporary: Path) -> Iterator[Path]:
    for path in drops.stack.home.rglob("*"):
        top = path.relative_to(drops.stack.home).parts[0]
        if path.is_file() and not top.startswith(PLACES):
            yield path
    yield from (path for path in temporary.rglob("*") if path.is_file())


def leaks(drops: DropStack, temporary: Path) -> list[str]:
    """What was found where it does not belong, by the kind of marker and the file."""
    found = []
    for path in files_outside_of_their_places(drops, temporary):
        if any(kind in str(path) for kind in (MARKERS["file name"], MARKERS["last name"])):
            found.append(f"name of {path}")
        content = path.read_bytes().upper()
        found += [
            f"{kind} in {path.relative_to(path.anchor)}"
            for kind, marker in MARKERS.items()
            if marker.upper().encode() in content
        ]
    return found


def strangers_kept(drops: DropStack) -> list[str]:
    wanted = [number.encode() for number in strangers(today_in("America/Chicago")())]
    kept = []
    for path in drops.stack.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            kept += [f"stranger in {path}" for number in wanted if number in content]
    return kept


@pytest.mark.stack
def test_no_marker_leaves_its_places(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    content = marked_file()
    name = MARKERS["file name"]
    with (
        running_sandbox(seed=7, latency_ms=20) as sandbox,
        running_drop_stack(
            tmp_path / "home", sandbox, settings={"TMPDIR": str(temporary)}
        ) as drops,
    ):
        # Its claims are followed, and asked again from a file of our own.
        follow_everything(drops)
        # Success, and a file refused as a whole.
        drops.drop(f"{name}.csv", content)
        drops.drop(f"{name}-refused.csv", f"{MARKERS['last name']}\n".encode())
        drops.wait_for_status(f"{name}.csv", UploadStatus.COMPLETED)
        [found, not_found, rejected] = drops.results_in_outbox(f"{name}.csv")
        assert [line["outcome"] for line in (found, not_found, rejected)] == [
            "found",
            "not_found",
            "rejected",
        ]
        drops.wait_for_status(f"{name}-refused.csv", UploadStatus.FAILED)

        # Every row fails: the payer refuses to answer for this person.
        sandbox.set_faults([{"match": {"kind": "summary"}, "what": {"code": "LCLM_PS_302"}}])
        drops.drop(f"{name}-failed.csv", content + b"\n")
        drops.wait_for_end(f"{name}-failed.csv")
        sandbox.reset()

        # Killed in the middle, and finished by Dagster's retry.
        slow_down(sandbox)
        drops.drop(f"{name}-killed.csv", content + b"\n\n")
        drops.wait_for_asking(f"{name}-killed.csv")
        # With it whoever writes the failed one's files: these are written again.
        drops.stack.signal_workers(signal.SIGKILL)
        sandbox.reset()
        drops.wait_for_status(f"{name}-killed.csv", UploadStatus.COMPLETED)

        # Cancelled in the middle.
        slow_down(sandbox)
        drops.drop(f"{name}-cancelled.csv", content + b"\n\n\n")
        upload = drops.wait_for_asking(f"{name}-cancelled.csv")
        [run] = drops.stack.dagster.runs(partition=upload.id)
        drops.stack.dagster.terminate(run.run_id)
        drops.wait_for_status(f"{name}-cancelled.csv", UploadStatus.CANCELLED)
        sandbox.reset()
        drops.results_in_outbox(f"{name}-cancelled.csv")

        ask_again(drops)
        assert leaks(drops, temporary) == []
        assert strangers_kept(drops) == []


def follow_everything(drops: DropStack) -> None:
    engine = open_engine(f"sqlite:///{drops.stack.home / 'claims.sqlite'}")
    switch_follow_up(engine, "demo", is_on=True, now=datetime.now(UTC))
    engine.dispose()


def ask_again(drops: DropStack) -> None:
    """Make all that is followed due, with another status than it will have, and wait for it."""
    home = drops.stack.home
    engine = open_engine(f"sqlite:///{home / 'claims.sqlite'}")
    with writing(engine) as connection:
        changed = connection.execute(
            update(tables.tracked_claims).values(
                next_check_on=date(2020, 1, 1), final_at=None, status="PENDING"
            )
        )
    assert changed.rowcount >= 2
    settings = load_settings({"CLAIMS_HOME": str(home)})
    following = Following(settings=settings, engine=engine, files=file_store_of(settings))
    [made] = following.gather_now("demo", now=datetime.now(UTC))
    assert made.upload_id is not None

    def is_complete() -> bool:
        upload = get_upload(engine, str(made.upload_id))
        return upload is not None and upload.status is UploadStatus.COMPLETED

    drops.stack.wait_until(is_complete, what="the follow-up upload", timeout_s=90)
    assert list((home / "outbox" / "demo").glob("changes.*.csv"))
    engine.dispose()


def slow_down(sandbox: Sandbox) -> None:
    """Answers take long enough to be interrupted."""
    sandbox.set_faults([{"match": {"kind": "summary"}, "what": {"delay_s": 5}}])


def test_an_unexpected_error_passes_without_its_message_or_its_causes() -> None:
    def look_up() -> None:
        raise KeyError(MARKERS["last name"])

    def fail() -> None:
        try:
            look_up()
        except KeyError as error:
            raise ValueError(f"no such patient: {MARKERS['first name']}") from error

    with pytest.raises(dg.Failure) as caught, redacted_errors():
        fail()

    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value.description)
    assert "ValueError [internal_error]" in shown
    assert MARKERS["first name"] not in shown
    assert MARKERS["last name"] not in shown
