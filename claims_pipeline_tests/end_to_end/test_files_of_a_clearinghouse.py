"""A dropped file through a real daemon and a clearinghouse beside it, while things are killed."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Text, cast, func, select

from claims_pipeline.cli.local.local_store import demo_partner, demo_payers
from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import running_sandbox, today_in
from claims_pipeline.sandbox.world.world import World
from claims_pipeline.sandbox.x12.clearinghouse import Clearinghouse
from claims_pipeline.settings import load_settings
from claims_pipeline.store import tables
from claims_pipeline.store.database import reading
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.rows import results
from claims_pipeline.store.tenants.payers import save_payers
from claims_pipeline.store.uploads import Upload
from claims_pipeline.store.x12.partners import save_partners
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.invariants import broken_promises
from claims_pipeline_tests.orchestration.channels.test_x12_channel import PAYER, SEED, sample
from claims_pipeline_tests.pipeline import ORGANIZATION

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

ROWS = 200


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropStack]:
    home = tmp_path_factory.mktemp("files") / "home"
    with (
        running_sandbox(seed=SEED) as sandbox,
        running_drop_stack(home, sandbox, webserver=False) as drops,
    ):
        save_payers(drops.engine, ORGANIZATION, demo_payers(load_settings()))
        save_partners(drops.engine, ORGANIZATION, [demo_partner()])
        yield drops


@contextmanager
def clearinghouse(drops: DropStack, *, delay_s: float = 1.0) -> Iterator[Clearinghouse]:
    folder = drops.stack.home / "x12" / "demo"
    house = Clearinghouse(
        outgoing=folder / "outgoing",
        incoming=folder / "incoming",
        make_world=lambda day: World(seed=SEED, today=day),
        today=today_in("America/Chicago"),
        delay=timedelta(seconds=delay_s),
    )
    stop = threading.Event()
    thread = threading.Thread(target=house.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield house
    finally:
        stop.set()
        thread.join(10)


def drop(drops: DropStack, name: str) -> Upload:
    content, _ = sample(ROWS)
    folder = drops.stack.home / "inbox" / ORGANIZATION / PAYER
    drops.stack.wait_until(folder.is_dir, what="the payer's folder")
    part = folder / f"{name}.part"
    part.write_bytes(content)
    os.utime(part, (0, 0))
    part.rename(folder / name)
    return drops.wait_for_taken(name)


def submitted(drops: DropStack, upload: Upload) -> int:
    with reading(drops.engine) as connection:
        return connection.execute(
            select(func.count()).where(tables.x12_inquiries.c.upload_id == upload.id)
        ).scalar_one()


def assert_every_row_is_right(drops: DropStack, upload: Upload, house: Clearinghouse) -> None:
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []
    _, rows = sample(ROWS)
    untold = {row.cells for row in rows if row.kind == "birth_date_mistyped"}
    answers = list(results.iterate_answered_rows(drops.engine, upload.id))
    for answer, row in zip(answers, rows, strict=True):
        if row.cells not in untold:
            assert answer.result.outcome is row.outcome
    # Nothing went out twice.
    assert house.counts.inquiries == submitted(drops, upload)


def test_a_dropped_file_waits_for_its_answers_and_gets_them(drops: DropStack) -> None:
    with clearinghouse(drops) as house:
        upload = drop(drops, "calm.csv")
        waiting = drops.wait_for_status("calm.csv", UploadStatus.PROCESSING)
        assert waiting.id == upload.id
        ended = drops.wait_for_end("calm.csv")
        assert ended.status is UploadStatus.COMPLETED
        assert_every_row_is_right(drops, ended, house)
    assert_no_process_has_told_of_a_patient(drops)


def test_killed_while_it_asks_waits_and_settles_nothing_is_lost_or_sent_twice(
    drops: DropStack,
) -> None:
    with clearinghouse(drops, delay_s=3) as house:
        upload = drop(drops, "killed.csv")
        drops.stack.wait_until(lambda: submitted(drops, upload) > 20, what="inquiries")
        drops.stack.signal_workers(signal.SIGKILL)
        drops.stack.wait_until(lambda: house.counts.files > 0, what="a file")
        drops.stack.kill("daemon")
        drops.stack.start_what_is_missing()
        drops.stack.wait_until(lambda: bool(_answered(drops, upload)), what="answers")
        drops.stack.wait_until(lambda: bool(drops.stack.worker_pids()), what="a run")
        drops.stack.signal_workers(signal.SIGKILL)
        ended = drops.wait_for_end("killed.csv")
        assert ended.status is UploadStatus.COMPLETED
        assert_every_row_is_right(drops, ended, house)
    assert_no_process_has_told_of_a_patient(drops)


def _answered(drops: DropStack, upload: Upload) -> int:
    with reading(drops.engine) as connection:
        return connection.execute(
            select(func.count()).where(tables.x12_answers.c.upload_id == upload.id)
        ).scalar_one()


def assert_no_process_has_told_of_a_patient(drops: DropStack) -> None:
    _, rows = sample(ROWS)
    with reading(drops.engine) as connection:
        bodies = connection.execute(select(cast(tables.x12_inquiries.c.body, Text))).scalars()
        assert any("EXAMPLE" in body for body in bodies)
    values = {row.cells[2].upper() for row in rows if row.outcome.value == "found"}
    ids = {row.cells[4] for row in rows if row.outcome.value == "found" and len(row.cells[4]) > 8}
    for path in drops.stack.outputs():
        try:
            content = path.read_bytes().upper()
        except FileNotFoundError:
            # SQLite's own files come and go.
            continue
        for value in (*values, *ids):
            if len(value) > 5:
                assert value.encode() not in content
