"""What an upload has come to: as one JSON object, as a table, as a progress bar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from claims_pipeline.cli.channel_shares import ChannelShare, channel_shares, share_lines
from claims_pipeline.cli.local.local_store import LocalStore
from claims_pipeline.cli.options import shown_path
from claims_pipeline.cli.upload_ids import SHOWN_DIGITS
from claims_pipeline.errors import InputError
from claims_pipeline.folders.result_files import file_keys
from claims_pipeline.model import Outcome, OutcomeCounts, UploadStatus
from claims_pipeline.store import attempts, uploads
from claims_pipeline.store.attempts import Attempt
from claims_pipeline.store.uploads import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An upload, its latest attempt, and the files that are there."""

    upload: Upload
    attempt: Attempt
    results_csv: str | None
    results_xlsx: str | None
    lines_csv: str | None
    rejected_csv: str | None
    channels: Mapping[str, ChannelShare]

    @property
    def calls(self) -> int:
        """Calls to the payer of all kinds, tries included."""
        attempt = self.attempt
        return (
            attempt.search_calls + attempt.detail_calls + attempt.payment_calls + attempt.look_calls
        )

    @property
    def is_complete(self) -> bool:
        """Whether every row was asked."""
        return self.upload.status is UploadStatus.COMPLETED and not self.upload.counts.failed

    def as_json(self, *, duration_s: float) -> dict[str, Any]:
        """The object of `claims-pipeline run --json`."""
        return {
            "upload_id": self.upload.id,
            "status": self.upload.status.value,
            "attempt": self.attempt.number,
            "counts": counts_as_json(self.upload.counts),
            "calls": self.calls,
            "search_calls": self.attempt.search_calls,
            "one_per_row_calls": self.attempt.one_per_row_calls,
            "duration_s": round(duration_s, 3),
            "results_csv": self.results_csv,
            "results_xlsx": self.results_xlsx,
            "rejected_csv": self.rejected_csv,
            "channels": {
                name: {"rows": share.rows, "calls": share.calls, "price": float(share.price)}
                for name, share in self.channels.items()
            },
        }


def refused_as_json(*, duration_s: float) -> dict[str, Any]:
    """The same object for a file that did not become an upload."""
    return {
        "upload_id": None,
        "status": UploadStatus.FAILED.value,
        "attempt": 0,
        "counts": counts_as_json(OutcomeCounts()),
        "calls": 0,
        "search_calls": 0,
        "one_per_row_calls": 0,
        "duration_s": round(duration_s, 3),
        "results_csv": None,
        "results_xlsx": None,
        "rejected_csv": None,
        "channels": {},
    }


def counts_as_json(counts: OutcomeCounts) -> dict[str, int]:
    """Rows by outcome, with their total."""
    return {
        "total": counts.total,
        **{outcome.value: getattr(counts, outcome.value) for outcome in Outcome},
    }


def summarise(store: LocalStore, upload_id: str) -> Summary:
    """Read what an upload has come to.

    Raises:
        InputError: `upload_unknown`.

    """
    upload = uploads.get_upload(store.engine, upload_id)
    attempt = attempts.latest_attempt(store.engine, upload_id)
    if upload is None or attempt is None:
        raise InputError("upload_unknown", "There is no such upload.")
    keys = file_keys(upload)

    def path(key: str | None) -> str | None:
        return store.files.location(key) if key and store.files.exists(key) else None

    return Summary(
        upload=upload,
        attempt=attempt,
        results_csv=path(keys.results_csv),
        results_xlsx=path(keys.results_xlsx),
        lines_csv=path(keys.lines_csv),
        rejected_csv=path(keys.rejected_csv),
        channels=channel_shares(store, upload, attempt),
    )


def show(summary: Summary, console: Console) -> None:
    """Print the outcome table, what it cost and where the files are."""
    upload, attempt = summary.upload, summary.attempt
    console.print(f"Upload {upload.id}: {upload.status.value}, attempt {attempt.number}")
    console.print(outcome_table(upload.counts))
    if upload.error_message:
        console.print(escape(f"{upload.error_message} [{upload.error_code}]"))
    if upload.waiting_reason:
        console.print(escape(f"Waiting: {upload.waiting_reason}. A running daemon goes on later."))
    console.print(
        f"{attempt.search_calls:,} search calls (one per row: {attempt.one_per_row_calls:,}), "
        f"{attempt.detail_calls + attempt.payment_calls:,} calls for details and payments"
    )
    for line in share_lines(summary.channels):
        console.print(line)
    for label, path in (
        ("results", summary.results_csv),
        ("workbook", summary.results_xlsx),
        ("service lines", summary.lines_csv),
        ("rejected rows", summary.rejected_csv),
    ):
        if path:
            console.print(escape(f"{label}: {_shown(path)}"), soft_wrap=True)


def _shown(location: str) -> str:
    return location if "://" in location else shown_path(Path(location))


def outcome_table(counts: OutcomeCounts) -> Table:
    """Rows by outcome, without those that no row has."""
    table = Table("outcome", "rows")
    table.columns[1].justify = "right"
    for outcome in Outcome:
        rows = getattr(counts, outcome.value)
        if rows:
            table.add_row(outcome.value.replace("_", " "), f"{rows:,}")
    table.add_section()
    table.add_row("all", f"{counts.total:,}")
    return table


class ShownUpload(Protocol):
    """An upload of this machine's database, or as the upload service shows it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def status(self) -> UploadStatus:
        """How far it is."""

    @property
    def attempt(self) -> int:
        """The latest attempt's number."""

    @property
    def counts(self) -> OutcomeCounts:
        """Rows by outcome."""

    @property
    def waiting_reason(self) -> str | None:
        """Why it waits, while it does."""

    @property
    def error_code(self) -> str | None:
        """Why it failed, if it did."""


class ListedUpload(ShownUpload, Protocol):
    """The same with what a list of uploads shows beside."""

    @property
    def file_name(self) -> str:
        """As its person named it; may name a patient."""

    @property
    def created_at(self) -> datetime:
        """When it was handed in, in UTC."""


def uploads_table(uploads: Sequence[ListedUpload]) -> Table:
    """A line for each upload, with as much of its id as commands need."""
    table = Table("upload", "handed in", "status", "rows", "done", "file")
    for column in table.columns[:-1]:
        column.no_wrap = True
    for number in (3, 4):
        table.columns[number].justify = "right"
    for upload in uploads:
        table.add_row(
            upload.id[:SHOWN_DIGITS],
            f"{upload.created_at.astimezone():%Y-%m-%d %H:%M}",
            "waiting" if upload.waiting_reason else upload.status.value.lower(),
            f"{upload.counts.total:,}",
            f"{upload.counts.done:,}",
            escape(upload.file_name),
        )
    return table


def status_as_json(upload: ShownUpload) -> dict[str, Any]:
    """The object of `claims-pipeline status --json`."""
    return {
        "upload_id": upload.id,
        "status": upload.status.value,
        "attempt": upload.attempt,
        "counts": counts_as_json(upload.counts),
        "waiting_reason": upload.waiting_reason,
        "error_code": upload.error_code,
    }


@contextmanager
def sending_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes on standard error, moved by bytes sent and bytes in all."""
    with Progress(
        TextColumn("sending     "),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task("sending", total=None)
        yield lambda sent, total: progress.update(task, completed=sent, total=total)


class UploadProgress:
    """A progress bar on standard error, for as long as the block lasts."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Name what is going on before there are rows."""
        self._progress.update(self._task, description=text)

    def update(self, upload: ShownUpload) -> None:
        """Show the upload's counts."""
        self._progress.update(
            self._task,
            description="waiting" if upload.waiting_reason else upload.status.value.lower(),
            total=upload.counts.total or None,
            # Rows that a cancellation left out are not done: the bar stands where it stopped.
            completed=upload.counts.done,
        )
