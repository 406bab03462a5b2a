"""Workers and machines that die: noticed, relaunched, and nothing answered is asked again.

On SQLite; `make test-postgresql-quick` has everything, Dagster's own records too, on PostgreSQL.
"""

import os
import signal
from pathlib import Path

import pytest

from claims_pipeline.model import UploadStatus
from claims_pipeline.sandbox.running import running_sandbox
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.uploads import Upload
from claims_pipeline_tests.chaos.rounds import LATENCY_MS, MOST_ASKED_AGAIN, SETTINGS
from claims_pipeline_tests.end_to_end.drops import DropStack, running_drop_stack
from claims_pipeline_tests.invariants import (
    asked_again,
    broken_promises,
    pages_read,
    settled_queries,
)
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

ROWS = 80


@pytest.fixture
def drops(mortal_drops: DropStack) -> DropStack:
    return mortal_drops


def latest(drops: DropStack, upload: Upload) -> Attempt:
    attempt = attempts.latest_attempt(drops.engine, upload.id)
    assert attempt is not None
    return attempt


def wait_for_end(drops: DropStack, upload: Upload) -> Upload:
    """Wait until the upload's files are written and no run is under way."""
    drops.stack.wait_until(
        lambda: latest(drops, upload).files_written_at is not None, what="the files"
    )
    if drops.stack.is_running("webserver"):
        drops.stack.wait_until(
            lambda: all(run.has_ended for run in drops.stack.dagster.runs(partition=upload.id)),
            what="the runs' end",
        )
    ended = drops.upload_named(upload.file_name)
    assert ended is not None
    return ended


def assert_promises_hold(drops: DropStack, upload: Upload) -> None:
    files = open_file_store(str(drops.stack.home / "files"))
    assert broken_promises(drops.engine, files, upload.id) == []


def start(drops: DropStack, name: str) -> Upload:
    """Launch an upload, or drop it where nobody launches; some of its rows have an answer."""
    content, _ = make_sample(drops.sandbox, Shape.PATIENTS, ROWS)
    if drops.stack.is_running("webserver"):
        drops.hand_in(name, content)
    else:
        drops.drop(name, content)
    return drops.wait_for_found(name, ROWS // 10)


def test_a_lost_machine_is_noticed_and_its_upload_goes_on(drops: DropStack) -> None:
    asked = calls_of(drops.sandbox)["summary"]
    upload = start(drops, "lost.csv")
    settled = settled_queries(drops.engine, upload.id)

    drops.stack.kill("code-server")
    drops.stack.start_code_server()

    upload = wait_for_end(drops, upload)
    assert upload.status is UploadStatus.COMPLETED
    assert latest(drops, upload).number == 1
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    asked = calls_of(drops.sandbox)["summary"] - asked
    assert asked - pages_read(drops.engine, upload.id) <= MOST_ASKED_AGAIN
    assert_promises_hold(drops, upload)


def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(drops: DropStack) -> None:
    upload = start(drops, "frozen.csv")
    holder = latest(drops, upload).holder_run_id
    [worker] = drops.stack.worker_pids()

    os.kill(worker, signal.SIGSTOP)
    try:
        drops.stack.wait_until(
            lambda: latest(drops, upload).holder_run_id != holder, what="another run"
        )
        settled = settled_queries(drops.engine, upload.id)
    finally:
        os.kill(worker, signal.SIGCONT)

    upload = wait_for_end(drops, upload)
    assert upload.status is UploadStatus.COMPLETED
    assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
    assert_promises_hold(drops, upload)


def test_an_upload_that_kills_its_workers_stops_after_three_and_others_go_on(
    drops: DropStack,
) -> None:
    content, _ = make_sample(drops.sandbox, Shape.PATIENTS, ROWS)
    upload = drops.hand_in("poison.csv", content)
    killed: set[str] = set()

    def kill_whatever_serves_it() -> bool:
        attempt = latest(drops, upload)
        if attempt.holder_run_id and attempt.holder_run_id not in killed:
            killed.add(attempt.holder_run_id)
            drops.stack.signal_workers(signal.SIGKILL)
        return attempt.state == "finished"

    drops.stack.wait_until(kill_whatever_serves_it, what="the end of the poisonous upload")
    ada = b"claim_number,first_name,last_name,date_of_birth\nFH00000001,ADA,EXAMPLE,05/10/1975\n"
    well = wait_for_end(drops, drops.hand_in("well.csv", ada))
    upload = wait_for_end(drops, upload)

    assert (upload.status, upload.error_code) == (UploadStatus.FAILED, "poison")
    assert len(killed) == 3
    assert upload.counts.with_outcome == upload.counts.total
    assert_promises_hold(drops, upload)
    assert (well.status, well.counts.found) == (UploadStatus.COMPLETED, 1)


def test_a_daemon_that_dies_with_its_workers_is_started_again_and_the_upload_goes_on(
    tmp_path: Path,
) -> None:
    """As on one machine without a code server: all that runs hangs on the daemon."""
    with (
        running_sandbox(seed=13, latency_ms=LATENCY_MS) as sandbox,
        running_drop_stack(
            tmp_path / "home", sandbox, settings=SETTINGS, code_server=False, webserver=False
        ) as drops,
    ):
        upload = start(drops, "lost.csv")
        settled = settled_queries(drops.engine, upload.id)

        drops.stack.kill("daemon")
        drops.stack.start_daemon(wait=False)

        upload = wait_for_end(drops, upload)
        assert upload.status is UploadStatus.COMPLETED
        assert asked_again(settled, settled_queries(drops.engine, upload.id)) == []
        assert_promises_hold(drops, upload)
