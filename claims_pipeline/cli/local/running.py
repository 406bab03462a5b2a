"""Takes a file in and runs its upload to the end on the local Dagster instance."""

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from claims_pipeline import intake
from claims_pipeline.cli.local.home import process_environment
from claims_pipeline.cli.local.local_store import (
    LocalStore,
    now,
    opened_csv,
    practices_of,
)
from claims_pipeline.cli.local.mailboxes import Mailboxes
from claims_pipeline.cli.local.processes import Processes, RunningProcess
from claims_pipeline.errors import InputError, SettingsError
from claims_pipeline.model import UploadOptions
from claims_pipeline.payers.registry import environment_of
from claims_pipeline.preflight.context import intake_context
from claims_pipeline.preflight.payer_table import PayerTable
from claims_pipeline.settings import Settings
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.attempts.launch_tags import CLAIM_STATUS_JOB, RESULTS_FILES_JOB
from claims_pipeline.store.database import writing
from claims_pipeline.store.tenants.column_decisions import list_decisions, remember_decision
from claims_pipeline.store.tenants.payers import list_payers
from claims_pipeline.store.uploads import NewUpload, Upload

_CHUNK_BYTES = 1 << 20
_POLL_S = 0.2
_LONGEST_PAUSE = timedelta(minutes=1)

OnProgress = Callable[[Upload], None]


def take_in(
    store: LocalStore,
    file: Path,
    *,
    organization_id: str,
    payer: str,
    options: UploadOptions,
    column_map: Mapping[str, str] | None = None,
) -> Upload:
    """Keep the file and make its upload; what is refused at first sight leaves nothing behind.

    What `column_map` decides about the file's columns is remembered for the organization.

    Raises:
        FileRefusedError: the file is not one that can be asked.
        InputError: `practices_missing`, `payer_unknown` or `payer_not_connected`.
        SettingsError: the payer's addresses or credentials are missing.

    """
    settings = store.settings
    # First: the demo organization gets its payers with its practices.
    practices = practices_of(store, organization_id)
    payers = PayerTable.of(list_payers(store.engine, organization_id), settings)
    context = intake_context(
        settings,
        provider=payer,
        payers=payers,
        practices=practices,
        today=settings.payer_today(),
        column_map=column_map,
        remembered=list_decisions(store.engine, organization_id),
    )
    upload_id = str(uuid.uuid4())
    key = f"{organization_id}/{upload_id}/upload.csv"
    with opened_csv(file) as stream:
        reading = intake.read(stream, context)
        if column_map:
            with writing(store.engine) as connection:
                remember_decision(
                    connection,
                    organization_id=organization_id,
                    header_digest=reading.header_digest,
                    column_map=column_map,
                    now=now(),
                )
        # Before the file is kept: nobody could ask about its rows.
        _require_one_that_can_be_asked(payers.channels_of(payer), settings)
        stream.seek(0)
        stored = store.files.write(key, _chunks(stream), max_bytes=settings.max_file_bytes)
    new = NewUpload(
        id=upload_id,
        organization_id=organization_id,
        payer=payer,
        source="cli",
        file_name=file.name,
        file_key=key,
        file_size=stored.size,
        file_sha256=stored.sha256,
        options=options,
    )
    # Whoever may use this machine's store needs no other name.
    return uploads.create_upload(store.engine, new, actor=f"cli:{os.getuid()}", now=now())


def run_to_the_end(store: LocalStore, upload_id: str, *, on_progress: OnProgress) -> None:
    """Run the upload's pending attempt in a process of its own, and wait until it is over.

    When a running daemon is quicker to launch it, that run is followed instead. A payer that is
    down is waited for while its next try is near, answers by files while files come; then both are
    left to a daemon. Ctrl-C cancels the upload
    and waits for its end; a second one ends the worker as well.
    """
    with Processes(
        logs=store.home.logs, environment=process_environment(store.settings)
    ) as processes:
        worker = _launch(store, upload_id, processes)
        try:
            _follow(store, upload_id, worker, on_progress)
            mailboxes = Mailboxes(store.engine, store.settings.x12_folder)
            while _goes_on_soon(existing_upload(store, upload_id)) or (
                _awaits_answers(existing_upload(store, upload_id)) and mailboxes.may_bring_more
            ):
                time.sleep(_POLL_S)
                mailboxes.look()
                if worker := _launch(store, upload_id, processes):
                    _follow(store, upload_id, worker, on_progress)
        except KeyboardInterrupt:
            attempts.request_cancel(store.engine, upload_id, now())
            _follow(store, upload_id, worker, on_progress)
        if _lacks_files(store, upload_id):
            _start_worker(processes, RESULTS_FILES_JOB, upload_id).popen.wait()


def _launch(store: LocalStore, upload_id: str, processes: Processes) -> RunningProcess | None:
    """Start a worker if the upload is to be launched now and nobody else has done so."""
    ticket = str(uuid.uuid4())
    if not attempts.issue_ticket(
        store.engine, _latest(store, upload_id).id, ticket=ticket, now=now()
    ):
        return None
    return _start_worker(processes, CLAIM_STATUS_JOB, upload_id, ticket)


def _start_worker(processes: Processes, *arguments: str) -> RunningProcess:
    command = (sys.executable, "-m", "claims_pipeline.cli.local.local_run", *arguments)
    return processes.start(f"run-{os.getpid()}", command)


def _follow(
    store: LocalStore, upload_id: str, worker: RunningProcess | None, on_progress: OnProgress
) -> None:
    while True:
        # Asked first: what the worker has written by its end is then read below.
        has_ended = worker is not None and worker.has_ended
        upload = existing_upload(store, upload_id)
        on_progress(upload)
        if has_ended or (worker is None and is_over(store, upload)):
            return
        time.sleep(_POLL_S)


def watch_until_over(store: LocalStore, upload_id: str, on_progress: OnProgress) -> Upload:
    """Follow an upload that somebody else runs; the upload as it is then."""
    while True:
        upload = existing_upload(store, upload_id)
        on_progress(upload)
        if is_over(store, upload):
            return upload
        time.sleep(_POLL_S)


def is_over(store: LocalStore, upload: Upload) -> bool:
    """Whether nothing more will happen soon: it has ended, files and all, or the payer is down."""
    if not upload.status.is_terminal:
        return upload.waiting_reason is not None and not _goes_on_soon(upload)
    return upload.header is None or _latest(store, upload.id).files_written_at is not None


def _goes_on_soon(upload: Upload) -> bool:
    """Whether it waits for a next try that somebody at a terminal would wait for."""
    return upload.next_try_at is not None and upload.next_try_at - now() <= _LONGEST_PAUSE


def _awaits_answers(upload: Upload) -> bool:
    return (upload.waiting_reason or "").startswith("awaiting")


def _require_one_that_can_be_asked(channels: Sequence[str], settings: Settings) -> None:
    """Of several channels one is enough: the rows of the others fail, and say why."""
    problems: list[SettingsError] = []
    for channel in channels:
        try:
            environment_of(channel, settings)
        except SettingsError as error:
            problems.append(error)
    if len(problems) == len(channels):
        raise problems[0]


def _lacks_files(store: LocalStore, upload_id: str) -> bool:
    upload = existing_upload(store, upload_id)
    return upload.status.is_terminal and not is_over(store, upload)


def existing_upload(store: LocalStore, upload_id: str) -> Upload:
    """The upload.

    Raises:
        InputError: `upload_unknown`.

    """
    upload = uploads.get_upload(store.engine, upload_id)
    if upload is None:
        raise InputError("upload_unknown", "There is no such upload.")
    return upload


def _latest(store: LocalStore, upload_id: str) -> Attempt:
    attempt = attempts.latest_attempt(store.engine, upload_id)
    if attempt is None:
        raise InputError("upload_unknown", "There is no such upload.")
    return attempt


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk
