"""Plays rounds of chaos on a real stack and holds every promise against what came of it."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from claims_pipeline.errors import InputError
from claims_pipeline.folders.result_files import file_keys
from claims_pipeline.model import RetryScope, UploadStatus
from claims_pipeline.sandbox.samples.samples import Shape
from claims_pipeline.store import attempts
from claims_pipeline.store.files import open_file_store
from claims_pipeline.store.tracked.rules import switch_follow_up
from claims_pipeline.store.uploads import Upload, list_uploads
from claims_pipeline_tests.chaos.plans import CANCELLING, ENDING_WORKERS, Event, Planned, Round
from claims_pipeline_tests.end_to_end.drops import DropStack
from claims_pipeline_tests.invariants import (
    Settled,
    asked_again,
    broken_promises,
    most_pages_of_a_query,
    outbox_files,
    pages_read,
    settled_queries,
    was_asked,
)
from claims_pipeline_tests.orchestration.samples import calls_of, make_sample
from claims_pipeline_tests.pipeline import ORGANIZATION

THREADS = 4
# In flight when a worker ends: what its threads have sent, and the answers of one checkpoint.
MOST_ASKED_AGAIN = THREADS + 32
SETTINGS = {"CLAIMS_QUERY_THREADS": str(THREADS), "CLAIMS_DEAD_BETWEEN_STEPS_S": "10"}
LATENCY_MS = 300

_ENDS_WITHIN_S = 240.0
_NAMES = "chaos-"
_KILLED = {
    Event.KILL_HOST: ("code-server",),
    Event.KILL_DAEMON: ("daemon",),
    Event.KILL_WEBSERVER: ("webserver",),
    Event.KILL_ALL: ("webserver", "daemon", "code-server"),
}


class BrokenPromiseError(AssertionError):
    """Something that is promised did not hold; names the promise, never a patient's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a round went: how its uploads ended, search calls beyond those needed, seconds."""

    statuses: tuple[UploadStatus, ...]
    extra_calls: int
    duration_s: float

    def __str__(self) -> str:
        statuses = ", ".join(self.statuses)
        return f"{statuses}; {self.extra_calls} calls asked again; {self.duration_s:.1f} s"


class Chaos:
    """A stack that is killed and brought back, round after round."""

    def __init__(self, drops: DropStack) -> None:
        self._drops = drops
        self._stack = drops.stack
        self._files = open_file_store(str(drops.stack.home / "files"))
        self._ended: dict[str, UploadStatus] = {}
        self._dropped = 0
        # What is killed when, each answer is told to the tracked claims once.
        switch_follow_up(drops.engine, ORGANIZATION, is_on=True, now=datetime.now(UTC))

    def play(self, round_: Round) -> Outcome:
        """One round, to the end.

        Raises:
            BrokenPromiseError: with every promise that did not hold.

        """
        started = time.monotonic()
        calls_before = calls_of(self._drops.sandbox)["summary"]
        names = [f"{_NAMES}{round_.number}-{position}.csv" for position in range(len(round_.rows))]
        for name, rows in zip(names, round_.rows, strict=True):
            content, _ = make_sample(self._drops.sandbox, Shape.PATIENTS, rows)
            self._drops.drop(name, content)
            self._dropped += 1
        if round_.from_asking:
            self._wait_for_asking(names)
        settled: dict[str, Settled] = {}
        frozen: list[int] = []
        for planned in round_.events:
            time.sleep(planned.wait_s)
            self._remember(names, settled)
            frozen += self._happen(planned, names[planned.upload])
        uploads = [self._wait_for_end(name, frozen) for name in names]
        statuses = tuple(upload.status for upload in uploads)
        self._hold_to_promises(round_, uploads, settled)
        extra = calls_of(self._drops.sandbox)["summary"] - calls_before
        extra -= sum(pages_read(self._drops.engine, upload.id) for upload in uploads)
        pages = max(most_pages_of_a_query(self._drops.engine, upload.id) for upload in uploads)
        self._hold_to_few_calls(round_, extra, pages=pages)
        for upload in uploads:
            self._retry(upload, people=round_.retries)
        return Outcome(statuses=statuses, extra_calls=extra, duration_s=time.monotonic() - started)

    # What happens

    def _happen(self, planned: Planned, name: str) -> list[int]:
        """Let the event happen; process ids that are frozen now."""
        if planned.event in CANCELLING:
            self._cancel(planned.event, self._drops.wait_for_taken(name))
        elif planned.event is Event.FREEZE_WORKERS:
            return self._stack.signal_workers(signal.SIGSTOP)
        elif planned.event is Event.KILL_WORKERS:
            self._stack.signal_workers(signal.SIGKILL)
        elif planned.event is Event.END_WORKERS:
            self._stack.signal_workers(signal.SIGTERM)
        else:
            self._kill_and_bring_back(planned.event)
        return []

    def _kill_and_bring_back(self, event: Event) -> None:
        if event is Event.KILL_CODE_SERVER:
            self._stack.kill_alone("code-server")
        for process in _KILLED.get(event, ()):
            self._stack.kill(process)
        if event in {Event.KILL_CODE_SERVER, Event.KILL_HOST, Event.KILL_ALL}:
            self._stack.start_code_server()
        if event in {Event.KILL_DAEMON, Event.KILL_ALL}:
            self._stack.start_daemon(wait=False)
        if event in {Event.KILL_WEBSERVER, Event.KILL_ALL}:
            self._stack.start_webserver()

    def _cancel(self, how: Event, upload: Upload) -> None:
        if how is not Event.TERMINATE:
            attempts.request_cancel(self._drops.engine, upload.id, datetime.now(UTC))
        if how is not Event.CANCEL:
            for run in self._stack.dagster.runs(partition=upload.id):
                if not run.has_ended:
                    self._stack.dagster.terminate(run.run_id)

    def _retry(self, upload: Upload, *, people: int) -> None:
        """Let people retry at the same time; one attempt comes of it, and it ends well."""
        if upload.status is UploadStatus.COMPLETED or not people:
            return
        made: list[int] = []

        def ask() -> None:
            with suppress(InputError):
                attempt = attempts.request_retry(
                    self._drops.engine, upload.id, RetryScope.FAILED, datetime.now(UTC)
                )
                made.append(attempt.number)

        before = settled_queries(self._drops.engine, upload.id)
        threads = [threading.Thread(target=ask) for _ in range(people)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not made:
            return  # It was cancelled when nothing was left to ask.
        if made != [upload.attempt + 1]:
            raise BrokenPromiseError(f"retries made the attempts {made}")
        ended = self._wait_for_end(upload.file_name, [])
        if ended.status is not UploadStatus.COMPLETED or ended.counts.unprocessed:
            raise BrokenPromiseError(f"a retried upload ended {ended.status}")
        self._raise_if(
            [
                *broken_promises(self._drops.engine, self._files, upload.id),
                *asked_again(before, settled_queries(self._drops.engine, upload.id)),
            ]
        )
        self._ended[upload.id] = ended.status

    # What is waited for

    def _wait_for_asking(self, names: list[str]) -> None:
        """Until the payer has been asked for any of the uploads, or one has ended without."""
        uploads = [self._drops.wait_for_taken(name) for name in names]

        def is_asked_or_over() -> bool:
            return any(
                was_asked(self._drops.engine, upload.id)
                or self._drops.wait_for_taken(upload.file_name).status.is_terminal
                for upload in uploads
            )

        self._wait(is_asked_or_over, "the payer to be asked")

    def _wait_for_end(self, name: str, frozen: list[int]) -> Upload:
        upload = self._drops.wait_for_taken(name)

        def is_over() -> bool:
            latest = attempts.latest_attempt(self._drops.engine, upload.id)
            return latest is not None and latest.files_written_at is not None

        self._wait(is_over, f"the files of {upload.id}")
        # Only now, when others have done their work, do the frozen ones go on.
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._wait(lambda: self._all_runs_have_ended(upload), f"the runs of {upload.id}")
        return self._drops.wait_for_taken(name)

    def _all_runs_have_ended(self, upload: Upload) -> bool:
        return all(run.has_ended for run in self._stack.dagster.runs(partition=upload.id))

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        self._stack.wait_until(condition, what=what, timeout_s=_ENDS_WITHIN_S)

    # What is promised

    def _remember(self, names: list[str], settled: dict[str, Settled]) -> None:
        for name in names:
            upload = self._drops.upload_named(name)
            if upload is not None:
                settled[upload.id] = settled_queries(self._drops.engine, upload.id)

    def _hold_to_promises(
        self, round_: Round, uploads: list[Upload], settled: dict[str, Settled]
    ) -> None:
        cancelled = {
            uploads[planned.upload].id for planned in round_.events if planned.event in CANCELLING
        }
        broken: list[str] = []
        for upload in uploads:
            broken += broken_promises(self._drops.engine, self._files, upload.id)
            after = settled_queries(self._drops.engine, upload.id)
            broken += asked_again(settled.get(upload.id, {}), after)
            broken += self._outbox_lacks(upload)
            if upload.status is UploadStatus.CANCELLED and upload.id not in cancelled:
                broken.append("an upload that nobody cancelled is CANCELLED")
            if upload.status is UploadStatus.FAILED:
                broken.append(f"an upload ended FAILED ({upload.error_code})")
            if upload.status is UploadStatus.COMPLETED and upload.counts.failed:
                broken.append("rows failed, and the payer was well")
            self._ended[upload.id] = upload.status
        broken += self._whole_house()
        self._raise_if(broken)

    def _outbox_lacks(self, upload: Upload) -> list[str]:
        if upload.header is None:
            return []
        endings = outbox_files(self._drops.outbox, upload.id)
        wanted = {"results.csv": 1, "results.xlsx": 1}
        if file_keys(upload).rejected_csv:
            wanted["rejected.csv"] = 1
        # Which claims have lines is the payer's business.
        wanted |= {"lines.csv": 1} if "lines.csv" in endings else {}
        return [] if dict(endings) == wanted else [f"I5/I7: the outbox holds {dict(endings)}"]

    def _whole_house(self) -> list[str]:
        """Promises about all uploads so far: none lost, none changed, nothing left lying."""
        page = list_uploads(self._drops.engine, organization_id=ORGANIZATION, page_size=10_000)
        # Others may have used the stack before.
        ours = [upload for upload in page.uploads if upload.file_name.startswith(_NAMES)]
        by_id = {upload.id: upload.status for upload in ours}
        broken = []
        if len(by_id) != self._dropped:
            broken.append(f"I4: {self._dropped} files dropped, {len(by_id)} uploads")
        broken += [
            f"I3: an upload that was {status} is {by_id.get(upload_id)}"
            for upload_id, status in self._ended.items()
            if by_id.get(upload_id) != status
        ]
        left = [path for path in self._drops.inbox.rglob("*") if path.is_file()]
        if left:
            broken.append(f"I7: {len(left)} files are left in the inbox")
        return broken

    def _hold_to_few_calls(self, round_: Round, extra: int, *, pages: int) -> None:
        endings = sum(planned.event in ENDING_WORKERS for planned in round_.events)
        cancels = sum(planned.event in CANCELLING for planned in round_.events)
        queries = (endings * len(round_.rows) + cancels) * MOST_ASKED_AGAIN
        # The promise counts queries, the sandbox counts their pages.
        allowed = queries * pages
        if extra > allowed:
            raise BrokenPromiseError(f"I8: {extra} calls asked again, {allowed} allowed")

    def _raise_if(self, broken: list[str]) -> None:
        if broken:
            raise BrokenPromiseError("; ".join(broken))
